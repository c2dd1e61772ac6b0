"""Validation of a colouriser: during training, of a checkpoint, or of an exported model."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import distributed
from ultralytics.engine.validator import BaseValidator
from ultralytics.nn.backends.base import BaseBackend
from ultralytics.utils import LOGGER, RANK

from tintbox.colorization import dataset, folder, plots
from tintbox.colorization.data import Pictures, checked_size, image_files
from tintbox.colorization.grey import grey_input
from tintbox.colorization.loader import Order, PictureLoader
from tintbox.colorization.loss import cross_entropy
from tintbox.colorization.metrics import ColorizeMetrics
from tintbox.colorization.model import ColorizeModel
from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError
from tintbox.limits import LITERAL_BYTES
from tintbox.threads import use_all_cores


class ColorizeValidator(BaseValidator):
    """Accuracy, mean loss, PSNR, AuC and colourfulness on the images of a split.

    Attributes:
        palette: The model's palette; it also turns the true colours into labels.
        channels: The model's input channels, 1 or 3.
        output_stride: Pixels of the input per pixel of the output; the truth is averaged over as many.
    """

    palette: Palette
    channels = 1
    output_stride = 1

    def __init__(self, dataloader: Any = None, save_dir: Any = None, args: Any = None, _callbacks: Any = None) -> None:
        super().__init__(dataloader, save_dir, args, _callbacks)
        self.args.task = "colorize"
        self.metrics = ColorizeMetrics()
        self.samples = self.args.plots  # Ultralytics switches `plots` off in all but the last epoch
        self.epoch = 0

    def __call__(self, trainer: Any = None, model: Any = None, **kwargs: Any) -> Any:
        """Validate, on a folder of plain pictures too, of which Ultralytics would say that it is no dataset."""
        data, part = self.args.data, self.args.split
        if trainer is None and self.dataloader is None:
            dataset.described(data, part)  # says what is wrong with it, in a line
        if trainer is not None or not folder.is_plain(data):
            return super().__call__(trainer, model, **kwargs)
        with folder.as_yaml(data, part) as file:
            self.args.data = str(file)
            try:
                return super().__call__(trainer, model, **kwargs)
            finally:
                self.args.data = data

    def get_model(self, model: Any, trainer: Any = None) -> Any:
        """Note the training epoch and the input channels before anything is loaded."""
        if trainer is not None:
            self.epoch = trainer.epoch + 1
        elif isinstance(model, ColorizeModel):
            self.channels = model_channels(model)
        else:
            self.channels = int(BaseBackend.read_metadata(model or self.args.model).get("channels", self.channels))
        return super().get_model(model, trainer)

    def get_dataloader(self, dataset_path: Any, batch_size: int) -> PictureLoader:
        """Return the batches of a split."""
        self.data["channels"] = self.channels  # what Ultralytics warms the model up with
        size = checked_size(self.args.imgsz, int(self.stride))
        pictures = Pictures(image_files(dataset_path), size, self.args.cache)
        for line in pictures.skipped:
            LOGGER.warning(line)
        return PictureLoader(pictures, batch_size, Order(len(pictures)))

    def init_metrics(self, model: Any) -> None:
        """Take palette and channels from the model: a ColorizeModel, or a backend around one or around an export."""
        use_all_cores(self.device)
        self.palette, self.channels = model_palette(model), model_channels(model)
        self.output_stride = model_output_stride(model)
        if not self.training:
            self.palette = adjusted(self.palette, self.args, Path(str(self.args.model)).name)
        self.metrics = ColorizeMetrics(len(self.palette))
        self.metrics.save_dir = self.save_dir
        self.seen = 0

    def preprocess(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Turn RGB pictures into the network's input, the labels and the originals, all on the device."""
        half = self.args.quantize == 16
        return prepare(batch, self.palette, self.channels, self.device, half, self.output_stride)

    def postprocess(self, preds: Any) -> torch.Tensor:
        """Return the logits (B, K, H, W) in float32."""
        return (preds[0] if isinstance(preds, (list, tuple)) else preds).float()

    def update_metrics(self, preds: torch.Tensor, batch: dict[str, Any]) -> None:
        """Add a batch of logits (B, K, H, W) to the metrics; draw the sample grid of the epoch from the first."""
        truth = batch["rgb"].permute(0, 2, 3, 1)
        loss = float(cross_entropy(preds, batch))
        self.metrics.update(preds, batch["label"], loss, painted(self.palette, preds, truth), truth)
        self.seen += len(preds)
        if self.training and self.samples and self.batch_i == 0 and RANK in {-1, 0}:
            self.plot(batch, preds, self.save_dir / "samples" / f"epoch{self.epoch:03d}.png")

    def gather_stats(self) -> None:
        """Add up the ranks of a distributed run; give Ultralytics the mean loss over pixels.

        Its own loss, a mean of batch means, weighs a short last batch too much.
        """
        if RANK != -1 and distributed.is_initialized():
            for name in ("sums", "classes"):
                sums = getattr(self.metrics, name).to(self.device)
                distributed.all_reduce(sums)
                setattr(self.metrics, name, sums.cpu())
        if self.training:
            self.loss["loss"] = torch.tensor(self.metrics.loss * len(self.dataloader), device=self.device)

    def get_stats(self) -> dict[str, float]:
        """Return the numbers for results.csv, and the fitness."""
        return self.metrics.results_dict

    def finalize_metrics(self) -> None:
        """Hand the timings on."""
        self.metrics.speed = self.speed

    def get_desc(self) -> str:
        """Return the header of the progress bar."""
        return ("%22s" + "%11s" * 7) % ("", "Images", "accuracy", "loss", "PSNR", "AuC", "AuC rebal", "colourful")

    def print_results(self) -> None:
        """Log the numbers under the header."""
        m = self.metrics
        numbers = (m.accuracy, m.loss, m.psnr, m.auc, m.auc_rebalanced, m.colourfulness)
        LOGGER.info(("%22s" + "%11i" + "%11.4g" * 6) % ("all", self.seen, *numbers))

    def plot_predictions(self, batch: dict[str, Any], preds: torch.Tensor, ni: int) -> None:
        """Save grey, truth and prediction of the batch's first pictures."""
        self.plot(batch, preds, self.save_dir / f"val_batch{ni}.jpg")

    def plot_val_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Do nothing: `plot_predictions` shows the truth beside the prediction."""

    def plot(self, batch: dict[str, Any], preds: torch.Tensor, path: Path) -> None:
        """Save a sample grid."""
        n = plots.SHOWN
        prediction = painted(self.palette, preds[:n], batch["rgb"][:n].permute(0, 2, 3, 1))
        rows = {**truth_rows(batch, self.palette, n), "prediction": as_numpy(prediction)}
        plots.sample_grid(rows, path)
        self.on_plot(path)


def as_numpy(pictures: Any) -> np.ndarray:
    """Return a tensor as a NumPy array."""
    return pictures.cpu().numpy() if isinstance(pictures, torch.Tensor) else pictures


def truth_rows(batch: dict[str, Any], palette: Palette, n: int) -> dict[str, np.ndarray]:
    """Return the rows of a sample grid that need no model: grey, and truth in the palette's colours."""
    grey = palette.to_pixels(batch["img"][:n, :1].float()).expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
    truth = palette.show(batch["label"][:n], batch["rgb"][:n].permute(0, 2, 3, 1))
    return {"grey": as_numpy(grey), "truth in the palette": as_numpy(truth)}


