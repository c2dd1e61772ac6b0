"""How well anchors fit a dataset's boxes, and k-means anchors for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tintbox.datasets.reading import picture_file
from tintbox.plugins.anchor.boxes import Anchors
from tintbox.plugins.anchor.matching import fits

LEAST_RECALL = 0.98  # below it, anchors fit badly
LEAST_SIDE = 2.0  # pixels; smaller boxes are ignored in k-means
MOST = 50_000  # maximum number of boxes in k-means


def box_sizes(labels: list[dict[str, Any]], imgsz: int) -> np.ndarray:
    """Return the widths and heights of labelled boxes in pixels, with images scaled to fit a square, (n, 2).

    Args:
        labels: Ultralytics' labels: `bboxes` (n, 4), x, y, w, h relative to the image, and `shape`, its height, width;
            with ``rect``, there is only its file, `im_file`.
        imgsz: Side of the square.
    """
    sizes = [np.zeros((0, 2))]
    for label in labels:
        height, width = label["shape"] if "shape" in label else picture_file.size(label["im_file"])[::-1]
        sizes.append(label["bboxes"][:, 2:4] * (np.array((width, height)) * imgsz / max(height, width)))
    return np.concatenate(sizes).astype(np.float64)


def recall(anchors: Anchors, sizes: np.ndarray, threshold: float) -> float:
    """Return the best possible recall: the fraction of boxes that fit at least one anchor.

    Args:
        anchors: Anchors in pixels.
        sizes: Boxes in pixels, (n, 2), n > 0.
        threshold: The largest ratio of side lengths, `anchor_t`.
    """
    flat = torch.tensor([pair for level in anchors for pair in level], dtype=torch.float64)
    return float(fits(torch.from_numpy(sizes), flat, threshold).any(0).double().mean())


def k_means(sizes: np.ndarray, strides: list[float], na: int) -> Anchors | None:
    """Return na anchors for every level: the k-means centres of the boxes, small ones at the small strides.

    Boxes match anchors by the ratios of their sides, so the distance is computed on the logarithms of the sides.
    (The idea of clustering for anchors: Redmon and Farhadi, YOLO9000, 2016, section 2, with 1 - IoU as the distance.)

    Args:
        sizes: Boxes in pixels, (n, 2).
        strides: Strides by level.
        na: Anchors per level.

    Returns:
        Anchors in pixels, rounded to tenths, or None if there are fewer distinct boxes than anchors.
    """
    from sklearn.cluster import KMeans

    sizes = sizes[(sizes >= LEAST_SIDE).all(1)]
    count = na * len(strides)
    if len(np.unique(sizes, axis=0)) < count:
        return None
    if len(sizes) > MOST:
        sizes = sizes[np.random.default_rng(0).permutation(len(sizes))[:MOST]]
    centres = KMeans(count, n_init=10, random_state=0).fit(np.log(sizes)).cluster_centers_
    found = sorted(np.exp(centres).round(1).tolist(), key=lambda side: side[0] * side[1])
    levels: list[Any] = [None] * len(strides)
    for rank, level in enumerate(np.argsort(strides)):
        levels[level] = tuple((w, h) for w, h in found[rank * na : (rank + 1) * na])
    return tuple(levels)
