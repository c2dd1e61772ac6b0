"""Which levels of the feature pyramid the new classes need: large boxes can do without the finest, the dearest one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tintbox.checks import is_number

CELLS = 3  # of a level, per side of a box that it sees well


def find_finest(side: float, imgsz: Any, strides: Sequence[float]) -> int:
    """Return the index of the finest level that is needed: 0, or 1 if even small boxes are large enough for that one.

    Args:
        side: The side of small boxes, as a fraction of the image's longer side.
        imgsz: The image size in training, in pixels: the longer side, or both.
        strides: The levels' strides, in pixels, finest first.
    """
    sides = imgsz if isinstance(imgsz, (list, tuple)) else [imgsz]
    numbers = [pixels for pixels in sides if is_number(pixels)]  # Ultralytics refuses others, later
    return int(len(strides) > 1 and side * max(numbers, default=0) >= CELLS * strides[1])
