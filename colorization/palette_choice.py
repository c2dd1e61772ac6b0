"""The palette of a training run: the first one named, fitted if it is a number of colours, then balanced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics.utils import LOGGER, USER_CONFIG_DIR

from tintbox.colorization.batch import reduce
from tintbox.colorization.data import Pictures
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_base import BasePalette
from tintbox.colorization.palette_fit import draw
from tintbox.errors import TintboxError, one_line

SAMPLED = 1000  # training images in a representative sample
FITTED = 2000  # images whose pixels are clustered
SCALE = 255.0  # default divisor of 8-bit values


def choose(
    requested: BasePalette | str | Path | int | None,
    own: BasePalette | None,
    others: tuple[BasePalette | dict[str, Any] | str | Path | int | None, ...],
    train: Pictures,
    args: Any,
) -> BasePalette:
    """Return the palette given by the user, the checkpoint, the dataset or the model description, in that order.

    Args:
        requested: The user's choice: a palette, its name or path, or a number of colours.
        own: The palette of the colouriser that training starts from.
        others: The choices of the dataset and the model description; at least one is not None.
        train: The training images, to which a number of colours is fitted.
        args: Arguments of the run.
    """
    named = next(one for one in (requested, own, *others) if one is not None)
    if isinstance(named, int):
        scale = float(args.input_scale or SCALE)
        return fit_palette(train, named, args.seed, scale, USER_CONFIG_DIR / "tintbox" / "palettes")
    palette = named if isinstance(named, BasePalette) else Palette.of(named)
    return palette if args.input_scale is None else palette.replace(scale=args.input_scale)


def fit_palette(pictures: Pictures, k: int, seed: int, scale: float, folder: Path) -> BasePalette:
    """Fit ``k`` colours to the images by k-means; the same images and seed give the same file in ``folder``.

    The file only saves the time of fitting again: if it cannot be read or written, a warning is logged.

    ``scale`` divides 8-bit pixel values to map them to [0, 1].

    Raises:
        TintboxError: If the images have fewer than ``k`` distinct colours.
    """
    file = folder / f"{fingerprint(pictures, k, seed, scale)}.yaml"
    try:
        if file.exists():
            return Palette.load(file)
    except (TintboxError, OSError) as error:
        LOGGER.warning(f"the kept palette cannot be read, so it is fitted again: {one_line(error)}")
    count = min(FITTED, len(pictures)) * pictures.shape[0] * pictures.shape[1]
    pixels = draw((block.numpy() for block in pictures.sample(FITTED, seed)), count, seed)
    palette = Palette.fit(pixels, k, seed=seed, scale=scale)
    try:
        palette.save(file)
    except OSError as error:
        LOGGER.warning(f"the fitted palette is not kept for later runs: {one_line(error)}")
    return palette


def fingerprint(pictures: Pictures, k: int, seed: int, scale: float) -> str:
    """Return a name for the fit: a hash of the files' names, sizes and times and of all other inputs."""
    digest = hashlib.sha256(repr((k, seed, scale, pictures.shape, FITTED)).encode())
    for file in pictures.files:
        stat = file.stat()
        digest.update(repr((str(file), stat.st_size, stat.st_mtime_ns)).encode())
    return f"k{k}-{digest.hexdigest()[:16]}"


def agrees(own: BasePalette, requested: BasePalette | int | None) -> bool:
    """Return whether the palette asked for when resuming, if any, is the run's own."""
    if requested is None or isinstance(requested, int):
        return requested in (None, len(own))
    return type(requested) is type(own) and np.array_equal(requested.table, own.table)


def adjust_for_training(palette: BasePalette, args: Any) -> BasePalette:
    """Return the palette with the user's temperature and rebalancing; the latter resets the weights."""
    balance = {"temperature": args.temperature, "rebalance": args.rebalance}
    given: dict[str, Any] = {name: float(value) for name, value in balance.items() if value is not None}
    if "rebalance" in given:
        given["weights"] = None
    return palette.replace(**given) if given else palette


def sample(train: Pictures, output_stride: int) -> Iterator[torch.Tensor]:
    """Yield a representative sample of training images at the resolution of the labels: (B, H, W, 3), uint8."""
    for pictures in train.sample(SAMPLED):
        yield reduce(pictures.permute(0, 3, 1, 2), output_stride).permute(0, 2, 3, 1)
