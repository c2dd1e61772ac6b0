"""A palette without lightness: bins of the ab plane of CIELAB, with soft encoding; images keep their own L."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import torch

from tintbox.colorization.lab import lab_to_rgb, rgb_to_ab
from tintbox.colorization.nearest import check_floats
from tintbox.colorization.palette_base import BasePalette, as_table, check_distinct, check_image, is_float
from tintbox.errors import TintboxError
from tintbox.limits import PALETTE_BINS

NEAREST = 5  # bins that share a pixel's target
SIGMA = 5.0  # of the Gaussian that weights them, in units of a and b
SHOWN_LIGHTNESS = 65.0  # L of a bin's own colour in charts and names
REACH = 128  # bound on |a| and |b| of every sRGB colour


@dataclass(frozen=True, eq=False, repr=False)
class LabPalette(BasePalette):
    """K bins of the ab plane; a pixel's target is shared among its nearest five (Zhang et al. 2016, section 2.1).

    Args:
        bins: ``(K, 2)`` a and b, kept as a read-only float64 array. The others are as for `Palette`.

    Raises:
        TintboxError: If the bins are not such a table, or a number is out of range.
    """

    key: ClassVar[str] = "bins"
    colours: Any = field(init=False)  # of the bins at one lightness, for charts and names
    bins: Any = field(kw_only=True)

    def __post_init__(self) -> None:
        table = as_table(self.bins, "bins", "[a, b]", PALETTE_BINS)
        if not (np.abs(table) <= REACH).all():
            raise TintboxError(f"bins are not K x 2 numbers from -{REACH} to {REACH}; give a and b of CIELAB")
        check_distinct(table, "bins")
        lab = torch.cat((torch.full((len(table), 1), SHOWN_LIGHTNESS), torch.tensor(table)), 1)
        vars(self).update(bins=table, colours=lab_to_rgb(lab).numpy())
        super().__post_init__()

    def encode(self, image: Any) -> Any:
        """Return the nearest bin of each pixel, like `Palette.encode` for colours.

        Raises:
            TintboxError: As there.
        """
        check_image(image)
        if is_float(image):
            check_floats(image.reshape(-1, 3))
        pixels = image if isinstance(image, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(image))
        near, _ = self.encode_soft(pixels)
        index = near[..., 0].to(self.tensor_type)
        return index if isinstance(image, torch.Tensor) else index.numpy()

    def encode_soft(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Share each pixel among its nearest bins: w ~ exp(-d^2 / (2 sigma^2)), summing to 1.

        Args:
            pixels: ``(..., 3)`` red, green, blue: uint8, or floats in [0, 1].

        Returns:
            Bins, nearest first, and their shares: int64 and float32, both ``(..., 5)``, or ``(..., K)`` if K < 5.
        """
        ab = rgb_to_ab(pixels).reshape(2, -1)
        cell = (ab.floor().long() + REACH).clamp(0, 2 * REACH - 1)
        near = candidates(self.table.tobytes()).to(ab.device).index_select(0, cell[0] * 2 * REACH + cell[1])  # (n, M)
        squares = torch.zeros(near.shape, dtype=ab.dtype, device=ab.device)
        for bins, values in zip(torch.tensor(self.table.T, dtype=ab.dtype, device=ab.device), ab):
            # Planes, in a sixth of the time of `bins[near]`.
            squares += bins.index_select(0, near.flatten()).view(near.shape).sub_(values[:, None]).square_()
        found = squares.topk(min(NEAREST, len(self)), largest=False)  # sorted
        shares = ((found.values[:, :1] - found.values) / (2 * SIGMA**2)).exp_().float()
        shares /= shares @ torch.ones(shares.shape[1], 1, device=ab.device)  # `softmax` is slow for short rows
        shape = (*pixels.shape[:-1], -1)
        return near.gather(1, found.indices).reshape(shape), shares.reshape(shape)

    def targets(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return ``label`` (B, H, W), ``near`` and ``share`` (B, H, W, 5) for images (B, H, W, 3), uint8."""
        near, share = self.encode_soft(pictures)
        return {"label": near[..., 0], "near": near, "share": share}

    def shares(self, blocks: Iterable[torch.Tensor]) -> np.ndarray:
        """Return the share of each bin in blocks of images (B, H, W, 3), smoothed by the soft encoding: (K,)."""
        total = torch.zeros(len(self), dtype=torch.float64)
        for picture in chain.from_iterable(blocks):
            near, share = self.encode_soft(picture)
            total.index_add_(0, near.flatten(), share.flatten().double())
        return (total / total.sum()).numpy()


@lru_cache(maxsize=4)
def candidates(bins: bytes) -> torch.Tensor:
    """Return, for each unit cell of the ab plane, the bins that can be among the nearest of any point in it.

    In a cell with centre m and half-diagonal r, a point's n-th nearest bin is at most d_n(m) + r away from it, and so
    at most d_n(m) + 2 r from m. Cells with fewer such bins than others are filled up with farther ones.

    Args:
        bins: The (K, 2) float64 array as bytes. All palettes with the same bins share the table.

    Returns:
        (4 REACH^2, M), int64.
    """
    table = torch.frombuffer(bytearray(bins), dtype=torch.float64).reshape(-1, 2).float()
    axis = torch.arange(-REACH, REACH) + 0.5
    distances = torch.cdist(torch.cartesian_prod(axis, axis), table)  # (4 REACH^2, K)
    farthest = distances.topk(min(NEAREST, len(table)), largest=False).values[:, -1:]
    limit = farthest + 2 * math.sqrt(0.5) + 1e-3  # the last term covers float32 rounding
    most = int((distances <= limit).sum(1).max())
    return distances.topk(most, largest=False).indices
