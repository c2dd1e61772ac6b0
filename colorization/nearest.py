"""The palette colour nearest to each pixel: by brute force, or for many 8-bit pixels by RGB cells, then by a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tintbox.colorization.nearest_table import NearestCells, NearestTable
from tintbox.errors import TintboxError

BLOCK = 1 << 20  # distances held at once, to bound the memory
MANY_PIXELS = 1 << 16  # 8-bit pixels after which cells pay off; a table does once more pixels follow
CELL_COLOURS = 1024  # largest number of colours for cells: their bounds need K x K numbers
HIGHEST = 1.001  # upper limit of floats in [0, 1], to allow for the rounding of resized images


class NearestColours:
    """Find the nearest of K colours, Euclidean in RGB, exact in float64; ties go to the lower index.

    Attributes:
        cells: The cells for 8-bit pixels, built once many pixels have been seen.
        table: The lookup table for 8-bit pixels, built once more pixels follow.
        seen: Number of 8-bit pixels so far.
    """

    def __init__(self, colours: np.ndarray, scale: float) -> None:
        """Take colours (K, 3) in [0, 1], and the divisor that maps 8-bit values to that range."""
        self.colours, self.levels = colours, colours * scale
        self.cells: NearestCells | None = None
        self.table: NearestTable | None = None
        self.seen = 0

    def of_bytes(self, pixels: Any) -> Any:
        """Return the indices (N,) of uint8 pixels (N, 3), numpy or torch on any device."""
        before, self.seen = self.seen, self.seen + len(pixels)
        if isinstance(pixels, torch.Tensor) or self.seen < MANY_PIXELS or len(self.levels) > CELL_COLOURS:
            return closest(pixels, self.levels)
        if self.cells is None:
            self.cells = NearestCells(self.levels)
        if before < MANY_PIXELS:  # a table does not pay off for a single image
            return self.cells.look_up(pixels)
        if self.table is None:
            self.table = NearestTable(self.cells)
        return self.table.look_up(pixels)

    def of_floats(self, pixels: Any) -> Any:
        """Return the indices (N,) of pixels (N, 3), floats in [0, 1], numpy or torch on any device.

        Raises:
            TintboxError: If a float is outside [0, 1].
        """
        check_floats(pixels)
        return closest(pixels, self.colours)


def check_floats(pixels: Any) -> None:
    """Raise a TintboxError unless all floats (N, 3), numpy or torch, are in [0, 1]."""
    low, high = (float(pixels.min()), float(pixels.max())) if len(pixels) else (0.0, 1.0)
    if not (low >= 1 - HIGHEST and high <= HIGHEST):  # written so that NaN is rejected
        raise TintboxError(f"image has floats from {low:g} to {high:g}; give floats in [0, 1] or uint8 pixels")


def closest(pixels: Any, colours: np.ndarray) -> Any:
    """Return the index (N,) of the nearest of ``colours`` (K, 3) for pixels (N, 3), by brute force."""
    is_tensor = isinstance(pixels, torch.Tensor)
    red, green, blue = torch.from_numpy(colours.T.copy()).to(pixels.device) if is_tensor else colours.T
    parts = []
    for start in range(0, max(len(pixels), 1), step := max(1, BLOCK // len(colours))):
        part = pixels[start : start + step]
        part = part.double() if is_tensor else part.astype(np.float64)
        squares = (part[:, :1] - red) ** 2 + (part[:, 1:2] - green) ** 2 + (part[:, 2:] - blue) ** 2
        parts.append(squares.argmin(1))  # of (n, K)
    return torch.cat(parts) if is_tensor else np.concatenate(parts)
