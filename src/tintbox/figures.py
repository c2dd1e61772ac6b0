"""Saving matplotlib figures."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tintbox import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def render(figure: Figure, target: Path | BytesIO, dpi: float | str) -> None:
    """Write a figure; letters that the font lacks are drawn as boxes, without matplotlib's warnings."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(target, dpi=dpi)


def save(figure: Figure, file: str | Path, dpi: float | str) -> None:
    """Save a figure atomically; the suffix selects the format.

    Raises:
        OSError, ValueError: The file cannot be written, or its suffix is not a format.
    """
    with atomic.replacing(file) as part:
        render(figure, part, dpi)
