"""Saving matplotlib figures."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from tintbox import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save(figure: Figure, file: str | Path, dpi: float | str) -> None:
    """Save a figure atomically; the suffix selects the format.

    Class names and titles may have letters that the font lacks: they are drawn as boxes, without matplotlib's warnings.

    Raises:
        OSError, ValueError: The file cannot be written, or its suffix is not a format.
    """
    with atomic.replacing(file) as part, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(part, dpi=dpi)
