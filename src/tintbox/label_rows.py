"""The rows of a label file: numbers separated by spaces, a line per object."""

from __future__ import annotations

from pathlib import Path

from tintbox import file_bytes
from tintbox.limits import LABEL_BYTES


def read(file: str | Path) -> list[tuple[int, list[str]]]:
    """Return line number and words of each row of a label file, without empty lines.

    Raises:
        OSError, UnicodeDecodeError: The file cannot be read.
    """
    lines = file_bytes.read(Path(file), LABEL_BYTES).decode("utf-8-sig").splitlines()
    return [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
