"""Validation of a colouriser: during training, of a checkpoint, or of an exported model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import distributed
from ultralytics.data.utils import get_split_fraction
from ultralytics.engine.validator import BaseValidator
from ultralytics.nn.backends.base import BaseBackend
from ultralytics.utils import LOGGER, RANK

from tintbox.colorization import dataset, folder, plots
from tintbox.colorization.backend import adjust_for_inference, model_channels, model_output_stride, model_palette
from tintbox.colorization.batch import likeliest, paint, prepare, truth_rows
from tintbox.colorization.data import Pictures, check_size, first, image_files
from tintbox.colorization.lab import rgb_to_ab
from tintbox.colorization.loader import Order, PictureLoader
from tintbox.colorization.loss import cross_entropy
from tintbox.colorization.metrics import ColorizeMetrics
from tintbox.colorization.model import ColorizeModel
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_base import BasePalette
from tintbox.colorization.rendering import show
from tintbox.threads import use_all_cores

KEPT = 1 << 22  # pixels of the truth that are kept between the epochs of a training, about 25 bytes each


class ColorizeValidator(BaseValidator):
    """Accuracy, mean loss, PSNR, AuC and colourfulness on the images of a split.

    Attributes:
        palette: The model's palette; it also converts the true colours to labels. A trainer passes its own.
        channels: The model's input channels, 1 or 3.
        output_stride: Input pixels per output pixel; the truth is averaged accordingly.
        dtype: Type of the input; bfloat16 during training in bfloat16.
        kept: During training, number of a batch -> its input and truth, for the first `KEPT` pixels.
    """

    palette: BasePalette
    channels = 1
    output_stride = 1
    dtype = torch.float32

    def __init__(self, dataloader: Any = None, save_dir: Any = None, args: Any = None, _callbacks: Any = None) -> None:
        super().__init__(dataloader, save_dir, args, _callbacks)
        self.args.task = "colorize"
        self.metrics = ColorizeMetrics()
        self.samples = self.args.plots  # Ultralytics switches `plots` off in all but the last epoch
        self.epoch = 0
        self.kept: dict[int, dict[str, Any]] = {}

    def __call__(self, trainer: Any = None, model: Any = None, **kwargs: Any) -> Any:
        """Validate. A plain image folder, which Ultralytics would reject as a dataset, is accepted too."""
        data, part = self.args.data, self.args.split
        if trainer is None and self.dataloader is None:
            dataset.describe(data, part)  # reports errors in one line
            folder.mark(self.save_dir)
        if trainer is not None or not folder.is_plain(data):
            return super().__call__(trainer, model, **kwargs)
        with folder.as_yaml(data, part) as file:
            self.args.data = str(file)
            try:
                return super().__call__(trainer, model, **kwargs)
            finally:
                self.args.data = data

    def get_model(self, model: Any, trainer: Any = None) -> Any:
        """Store the training epoch and the input channels before anything is loaded."""
        if trainer is not None:
            self.epoch = trainer.epoch + 1
        elif isinstance(model, ColorizeModel):
            self.channels = model_channels(model)
        else:
            self.channels = int(BaseBackend.read_metadata(model or self.args.model).get("channels", self.channels))
        return super().get_model(model, trainer)

    def get_dataloader(self, dataset_path: Any, batch_size: int) -> PictureLoader:
        """Return the batches of a split."""
        self.data["channels"] = self.channels  # for Ultralytics' warm-up of the model
        size = check_size(self.args.imgsz, int(self.stride))
        files = first(image_files(dataset_path), get_split_fraction(self.args.fraction, self.args.split))
        pictures = Pictures(files, size, self.args.cache)
        return PictureLoader(pictures, batch_size, Order(len(pictures)))

    def init_metrics(self, model: Any) -> None:
        """Take the channels, and outside training the palette, from a ColorizeModel or a backend."""
        use_all_cores(self.device)
        self.channels, self.output_stride = model_channels(model), model_output_stride(model)
        mixed = self.training and model.mixed_precision and self.device.type == "cpu"
        self.dtype = torch.float16 if self.args.quantize == 16 else torch.bfloat16 if mixed else torch.float32
        if not self.training:
            self.palette = adjust_for_inference(model_palette(model), self.args, Path(str(self.args.model)).name)
        self.metrics = ColorizeMetrics(len(self.palette))
        self.metrics.save_dir = self.save_dir
        self.seen = 0

    def preprocess(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Convert RGB images to the network's input, the labels and the originals, all on the device."""
        if self.training and self.batch_i in self.kept:
            return dict(self.kept[self.batch_i])
        ready = prepare(batch, self.palette, self.channels, self.device, self.dtype, self.output_stride)
        if self.training and sum(b["rgb"][:, 0].numel() for b in (ready, *self.kept.values())) <= KEPT:
            ready["ab"] = rgb_to_ab(ready["rgb"].permute(0, 2, 3, 1))
            self.kept[self.batch_i] = dict(ready)
        return ready

    def postprocess(self, preds: Any) -> torch.Tensor:
        """Return the logits (B, K, H, W)."""
        return preds[0] if isinstance(preds, (list, tuple)) else preds

    def update_metrics(self, preds: torch.Tensor, batch: dict[str, Any]) -> None:
        """Add a batch of logits (B, K, H, W) to the metrics; the first batch also gives the epoch's sample grid."""
        truth, guess = batch["rgb"].permute(0, 2, 3, 1), likeliest(preds)
        loss = float(batch["loss"] if "loss" in batch else cross_entropy(preds, batch))
        whole = self.palette.temperature == 0 and guess.shape == truth.shape[:3]  # the image is the guess itself
        pictures = show(self.palette, guess, truth) if whole else paint(self.palette, preds, truth)
        colours = None
        if whole and isinstance(self.palette, Palette):
            colours = self.palette.decode(torch.arange(len(self.palette), device=guess.device)[None])[0]
        self.metrics.update(guess, batch["label"], loss, pictures, truth, colours, batch.get("ab"))
        self.seen += len(preds)
        if self.training and self.samples and self.batch_i == 0 and RANK in {-1, 0}:
            self.plot(batch, preds, self.save_dir / "samples" / f"epoch{self.epoch:03d}.png")

    def gather_stats(self) -> None:
        """Sum the metrics over the ranks of a distributed run, and give Ultralytics the mean loss over pixels.

        Its own loss is a mean of batch means, which gives a short last batch too much weight.
        """
        if RANK != -1 and distributed.is_initialized():
            for name in ("sums", "classes"):
                sums = getattr(self.metrics, name).to(self.device)
                distributed.all_reduce(sums)
                setattr(self.metrics, name, sums.cpu())
        if self.training:
            self.loss["loss"] = torch.tensor(self.metrics.loss * len(self.dataloader), device=self.device)

    def get_stats(self) -> dict[str, float]:
        """Return the metrics for results.csv, and the fitness."""
        return self.metrics.results_dict

    def finalize_metrics(self) -> None:
        """Pass the timings on to the metrics."""
        self.metrics.speed = self.speed

    def get_desc(self) -> str:
        """Return the header of the progress bar."""
        return ("%22s" + "%11s" * 7) % ("", "Images", "accuracy", "loss", "PSNR", "AuC", "AuC rebal", "colourful")

    def print_results(self) -> None:
        """Log the metrics under the header."""
        m = self.metrics
        numbers = (m.accuracy, m.loss, m.psnr, m.auc, m.auc_rebalanced, m.colourfulness)
        LOGGER.info(("%22s" + "%11i" + "%11.4g" * 6) % ("all", m.images, *numbers))

    def plot_predictions(self, batch: dict[str, Any], preds: torch.Tensor, ni: int) -> None:
        """Save grey, truth and prediction of the batch's first images."""
        self.plot(batch, preds, self.save_dir / f"val_batch{ni}.jpg")

    def plot_val_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Do nothing: `plot_predictions` also shows the truth."""

    def plot(self, batch: dict[str, Any], preds: torch.Tensor, path: Path) -> None:
        """Save a sample grid."""
        n = plots.SHOWN
        prediction = paint(self.palette, preds[:n], batch["rgb"][:n].permute(0, 2, 3, 1))
        rows = {**truth_rows(batch, self.palette, n), "prediction": prediction.cpu().numpy()}
        plots.sample_grid(rows, path)
        self.on_plot(path)
