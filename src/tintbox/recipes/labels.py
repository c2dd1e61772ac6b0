"""The labels of a split that Ultralytics trains on, and what is wrong with those in the files.

What it keeps is defined by `ultralytics.data.utils.verify_image_label`, which names neither rows nor most faults, and
which repairs damaged images on disk. The tests compare the two.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from pycocotools import mask

from tintbox import label_rows
from tintbox.datasets.reading.labels import TOLERANCE
from tintbox.limits import LABEL_BYTES
from tintbox.plugins.coco_eval.overlaps import of_boxes, pairs

# What is wrong with a row, or with a whole file -> the consequence.
SKIPS = "Ultralytics skips the whole image"
FAULTS = {
    "malformed, or too few numbers": SKIPS,
    "boxes and polygons in the same file": SKIPS,
    "unknown class": SKIPS,
    "outside the image": SKIPS,
    "negative width or height": SKIPS,
    "without area": "nothing to learn from",
    "reaching out of the image": "Ultralytics trains on the part inside",
    "duplicate": "Ultralytics uses it once",
    "near-duplicate of another box of its class": "two boxes for one object: one of them counts as missed",
    f"over {LABEL_BYTES >> 20} MiB, which is not checked": "its boxes do not count here",
}
NUMBERS, MIXED, CLASS, OUTSIDE, NEGATIVE, EMPTY, BEYOND, TWICE, NEARLY, LARGE = FAULTS
SAME = 0.9  # IoU above which two boxes or polygons are of the same object
GRID = 64  # pixels: side of the grid on which two polygons are compared
BORDER = 0.005  # fraction of a side: a box this near to the image border is cut by it


class Row(NamedTuple):
    """A row of a label file.

    Attributes:
        number: Its line.
        key: What Ultralytics compares to find duplicates.
        label: Its class.
        box: x, y, width, height, clipped to the image; x, y is the centre.
        outline: ``(P, 2)`` a polygon's points; None for a box.
        fault: What is wrong with it, or None.
    """

    number: int
    key: bytes
    label: int
    box: tuple[float, float, float, float]
    outline: np.ndarray | None
    fault: str | None


@dataclass
class Labels:
    """The boxes of a split that Ultralytics trains on.

    Attributes:
        classes: ``(N,)`` class indices.
        boxes: ``(N, 4)`` x, y, width, height as fractions of the image, clipped to it; x, y is the centre.
        pictures: ``(N,)`` index of each box's image.
        faults: What is wrong -> the rows concerned, as ``file:line``, or whole files.
        unlabelled: Images without a label file, which Ultralytics treats as background.
        empty: Images whose label file has no rows.
        skipped: Indices of the images that Ultralytics skips for a fault.
    """

    classes: np.ndarray
    boxes: np.ndarray
    pictures: np.ndarray
    faults: dict[str, list[str]] = field(default_factory=dict)
    unlabelled: int = 0
    empty: int = 0
    skipped: set[int] = field(default_factory=set)

    @property
    def at_border(self) -> np.ndarray:
        """Which boxes ``(N,)`` are cut by the image border."""
        low, high = self.boxes[:, :2] - self.boxes[:, 2:] / 2, self.boxes[:, :2] + self.boxes[:, 2:] / 2
        return (low.min(axis=1, initial=1) <= BORDER) | (high.max(axis=1, initial=0) >= 1 - BORDER)

    def counts(self, classes: int) -> np.ndarray:
        """Return the number of boxes of each class, ``(classes,)``."""
        return np.bincount(self.classes, minlength=classes)


def read(files: Sequence[str | None], classes: int, keypoints: int = 0, dims: int = 0) -> Labels:
    """Read the label files of a split's images, in order: None for an image that Ultralytics skips anyway.

    Polygons, oriented boxes and poses, which have ``keypoints`` numbers after the box, count as the upright box around
    them. An image's file need not exist. A model for poses needs the keypoints in every row: ``dims`` is the number of
    numbers of each for such a model, else 0.
    """
    found: list[tuple[int, Row]] = []  # image, row
    faults: dict[str, list[str]] = {}
    skipped: set[int] = set()
    missing = empty = 0
    for picture, file in enumerate(files):
        if file is None:
            continue
        try:
            lines = label_rows.read(file)
        except FileNotFoundError:
            missing += 1
            continue
        except (OSError, UnicodeDecodeError) as error:
            if getattr(error, "errno", None) == errno.EFBIG:
                faults.setdefault(LARGE, []).append(file)
                continue
            faults.setdefault(NUMBERS, []).append(file)
            skipped.add(picture)
            continue
        empty += not lines
        rows = read_rows(lines, classes, keypoints, dims)
        for row in rows:
            if row.fault:
                faults.setdefault(row.fault, []).append(f"{file}:{row.number}")
        if any(FAULTS.get(row.fault or "") == SKIPS for row in rows):
            skipped.add(picture)
        else:
            found += [(picture, row) for row in rows if row.fault != TWICE]
    boxes = np.array([row.box for _, row in found], dtype=np.float64).reshape(-1, 4)
    indices = np.array([row.label for _, row in found], dtype=np.int64)
    pictures = np.array([picture for picture, _ in found], dtype=np.int64)
    for place in find_near(boxes, pictures * classes + indices, [row.outline for _, row in found]):
        picture, row = found[place]
        faults.setdefault(NEARLY, []).append(f"{files[picture]}:{row.number}")
    return Labels(indices, boxes, pictures, faults, missing, empty, skipped)


def read_rows(lines: Sequence[tuple[int, Sequence[str]]], classes: int, keypoints: int = 0, dims: int = 0) -> list[Row]:
    """Return the rows of a label file, given as line numbers and words; like Ultralytics, in single precision."""
    length = 5 + keypoints
    if not dims:
        lines = [(number, words[:5] if len(words) == length else words) for number, words in lines]
    polygons = not dims and any(len(words) > 6 for _, words in lines)
    rows: list[Row] = []
    seen: set[bytes] = set()
    for number, words in lines:
        row = _read_row(number, words, classes, None if polygons else length if dims else 5, dims)
        rows.append(row._replace(fault=TWICE) if row.key in seen and FAULTS.get(row.fault or "") != SKIPS else row)
        seen.add(row.key)
    return rows


def _read_row(number: int, words: Sequence[str], classes: int, length: int | None, dims: int) -> Row:
    """Return a row, whose box is clipped to the image; boxes have ``length`` numbers, polygons any (None)."""
    wrong = Row(number, b"", 0, (0, 0, 0, 0), None, NUMBERS)
    if length is None and len(words) == 5:
        return wrong._replace(fault=MIXED)
    if len(words) % 2 == 0 or len(words) < 3 if length is None else len(words) != length:
        return wrong
    try:
        with np.errstate(over="ignore"):  # infinite then
            values = np.array(words, dtype=np.float32) + np.float32(0)  # -0.0 is 0.0
    except ValueError:
        return wrong
    label, *numbers = values.tolist()
    if not all(map(math.isfinite, numbers)) or not label.is_integer():
        return wrong
    outline = values[1:].reshape(-1, 2) if length is None else None
    if outline is None:
        x, y, width, height = numbers[:4]
        points = [n for i, n in enumerate(numbers[4:]) if i % dims < 2] or numbers  # of a pose without visibilities
    else:
        (left, top), (right, bottom) = outline.min(axis=0).tolist(), outline.max(axis=0).tolist()
        x, y, width, height = points = numbers = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
    low, high = (x - width / 2, y - height / 2), (x + width / 2, y + height / 2)
    fault = None
    if not 0 <= label < classes:
        fault = CLASS
    elif min(width, height) < 0:
        fault = NEGATIVE
    elif min(numbers) < -TOLERANCE or max(points) > 1 + TOLERANCE:
        fault = OUTSIDE
    elif not (width and height):
        fault = EMPTY
    elif min(low) < -TOLERANCE or max(high) > 1 + TOLERANCE:
        fault = BEYOND
    if min(low) < 0 or max(high) > 1:
        left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in (*low, *high))
        x, y, width, height = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    return Row(number, values.tobytes(), int(label), (x, y, width, height), outline, fault)


def find_near(boxes: np.ndarray, keys: np.ndarray, outlines: Sequence[np.ndarray | None]) -> list[int]:
    """Return the boxes of objects that have an earlier one already, ascending.

    Args:
        boxes: ``(N, 4)`` x, y, width, height; x, y is the centre.
        keys: ``(N,)`` a number for each box's image and class: only boxes with the same number are compared.
        outlines: The polygon that each box is around, or None.
    """
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
    overlap = of_boxes(corners, corners, np.zeros(len(boxes), bool))
    order = np.argsort(keys, kind="stable")
    found: set[int] = set()
    for place, other in pairs(keys[order], keys):
        row = order[place]
        earlier = other < row
        row, other = row[earlier], other[earlier]
        same = overlap(row, other) > SAME  # few
        found |= {i for i, j in zip(row[same].tolist(), other[same].tolist()) if cover_same(outlines[i], outlines[j])}
    return sorted(found)


def cover_same(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    """Return whether two polygons in nearly the same box cover the same area; None is the box itself."""
    if first is None or second is None:
        return True
    low, high = first.min(axis=0), first.max(axis=0)
    points = [
        ((outline - low) / (high - low) * GRID).ravel().astype(np.float64).tolist() for outline in (first, second)
    ]
    filled = mask.frPyObjects(points, GRID, GRID)
    return bool(mask.iou(filled[:1], filled[1:], [0])[0, 0] > SAME)
