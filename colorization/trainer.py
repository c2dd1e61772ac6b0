"""Training of a colouriser inside Ultralytics' trainer."""

from __future__ import annotations

import math
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import distributed, nn
from ultralytics.data.utils import get_split_fraction
from ultralytics.engine.trainer import BaseTrainer
from ultralytics.nn.tasks import load_checkpoint, yaml_model_load
from ultralytics.utils import DEFAULT_CFG, LOGGER, RANK

import tintbox.cfg
from tintbox import memory, yaml_file
from tintbox.checks import is_number
from tintbox.colorization import dataset, palette_choice, plots
from tintbox.colorization.balance import class_weights
from tintbox.colorization.batch import prepare, truth_rows
from tintbox.colorization.data import Pictures, check_size, first, image_files
from tintbox.colorization.grey import one_channel
from tintbox.colorization.loader import Order, PictureLoader
from tintbox.colorization.model import ColorizeModel, describe, output_stride
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_base import BasePalette
from tintbox.colorization.validator import ColorizeValidator
from tintbox.errors import TintboxError
from tintbox.processor import fast_bfloat16, fuse
from tintbox.threads import use_all_cores

RECIPES = {  # default settings, by whether the model is built on a detector
    False: Path(tintbox.cfg.__path__[0]) / "recipe-colorize.yaml",
    True: Path(tintbox.cfg.__path__[0]) / "recipe-colorize-yolo.yaml",
}
WARMUP = 0.2  # default share of the epochs for the learning rate's warm-up
MIN_SIDE = 32  # Ultralytics rounds the image size up to multiples of this
KEPT = 1 << 27  # bytes of labels of training images that are kept: finding them again is a thirtieth of a step
BLOCK = 256  # images whose labels are found at once


