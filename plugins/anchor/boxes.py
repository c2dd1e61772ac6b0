"""The anchors of a model: their format in a YAML, and its check. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tintbox.checks import is_number
from tintbox.errors import TintboxError

Anchors = tuple[tuple[tuple[float, float], ...], ...]  # level -> anchor -> (width, height) in pixels
EXAMPLE = "e.g. [[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119], [116, 90, 156, 198, 373, 326]]"


def check_anchors(value: Any, levels: int) -> Anchors:
    """Return the anchors of a model's YAML, if they fit the head's ``levels``: per level w, h, w, h, ... in pixels.

    Raises:
        TintboxError: Their number does not fit the head, or one is not a valid size.
    """
    rows = list(value) if isinstance(value, (list, tuple)) else []
    if not rows or not all(isinstance(row, (list, tuple)) for row in rows):
        raise TintboxError(f"anchors={value}: give one list per level, w, h, w, h, ... in pixels, {EXAMPLE}")
    if len(rows) != levels:
        raise TintboxError(f"anchors: {len(rows)} levels of anchors, but the head has {levels} inputs")
    flat = [_numbers(row) for row in rows]
    for row, numbers in zip(rows, flat):
        for number in numbers:
            if not is_number(number) or number <= 0:
                raise TintboxError(f"anchors: {number!r} in {row} is no width or height; give pixels above 0")
        if not numbers or len(numbers) % 2 or len(numbers) != len(flat[0]):
            counts = ", ".join(str(len(numbers)) for numbers in flat)
            raise TintboxError(f"anchors: {counts} numbers in the levels; give each as many pairs w, h, {EXAMPLE}")
    return tuple(tuple((float(w), float(h)) for w, h in zip(row[::2], row[1::2])) for row in flat)


def as_lists(anchors: Anchors) -> list[list[float]]:
    """Return anchors in the format of a YAML, with whole numbers as integers."""
    return [[int(x) if x == int(x) else x for pair in level for x in pair] for level in anchors]


def _numbers(row: Iterable[Any]) -> list[Any]:
    """Return a level's numbers, whether written w, h, w, h or [w, h], [w, h]."""
    return [x for entry in row for x in (entry if isinstance(entry, (list, tuple)) else (entry,))]
