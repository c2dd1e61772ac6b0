"""Palette colours by k-means over pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tintbox import luma
from tintbox.checks import as_python, is_whole
from tintbox.colorization.palette_base import check_scale, describe
from tintbox.errors import TintboxError

PIXELS = 200_000  # largest sample for k-means
LARGEST_SEED = 2**32 - 1  # of NumPy's random generators


def k_means(pixels: np.ndarray, k: int, seed: int, scale: float) -> np.ndarray:
    """Return the ``k`` k-means colours of ``pixels`` (..., 3), uint8: (k, 3) in [0, 1], from dark to light.

    Args:
        pixels: Red, green, blue; if there are more than `PIXELS`, that many are drawn.
        k: Number of colours, 2 or more.
        seed: Seed of the draw and of k-means++.
        scale: Divisor that maps 8-bit pixel values to [0, 1].

    Raises:
        TintboxError: If ``pixels`` is not such an array or holds fewer than ``k`` distinct colours.
    """
    from sklearn.cluster import KMeans  # takes a second to import

    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim < 2 or pixels.shape[-1] != 3:
        raise TintboxError(f"pixels are {describe(pixels)}; give a numpy array (..., 3) of uint8")
    k, seed = as_python((k, seed))
    if not is_whole(k, 2):
        raise TintboxError(f"k={k!r}: a palette needs a whole number of 2 or more colours")
    if not is_whole(seed, 0, LARGEST_SEED):
        raise TintboxError(f"seed={seed!r}: give a whole number from 0 to {LARGEST_SEED}")
    scale = check_scale(scale)
    flat = draw([pixels], pixels[..., 0].size, seed)
    distinct = len(np.unique(flat.astype(np.int32) @ (1 << 16, 1 << 8, 1)))
    if k > distinct:
        raise TintboxError(f"k={k}, but the {len(flat)} pixels hold {distinct} distinct colours; give a smaller k")
    means = KMeans(k, n_init=2, random_state=seed).fit(flat.astype(np.float64)).cluster_centers_
    means = np.round(np.clip(means / scale, 0, 1), 9)  # k-means' threads make the last bits vary
    return means[np.lexsort((*means.T, means @ luma.WEIGHTS))]


def draw(blocks: Iterable[np.ndarray], count: int, seed: int) -> np.ndarray:
    """Return all pixels of blocks (..., 3), or `PIXELS` of them if there are more: (N, 3).

    ``count`` is the number of pixels in all blocks: the draw depends on it and the seed, not on how they are divided.
    """
    chosen = np.arange(count)
    if count > PIXELS:
        chosen = np.random.default_rng(seed).choice(count, PIXELS, replace=False)
    pixels, start = np.empty((len(chosen), 3), np.uint8), 0
    for block in blocks:
        flat = block.reshape(-1, 3)
        here = (start <= chosen) & (chosen < start + len(flat))
        pixels[here] = flat[chosen[here] - start]
        start += len(flat)
    return pixels
