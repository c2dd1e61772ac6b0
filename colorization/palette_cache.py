"""Palettes fitted to the images of a dataset, cached between runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from ultralytics.utils import LOGGER

from tintbox.colorization.data import Pictures
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_base import BasePalette
from tintbox.errors import TintboxError, one_line

SAMPLED = 2000  # images whose pixels are clustered


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
    pixels = torch.cat(list(pictures.sample(SAMPLED, seed))).numpy()
    palette = Palette.fit(pixels, k, seed=seed, scale=scale)
    try:
        palette.save(file)
    except OSError as error:
        LOGGER.warning(f"the fitted palette is not kept for later runs: {one_line(error)}")
    return palette


def fingerprint(pictures: Pictures, k: int, seed: int, scale: float) -> str:
    """Return a name for the fit: a hash of the files' names, sizes and times and of all other inputs."""
    digest = hashlib.sha256(repr((k, seed, scale, pictures.shape, SAMPLED)).encode())
    for file in pictures.files:
        stat = file.stat()
        digest.update(repr((str(file), stat.st_size, stat.st_mtime_ns)).encode())
    return f"k{k}-{digest.hexdigest()[:16]}"
