"""The labels of a split as they are in the files, faults included; Ultralytics decides how to train on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tintbox import label_rows
from tintbox.datasets.reading.labels import TOLERANCE
from tintbox.plugins.coco_eval.overlaps import of_boxes, pairs

# What is wrong with a row -> the consequence.
FAULTS = {
    "malformed, or too few numbers": "Ultralytics skips the whole image",
    "boxes and polygons in the same file": "Ultralytics skips the whole image",
    "unknown class": "Ultralytics skips the whole image",
    "outside the image": "Ultralytics skips the whole image",
    "without area": "nothing to learn from",
    "duplicate": "Ultralytics uses it once",
    "near-duplicate of another box of its class": "two boxes for one object: one of them counts as missed",
}
NUMBERS, MIXED, CLASS, OUTSIDE, EMPTY, TWICE, NEARLY = FAULTS
SAME = 0.9  # IoU above which two boxes are of the same object
BORDER = 0.005  # fraction of a side: a box this near to the image border is cut by it


@dataclass
class Labels:
    """All boxes of a split.

    Attributes:
        classes: ``(N,)`` class indices.
        boxes: ``(N, 4)`` x, y, width, height as fractions of the image; x, y is the centre.
        pictures: ``(N,)`` index of each box's image.
        faults: What is wrong -> the rows concerned, as ``file:line``.
        unlabelled: Images without a label file, which Ultralytics treats as background.
        empty: Images whose label file has no rows.
    """

    classes: np.ndarray
    boxes: np.ndarray
    pictures: np.ndarray
    faults: dict[str, list[str]] = field(default_factory=dict)
    unlabelled: int = 0
    empty: int = 0

    @property
    def at_border(self) -> np.ndarray:
        """Which boxes ``(N,)`` are cut by the image border."""
        low, high = self.boxes[:, :2] - self.boxes[:, 2:] / 2, self.boxes[:, :2] + self.boxes[:, 2:] / 2
        return (low.min(axis=1, initial=1) <= BORDER) | (high.max(axis=1, initial=0) >= 1 - BORDER)

    def counts(self, classes: int) -> np.ndarray:
        """Return the number of boxes of each class, ``(classes,)``."""
        return np.bincount(self.classes, minlength=classes)


def read(files: Sequence[str], classes: int, keypoints: int = 0) -> Labels:
    """Read the label files of a split's images, in order; faulty rows are recorded and left out.

    Polygons, oriented boxes and poses, which have ``keypoints`` numbers after the box, count as the upright box around
    them. An image's file need not exist.
    """
    found: list[tuple[int, int, np.ndarray]] = []  # class, image, box
    places: list[str] = []
    faults: dict[str, list[str]] = {}
    missing = empty = 0
    for picture, file in enumerate(files):
        try:
            rows = label_rows.read(file)
        except FileNotFoundError:
            missing += 1
            continue
        except (OSError, UnicodeDecodeError):
            faults.setdefault(NUMBERS, []).append(file)
            continue
        empty += not rows
        mixed = not keypoints and any(len(words) > 6 for _, words in rows)  # then Ultralytics takes no boxes
        for number, words in rows:
            labelled = label_rows.parse(words, keypoints)
            if wrong := MIXED if mixed and len(words) == 5 else _find_fault(labelled, classes):
                faults.setdefault(wrong, []).append(f"{file}:{number}")
            elif labelled is not None:
                found.append((labelled[0], picture, labelled[1]))
                places.append(f"{file}:{number}")
    boxes = np.array([box for _, _, box in found], dtype=np.float64).reshape(-1, 4)
    indices, pictures = (np.array([row[i] for row in found], dtype=np.int64) for i in (0, 1))
    doubles = find_doubles(boxes, pictures * classes + indices)
    for row, wrong in sorted(doubles.items()):
        faults.setdefault(wrong, []).append(places[row])
    kept = np.array([doubles.get(row) != TWICE for row in range(len(boxes))], dtype=bool)
    return Labels(indices[kept], boxes[kept], pictures[kept], faults, missing, empty)


def _find_fault(labelled: tuple[int, np.ndarray] | None, classes: int) -> str | None:
    """Return what is wrong with a row by itself, or None."""
    if labelled is None:
        return NUMBERS
    index, box = labelled
    if not 0 <= index < classes:
        return CLASS
    if box.min() < -TOLERANCE or box.max() > 1 + TOLERANCE:
        return OUTSIDE
    return EMPTY if box[2:].min() <= 0 else None


def find_doubles(boxes: np.ndarray, keys: np.ndarray) -> dict[int, str]:
    """Return the boxes of objects that already have one -> what is wrong with them.

    Args:
        boxes: ``(N, 4)`` x, y, width, height; x, y is the centre.
        keys: ``(N,)`` a number for each box's image and class: only boxes with the same number are compared.
    """
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
    overlap = of_boxes(corners, corners, np.zeros(len(boxes), bool))
    order = np.argsort(keys, kind="stable")
    alike: list[tuple[int, int, bool]] = []  # a box, an earlier one, whether they are equal
    for place, other in pairs(keys[order], keys):
        row = order[place]
        earlier = other < row
        row, other = row[earlier], other[earlier]
        iou = overlap(row, other)
        same = iou > SAME  # few
        alike += zip(row[same].tolist(), other[same].tolist(), (iou[same] > 1 - 1e-9).tolist())
    found = {row: TWICE for row, _, equal in alike if equal}
    return {row: NEARLY for row, other, _ in alike if found.keys().isdisjoint((row, other))} | found