class ColorizeTrainer(BaseTrainer):
    """Train a colouriser on the images of any dataset YAML; its labels are not needed.

    Attributes:
        named: The user's ``palette`` argument.
        requested: The palette of that name, loaded once, or its number of colours.
        palette: The colours of the labels, chosen before the model is built.
        channels: The model's input channels, 1 or 3.
        output_stride: Input pixels per output pixel.
        coarsest: Input pixels per value of the network's smallest feature map.
        splits: Source, size and fraction of a split -> its images, so that each split is read once.
    """

    palette: BasePalette
    channels = 1
    output_stride = 1
    coarsest = 1

    def __init__(self, cfg: Any = DEFAULT_CFG, overrides: dict[str, Any] | None = None, _callbacks: Any = None) -> None:
        """Fill in the task's own defaults and check the dataset before a run folder is created."""
        given = dict(overrides or {})
        if not given.get("resume"):
            spec = description(given.get("model"))
            if given.get("channel_drop") and spec.get("in_channels", 1) != 3:
                name = Path(str(given.get("model"))).name
                raise TintboxError(f"channel_drop={given['channel_drop']}: {name} has one input channel, not three")
            recipe = yaml.safe_load(RECIPES["base" in spec].read_text(encoding="utf-8"))
            epochs = given.get("epochs", recipe["epochs"])
            if is_number(epochs):
                recipe["warmup_epochs"] = round(WARMUP * epochs, 2)
            given = {**recipe, **given}
        given["task"] = "colorize"
        self.named = requested = given.get("palette")  # an invalid one fails before a run folder is created
        self.requested = Palette.load(requested) if isinstance(requested, (str, Path)) else requested
        if given.get("resume"):
            given.pop("palette", None)  # Ultralytics would report that it is ignored
        self.splits: dict[str, Pictures] = {}
        if "imgsz" in given:
            given["imgsz"] = check_size(given["imgsz"], MIN_SIDE, most=1)[0]
        self.checked = {} if given.get("resume") else dataset.describe(given.get("data"), given.get("split") or "val")
        super().__init__(cfg, given, _callbacks)
        use_all_cores(self.device)

    def get_dataset(self) -> dict[str, Any]:
        """Return the dataset's description; its class names are later replaced by the palette's."""
        data = self.checked or dataset.describe(self.args.data, self.args.split)
        self.args.data = data.get("yaml_file") or str(data["path"])
        return data

    def pictures(self, source: Any, split: str = "train") -> Pictures:
        """Return the images of a split, read once per size: Ultralytics may still round it to a model's stride."""
        fraction = get_split_fraction(self.args.fraction, split)
        key = f"{source}@{self.args.imgsz}@{fraction}"
        if key not in self.splits:
            self.splits[key] = Pictures(first(image_files(source), fraction), self.args.imgsz, self.args.cache)
        return self.splits[key]

    def get_model(self, cfg: Any = None, weights: nn.Module | None = None, verbose: bool = True) -> ColorizeModel:
        """Build the model for the palette of the user, the checkpoint, the dataset or the model, in that order."""
        spec = describe(cfg)
        train = self.pictures(self.data["train"])
        if RANK in {-1, 0} and all(map(is_grey, train.sample(palette_choice.SAMPLED))):
            LOGGER.warning(f"all training images of {self.args.data} are grey: there are no colours to learn")
        self.channels, self.output_stride = spec["in_channels"], output_stride(spec)
        self.palette = self.choose_palette(spec, weights.palette if isinstance(weights, ColorizeModel) else None, train)
        if self.palette.rebalance != 1 and not (self.resume and self.palette.weights is not None):
            self.palette = self.palette.replace(weights=class_weights(self.shares, self.palette.rebalance))
        model = ColorizeModel(cfg, palette=self.palette, verbose=verbose and RANK in {-1, 0})
        self.coarsest = int(model.stride.max())
        if weights is not None:
            model.load(weights)
        model.mixed_precision = self.args.amp not in {False, "fp32"} and fast_bfloat16()
        return model.to(memory_format=torch.channels_last)

    def choose_palette(self, spec: dict[str, Any], own: BasePalette | None, train: Pictures) -> BasePalette:
        """Return the palette of the run and its checkpoints; a rebalanced one may still lack its weights.

        ``own`` is the palette of the colouriser that training starts from.
        """
        requested = self.args.palette if self.requested is None else self.requested
        if self.resume and own is not None:
            if not palette_choice.agrees(own, self.requested):
                raise TintboxError(f"palette={self.named}: {self.args.resume} has another one; leave it out to resume")
            return own
        palette = palette_choice.choose(requested, own, (self.data.get("palette"), spec["palette"]), train, self.args)
        return palette_choice.adjust_for_training(palette, self.args)

    @cached_property
    def shares(self) -> np.ndarray:
        """The share (K,) of each palette colour in the training pixels, at the resolution of the labels."""
        return self.palette.shares(palette_choice.sample(self.pictures(self.data["train"]), self.output_stride))

    def get_dataloader(
        self, dataset_path: Any, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> PictureLoader:
        """Return the batches of a split: shuffled and augmented for training, unchanged for validation."""
        training = mode == "train"
        pictures = self.pictures(dataset_path, "train" if training else self.args.split)
        pictures.move(self.device)
        world = distributed.get_world_size() if rank >= 0 and distributed.is_initialized() else 1
        order = Order(len(pictures), self.args.shuffle if training else None, self.args.seed, max(rank, 0), world)
        if not training:
            return PictureLoader(pictures, batch_size, order)
        alone = self.args.imgsz > self.coarsest  # whether every map of one image has more than one value per channel
        if not alone and min(len(order), batch_size) < 2:
            few = f"batch={batch_size}" if batch_size < 2 else f"data={self.args.data}: one training image"
            side = self.args.imgsz
            raise TintboxError(
                f"{few}, imgsz={side}: BatchNorm cannot train on the one value per channel that this leaves; give "
                f"imgsz={2 * side}, or {'batch=2' if batch_size < 2 else 'more images'}"
            )
        labels = self.find_labels(pictures.memory)
        return PictureLoader(pictures, batch_size, order, self.args.fliplr, self.args.crop, alone, labels)

    def find_labels(self, pictures: torch.Tensor | None) -> torch.Tensor | None:
        """Return the labels of images held in memory if they are one colour per pixel, and not too many; else None."""
        each = isinstance(self.palette, Palette) and self.output_stride == 1
        if pictures is None or not each or pictures[..., 0].numel() * self.palette.tensor_type.itemsize > KEPT:
            return None
        return torch.cat([self.palette.encode(part) for part in pictures.split(BLOCK)])

    def build_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """Return the optimizer, made fast on a CPU."""
        optimizer = super().build_optimizer(*args, **kwargs)
        if self.device.type == "cpu":
            fuse(optimizer)
        return optimizer

    def get_validator(self) -> ColorizeValidator:
        """Return the validator with the run's palette."""
        validator = ColorizeValidator(self.test_loader, self.save_dir, copy(self.args), self.callbacks)
        validator.palette = self.palette
        return validator

    def set_model_attributes(self) -> None:
        """Name the outputs by their colours; Ultralytics would use the dataset's class names."""
        self.model.names = self.palette.names

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Convert RGB images to input and labels on the device."""
        ready = prepare(batch, self.palette, self.channels, self.device, output_stride=self.output_stride)
        if self.args.channel_drop:
            ready["img"] = one_channel(ready["img"], ready["rgb"], self.palette.scale, self.args.channel_drop)
        return ready

    def _do_train(self) -> None:
        """Train; on a CPU, a step's memory is kept for the next one."""
        with memory.keep(self.device):
            super()._do_train()

    def _build_train_pipeline(self) -> None:
        """Set the horizon again: Ultralytics calls this a second time, with a smaller batch, if memory is short."""
        super()._build_train_pipeline()
        self.set_ema()

    def _setup_train(self) -> None:
        """Set the horizon of the EMA once it and the loader exist, and save the palette."""
        super()._setup_train()
        self.set_ema()
        if RANK in {-1, 0}:
            self.palette.save(self.save_dir / "palette.yaml")

    def _load_checkpoint_state(self, ckpt: dict[str, Any]) -> None:
        """Set the horizon again: Ultralytics creates a new EMA when it resumes or recovers."""
        super()._load_checkpoint_state(ckpt)
        self.set_ema()

    def set_ema(self) -> None:
        """Average the weights over ``ema_epochs``; Ultralytics' own EMA has a fixed horizon, for long runs."""
        if self.args.ema_epochs is not None and self.ema:
            steps = max(1.0, self.args.ema_epochs * len(self.train_loader) / self.accumulate)
            self.ema.decay = lambda updates: (1 - 1 / steps) * (1 - math.exp(-updates / steps))

    def _model_train(self) -> None:
        """Start an epoch: the order of its samples depends on the seed and the epoch only."""
        super()._model_train()
        self.train_loader.sampler.set_epoch(self.epoch)

    def validate(self) -> tuple[Any, Any]:
        """Validate; with ``select=last`` every epoch counts as the best so far, so that best.pt holds the last one."""
        metrics, fitness = super().validate()
        if self.args.select == "last":
            self.best_fitness = fitness
        return metrics, fitness

    def progress_string(self) -> str:
        """Return the header of the progress bar."""
        return ("\n" + "%11s" * (4 + len(self.loss_names))) % ("Epoch", "GPU_mem", *self.loss_names, "Images", "Size")

    def plot_training_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Save a sample grid of one of the first training batches: grey, and the truth in the palette's colours."""
        path = self.save_dir / f"train_batch{ni}.jpg"
        plots.sample_grid(truth_rows(batch, self.palette, plots.SHOWN), path)
        self.on_plot(path)

    def plot_metrics(self) -> None:
        """Plot the training curves, and the colours with their shares of the training pixels."""
        super().plot_metrics()
        colours = self.palette.decode(np.arange(len(self.palette))[None])[0]
        plots.palette_chart(colours, self.shares, self.save_dir / "palette.png")


def description(model: Any) -> dict[str, Any]:
    """Return the description in a colouriser's YAML or checkpoint; an empty one if neither is given."""
    file = str(model or "")
    if file.endswith(".pt"):
        return load_checkpoint(file)[0].yaml
    return yaml_model_load(file) if file.endswith(yaml_file.SUFFIXES) else {}


def is_grey(pictures: torch.Tensor) -> bool:
    """Return whether R = G = B in every pixel of images (N, H, W, 3)."""
    return bool((pictures[..., :1] == pictures).all())
