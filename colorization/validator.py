"""Validation of a colouriser: during training, of a checkpoint, or of an exported model."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed
from ultralytics.engine.validator import BaseValidator
from ultralytics.nn.backends.base import BaseBackend
from ultralytics.utils import LOGGER, RANK

from tintbox.colorization import plots
from tintbox.colorization.data import Order, PictureLoader, Pictures, grey_input, image_files
from tintbox.colorization.loss import pixel_cross_entropy
from tintbox.colorization.metrics import ColorizeMetrics, psnr
from tintbox.colorization.model import ColorizeModel
from tintbox.colorization.palette import Palette
from tintbox.colorization.processor import use_all_cores
from tintbox.errors import TintboxError


class ColorizeValidator(BaseValidator):
    """Pixel accuracy, mean loss and PSNR on the images of a split.

    Attributes:
        palette: The model's palette; it also turns the true colours into labels.
        channels: The model's input channels, 1 or 3.
    """

    palette: Palette
    channels = 1

    def __init__(self, dataloader: Any = None, save_dir: Any = None, args: Any = None, _callbacks: Any = None) -> None:
        super().__init__(dataloader, save_dir, args, _callbacks)
        self.args.task = "colorize"
        self.metrics = ColorizeMetrics()
        self.samples = self.args.plots  # Ultralytics switches `plots` off in all but the last epoch
        self.epoch = 0

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
        pictures = Pictures(image_files(dataset_path), self.args.imgsz, self.args.cache)
        for line in pictures.skipped:
            LOGGER.warning(line)
        return PictureLoader(pictures, batch_size, Order(len(pictures)))

    def init_metrics(self, model: Any) -> None:
        """Take palette and channels from the model: a ColorizeModel, or a backend around one or around an export."""
        use_all_cores(self.device)
        self.palette, self.channels = model_palette(model), model_channels(model)
        self.metrics = ColorizeMetrics()
        self.metrics.save_dir = self.save_dir
        self.seen = 0

    def preprocess(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Turn RGB pictures into the network's input, the labels and the originals, all on the device."""
        return prepare(batch, self.palette, self.channels, self.device, half=self.args.quantize == 16)

    def postprocess(self, preds: Any) -> torch.Tensor:
        """Return the logits (B, K, H, W) in float32."""
        return (preds[0] if isinstance(preds, (list, tuple)) else preds).float()

    def update_metrics(self, preds: torch.Tensor, batch: dict[str, Any]) -> None:
        """Add a batch of logits (B, K, H, W) to the metrics; draw the sample grid of the epoch from the first."""
        decoded = self.palette.decode(preds).permute(0, 3, 1, 2)  # (B, 3, H, W)
        self.metrics.update(
            preds, batch["label"], float(pixel_cross_entropy(preds, batch["label"])), psnr(decoded, batch["rgb"])
        )
        self.seen += len(preds)
        if self.training and self.samples and self.batch_i == 0 and RANK in {-1, 0}:
            self.plot(batch, preds, self.save_dir / "samples" / f"epoch{self.epoch:03d}.png")

    def gather_stats(self) -> None:
        """Add up the ranks of a distributed run; give Ultralytics the mean loss over pixels.

        Its own loss, a mean of batch means, weighs a short last batch too much.
        """
        if RANK != -1 and distributed.is_initialized():
            sums = self.metrics.sums.to(self.device)
            distributed.all_reduce(sums)
            self.metrics.sums = sums.cpu()
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
        return ("%22s" + "%11s" * 4) % ("", "Images", "accuracy", "loss", "PSNR")

    def print_results(self) -> None:
        """Log the numbers under the header."""
        m = self.metrics
        LOGGER.info(("%22s" + "%11i" + "%11.4g" * 3) % ("all", self.seen, m.accuracy, m.loss, m.psnr))

    def plot_predictions(self, batch: dict[str, Any], preds: torch.Tensor, ni: int) -> None:
        """Save grey, truth and prediction of the batch's first pictures."""
        self.plot(batch, preds, self.save_dir / f"val_batch{ni}.jpg")

    def plot_val_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Do nothing: `plot_predictions` shows the truth beside the prediction."""

    def plot(self, batch: dict[str, Any], preds: torch.Tensor, path: Path) -> None:
        """Save a sample grid."""
        n = plots.SHOWN
        rows = {**truth_rows(batch, self.palette, n), "prediction": as_numpy(self.palette.decode(preds[:n]))}
        plots.sample_grid(rows, path)
        self.on_plot(path)


def as_numpy(pictures: Any) -> np.ndarray:
    """Return a tensor as a NumPy array."""
    return pictures.cpu().numpy() if isinstance(pictures, torch.Tensor) else pictures


def truth_rows(batch: dict[str, Any], palette: Palette, n: int) -> dict[str, np.ndarray]:
    """Return the rows of a sample grid that need no model: grey, and truth in the palette's colours."""
    grey = palette.to_pixels(batch["img"][:n, :1].float()).expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
    return {"grey": as_numpy(grey), "truth in the palette": as_numpy(palette.decode(batch["label"][:n]))}


def prepare(
    batch: dict[str, Any], palette: Palette, channels: int, device: torch.device, half: bool = False
) -> dict[str, Any]:
    """Turn a loader's batch into what network, loss and metrics need.

    Args:
        batch: Holds ``img``, RGB pictures (B, 3, H, W), uint8.
        palette: The colours of the labels.
        channels: Input channels of the network.
        device: Where the result goes.
        half: Input in half precision.

    Returns:
        The batch with ``img`` (B, channels, H, W) float in about [0, 1], ``label`` (B, H, W) int64 and ``rgb``, the
        pictures themselves.
    """
    pictures = batch["img"]
    labels = palette.encode(pictures.permute(0, 2, 3, 1))  # on the CPU, where the pictures are
    rgb = pictures.to(device, non_blocking=True)
    img = grey_input(rgb, channels, palette.scale)
    return {
        **batch,
        "img": img.half() if half else img,
        "label": labels.to(device, non_blocking=True).long(),
        "rgb": rgb,
    }


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
    return Palette.from_dict(ast.literal_eval(stored) if isinstance(stored, str) else stored)


def model_channels(model: Any) -> int:
    """Return the input channels of a ColorizeModel or of Ultralytics' backend."""
    return int(model.yaml["channels"] if isinstance(model, ColorizeModel) else model.channels)
