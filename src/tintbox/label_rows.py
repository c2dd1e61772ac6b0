"""The rows of a label file: numbers separated by spaces, a line per object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tintbox import file_bytes
from tintbox.limits import LABEL_BYTES


def read(file: str | Path) -> list[tuple[int, list[str]]]:
    """Return line number and words of each row of a label file, without empty lines.

    Raises:
        OSError, UnicodeDecodeError: The file cannot be read.
    """
    lines = file_bytes.read(Path(file), LABEL_BYTES).decode("utf-8-sig").splitlines()
    return [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]


def parse(words: Sequence[str]) -> tuple[int, np.ndarray] | None:
    """Return the class and the box (x, y, width, height) of a label row, or None if it is malformed."""
    try:
        row = np.array(words, dtype=np.float64)
    except ValueError:
        return None
    if not np.isfinite(row).all() or len(row) < 5 or not float(row[0]).is_integer():
        return None
    if len(row) == 5:
        return int(row[0]), row[1:5]
    if len(row) < 7 or len(row) % 2 == 0:
        return None
    points = row[1:].reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    return int(row[0]), np.concatenate([(low + high) / 2, high - low])
