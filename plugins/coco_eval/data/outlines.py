"""Checks of ground-truth masks before they are rasterized; pycocotools accepts any numbers as points."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from tintbox.errors import TintboxError
from tintbox.limits import MASK_SIDE, POLYGON_LENGTH, POLYGON_LENGTHS
from tintbox.plugins.coco_eval.data.rows import Rows
from tintbox.plugins.coco_eval.data.run_lengths import are_run_lengths, cover, is_size
from tintbox.plugins.coco_eval.data.truth import Truth


def check_masks(truth: Truth) -> None:
    """Raise TintboxError if an object's ``segmentation`` is neither polygons nor run lengths of its image's size."""
    rows = Rows("the ground truth", "annotations", truth.annotations)
    sizes = {image["id"]: [image.get("height"), image.get("width")] for image in truth.images}
    pictures = [sizes[row["image_id"]] for row in rows.rows]
    what = f"is of an image whose height and width are {{}}; masks need both, from 1 to {MASK_SIDE}"
    rows.refuse([not is_size(size) for size in pictures], what, pictures)

    values = rows.column("segmentation")
    # The rows of a mask's array look like polygons: as many as the image is high, each as long as the image is wide.
    polygons = [
        _are_polygons(value) and [len(value), *{len(row) for row in value}] != size
        for value, size in zip(values, pictures)
    ]
    coded = np.array([are_run_lengths(value) for value in values], dtype=bool)
    what = "has segmentation {}, neither polygons [[x1, y1, x2, y2, x3, y3, ...]] nor run lengths"
    rows.refuse(~(np.array(polygons, dtype=bool) | coded), what, values)
    lengths = np.zeros(len(values))
    lengths[np.flatnonzero(polygons)] = _lengths([v for v, is_list in zip(values, polygons) if is_list])
    rows.refuse(lengths > POLYGON_LENGTH, f"has polygons of more than {POLYGON_LENGTH:,} pixels around", values)
    if (total := lengths.sum()) > POLYGON_LENGTHS:
        raise TintboxError(
            f"the ground truth: its polygons are {total:,.0f} pixels around, {POLYGON_LENGTHS:,} are the most"
        )

    masks = [value for value, is_coded in zip(values, coded) if is_coded]
    own: list[Any] = [size for size, is_coded in zip(pictures, coded) if is_coded]
    wrong = np.zeros(len(values), dtype=bool)
    wrong[coded] = [mask["size"] != size for mask, size in zip(masks, own)]
    rows.refuse(wrong, "has a mask that is not of its image's height and width")
    wrong[coded] = cover(masks) != np.array([height * width for height, width in own], dtype=np.int64)
    rows.refuse(wrong, "has a mask whose counts do not add up to its height times width")


def _are_polygons(value: Any) -> bool:
    """Return whether a value is a list of polygons with three points or more each."""
    if type(value) is not list or not value:
        return False
    return all(
        type(polygon) is list
        and len(polygon) >= 6
        and len(polygon) % 2 == 0
        and set(map(type, polygon)) <= {float, int}
        for polygon in value
    )


def _lengths(objects: list[list[list[float]]]) -> np.ndarray:
    """Return the perimeter in pixels of each object's polygons; infinite if a point is too far away."""
    polygons = list(chain.from_iterable(objects))
    if not polygons:
        return np.zeros(0)
    counts = np.array([len(polygon) // 2 for polygon in polygons])
    try:
        points = np.fromiter(chain.from_iterable(polygons), np.float64, 2 * counts.sum()).reshape(-1, 2)
    except OverflowError:  # an integer too large for a float
        return np.array([max(map(_far, chain.from_iterable(polygons_))) for polygons_ in objects])
    starts = np.cumsum(counts) - counts
    following = np.arange(1, len(points) + 1)
    following[starts + counts - 1] = starts
    near = (np.abs(points) <= POLYGON_LENGTH).all(1)  # False for NaN as well
    points[~near] = 0.0
    steps = np.where(near, np.abs(points[following] - points).max(1), np.inf)
    each = np.array([len(polygons_) for polygons_ in objects])
    return np.add.reduceat(steps, starts[np.cumsum(each) - each])


def _far(value: float) -> float:
    """Return infinity for a coordinate that is too large, else 0."""
    return 0.0 if -POLYGON_LENGTH <= value <= POLYGON_LENGTH else np.inf
