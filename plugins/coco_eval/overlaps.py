"""The overlap of detections and objects: pycocotools' IoU, for many pairs at once.

For a crowd region it is the fraction of the detection inside the region, as COCO defines it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from pycocotools import mask

from tintbox.plugins.coco_eval.data.truth import Truth

# Rows of detections and of objects, ``(P,)`` each -> IoU ``(P,)``. Pairs of the same image must be adjacent.
Overlap = Callable[[np.ndarray, np.ndarray], np.ndarray]

CHUNK = 1 << 20  # pairs processed at once


def pairs(keys: np.ndarray, own_keys: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the pairs of detections and objects with equal keys, in chunks that hold all pairs of some detections.

    Args:
        keys: ``(N,)`` numbers of the detections' images, or of image and class, in ascending order.
        own_keys: ``(M,)`` the same for objects, in any order.

    Yields:
        ``(P,)`` indices of detections, ascending, and ``(P,)`` indices of objects, ascending for each detection.
    """
    objects = np.argsort(own_keys, kind="stable")
    low, high = (np.searchsorted(own_keys[objects], keys, side=side) for side in ("left", "right"))
    total = np.cumsum(high - low)  # pairs up to each detection
    begin = 0
    while begin < len(keys):
        before = total[begin - 1] if begin else 0
        end = max(int(np.searchsorted(total, before + CHUNK, side="right")), begin + 1)
        each = high[begin:end] - low[begin:end]
        found = np.repeat(np.arange(begin, end), each)
        first = low[begin:end] - (total[begin:end] - each - before)
        yield found, objects[np.arange(len(found)) + np.repeat(first, each)]
        begin = end


def of_boxes(boxes: np.ndarray, objects: np.ndarray, crowd: np.ndarray) -> Overlap:
    """Return the IoU function of boxes ``(N, 4)`` and objects ``(M, 4)``: x, y, width, height in pixels.

    The operations and their order are those of pycocotools' ``bbIou``, so that rounding falls on the same side of a
    threshold.
    """
    left, top, right, bottom, area = _edges(boxes)
    own_left, own_top, own_right, own_bottom, own_area = _edges(objects)

    def overlap(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
        width = np.minimum(right[found], own_right[truth]) - np.maximum(left[found], own_left[truth])
        height = np.minimum(bottom[found], own_bottom[truth]) - np.maximum(top[found], own_top[truth])
        result = np.zeros(len(found))
        touch = np.flatnonzero((width > 0) & (height > 0))  # a small part of all pairs
        both, found, truth = width[touch] * height[touch], found[touch], truth[touch]
        union = np.where(crowd[truth], area[found], area[found] + own_area[truth] - both)
        result[touch] = np.divide(both, union, out=np.zeros(len(touch)), where=union > 0)  # union 0: areas underflow
        return result

    return overlap


def _edges(boxes: np.ndarray) -> tuple[np.ndarray, ...]:
    x, y, width, height = np.ascontiguousarray(boxes.T)
    return x, y, width + x, height + y, width * height


def of_masks(truth: Truth, masks: list[dict[str, Any]], crowd: np.ndarray) -> Overlap:
    """Return the IoU function of N run-length masks and the objects' masks."""
    sizes = {image["id"]: (image.get("height"), image.get("width")) for image in truth.images}
    pictures = [row["image_id"] for row in truth.annotations]
    shapes = [_run_lengths(row["segmentation"], *sizes[i]) for row, i in zip(truth.annotations, pictures)]
    picture = np.unique(pictures, return_inverse=True)[1]

    def overlap(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
        result = np.zeros(len(found))
        starts = np.flatnonzero(np.diff(picture[truth], prepend=-1))
        for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(found)]):
            rows, row = np.unique(found[begin:end], return_inverse=True)
            objects, place = np.unique(truth[begin:end], return_inverse=True)
            table = mask.iou([masks[i] for i in rows], [shapes[i] for i in objects], crowd[objects].astype(np.uint8))
            result[begin:end] = table[row, place]
        return result

    return overlap


def _run_lengths(segmentation: Any, height: Any, width: Any) -> dict[str, Any]:
    """Convert polygons or run lengths, in any of COCO's forms, to compressed run lengths, like ``annToRLE``."""
    if isinstance(segmentation, list):
        return mask.merge(mask.frPyObjects(segmentation, height, width))
    if isinstance(segmentation["counts"], list):
        return mask.frPyObjects(segmentation, height, width)
    return segmentation
