"""The labels of a dataset that a model is extended by, as far as a run needs them before it begins."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from tintbox import label_rows
from tintbox.checks import is_number
from tintbox.datasets.reading import dataset_files
from tintbox.errors import TintboxError
from tintbox.plugins.extend.classes import NewClasses, listed
from tintbox.plugins.extend.head import ALL_LEVELS

SAMPLE = 1000  # images whose labels are read to see how large boxes are
FEWEST, MOST = 3, 12  # cells of a level of the feature pyramid, per side of a box that it sees well
SMALL, LARGE = 0.1, 0.9  # quantiles of a class's boxes that count as small, as in `tintbox recipe`, and as large


def have_box(files: Iterable[str], classes: Collection[int] | None) -> bool:
    """Return whether there is a box of certain classes, None for any; files are read in order until one is found.

    Files and rows that cannot be read are passed over: Ultralytics says what is wrong with them.
    """
    for file in files:
        try:
            rows = label_rows.read(file)
        except (OSError, ValueError):
            continue
        for _, words in rows:
            try:
                found = float(words[0])
            except ValueError:
                continue
            if classes is None or found in classes:
                return True
    return False


def box_sides(pictures: Sequence[str], classes: Collection[int] | None) -> tuple[float, float]:
    """Return how large the small and the large boxes are, of the classes that have the smallest and the largest.

    A box's side is the square root of its area, as a fraction of the image's longer side. Files that cannot be read and
    boxes without area are passed over. If there are no boxes, they could have any size: 0.0 and 1.0.

    Args:
        pictures: The images.
        classes: The classes by number; None for all.
    """
    sides: dict[int, list[float]] = defaultdict(list)
    for picture in pictures[:: math.ceil(len(pictures) / SAMPLE) or 1]:
        [file] = dataset_files.label_files([picture])
        try:
            size = np.array(dataset_files.picture_size(picture))
            rows = label_rows.read(file)
        except (OSError, SyntaxError, ValueError):
            continue
        for row in (label_rows.parse(words) for _, words in rows):
            if row is None or (classes is not None and row[0] not in classes):
                continue
            if (row[1][2:] > 0).all():
                sides[row[0]].append(float((row[1][2:] * size).prod() ** 0.5 / size.max()))
    small = min((float(np.quantile(found, SMALL)) for found in sides.values()), default=0.0)
    return small, max((float(np.quantile(found, LARGE)) for found in sides.values()), default=1.0)


def find_levels(small: float, large: float, imgsz: Any, strides: Sequence[float]) -> slice:
    """Return the levels of the feature pyramid that are needed: all, or all but the finest or the coarsest.

    Large boxes can do without the finest level, the dearest one; small boxes without the coarsest, the next in price.

    Args:
        small: The side of small boxes, as a fraction of the image's longer side.
        large: The side of large boxes.
        imgsz: The image size in training, in pixels: the longer side, or both.
        strides: The levels' strides, in pixels, finest first.
    """
    sides = imgsz if isinstance(imgsz, (list, tuple)) else [imgsz]
    numbers = [pixels for pixels in sides if is_number(pixels)]  # Ultralytics refuses others, later
    if len(strides) > 1 and numbers:
        if small * max(numbers) >= FEWEST * strides[1]:
            return slice(1, None)
        if large * max(numbers) <= MOST * strides[-2]:
            return slice(0, -1)
    return ALL_LEVELS


def no_box(new: NewClasses, data: Any, fraction: Any = None) -> TintboxError:
    """Return the error of a dataset with new classes and no boxes of them to learn from, in a fraction of it."""
    part = "" if dataset_files.training_share(fraction) == 1 else f" with fraction={fraction}"
    what = f"no training image of data={data}{part} has a box of {listed(new.names)}"
    return TintboxError(f"extend: {what}; label some, or give another dataset")