def painted(palette: Palette, scores: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Return the decoded pictures (B, H, W, 3), uint8, of scores (B, K, h, w) at the size of ``pictures``, alike."""
    values, size = palette.readout(scores), pictures.shape[1:3]
    if values.shape[2:] != size:
        values = F.interpolate(values, size, mode="bilinear", align_corners=False)
    return palette.render(values, pictures)


def adjusted(palette: Palette, args: Any, name: str) -> Palette:
    """Return a model's palette as the arguments of validation or prediction want it.

    Raises:
        TintboxError: If they ask for a rebalanced loss and the palette has no weights.
    """
    if args.temperature is not None:
        palette = palette.but(temperature=float(args.temperature))
    if args.rebalance is not None and args.rebalance < 1 and palette.weights is None:
        raise TintboxError(
            f"rebalance={args.rebalance}: the palette of {name} has no rebalancing weights, which are learned in "
            "training; leave rebalance= out, or train with it"
        )
    return palette.but(weights=None) if args.rebalance == 1 else palette


def prepare(
    batch: dict[str, Any],
    palette: Palette,
    channels: int,
    device: torch.device,
    half: bool = False,
    output_stride: int = 1,
) -> dict[str, Any]:
    """Turn a loader's batch into what network, loss and metrics need.

    Args:
        batch: Holds ``img``, RGB pictures (B, 3, H, W), uint8.
        palette: The colours of the labels.
        channels: Input channels of the network.
        device: Where the result goes.
        half: Input in half precision.
        output_stride: Pixels of the input per pixel of the labels, s.

    Returns:
        The batch with ``img`` (B, channels, H, W) float in about [0, 1]; ``label`` (B, H/s, W/s) int64 and what else
        the palette gives as truth; ``weights`` (K,) if it is rebalanced; and ``rgb``, the pictures themselves.
    """
    pictures = batch["img"]
    small = reduced(pictures, output_stride)
    truth = palette.targets(small.permute(0, 2, 3, 1))  # on the CPU, where the pictures are
    if palette.weights is not None:
        truth["weights"] = torch.tensor(palette.weights, dtype=torch.float32)
    truth["label"] = truth["label"].long()
    rgb = pictures.to(device, non_blocking=True)
    img = grey_input(rgb, channels, palette.scale)
    return {
        **batch,
        "img": img.half() if half else img,
        **{name: values.to(device, non_blocking=True) for name, values in truth.items()},
        "rgb": rgb,
    }


def reduced(pictures: torch.Tensor, stride: int) -> torch.Tensor:
    """Return pictures (B, 3, H, W), uint8, averaged over squares of ``stride`` pixels."""
    return F.avg_pool2d(pictures.float(), stride).round().to(torch.uint8) if stride > 1 else pictures


def model_palette(model: Any) -> Palette:
    """Return the palette of a ColorizeModel, or of Ultralytics' backend around one or around an export.

    Raises:
        TintboxError: If an export carries none.
    """
    for module in (model, getattr(model, "model", None)):
        if isinstance(module, ColorizeModel):
            return module.palette
    stored = getattr(model, "palette", None)
    if stored is None:
        raise TintboxError("the exported model carries no palette in its metadata; export it again with tintbox active")
    if isinstance(stored, str):
        try:
            stored = ast.literal_eval(stored) if len(stored) <= LITERAL_BYTES else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            stored = None
        if stored is None:
            raise TintboxError("the palette in the exported model's metadata cannot be read; export it again")
    return Palette.from_dict(stored)


def model_channels(model: Any) -> int:
    """Return the input channels of a ColorizeModel or of Ultralytics' backend."""
    return int(model.yaml["channels"] if isinstance(model, ColorizeModel) else model.channels)


def model_output_stride(model: Any) -> int:
    """Return the pixels of the input per pixel of the output, of a ColorizeModel or of Ultralytics' backend."""
    for module in (model, getattr(model, "model", None)):
        if isinstance(module, ColorizeModel):
            return module.output_stride
    return int(getattr(model, "output_stride", 1))
