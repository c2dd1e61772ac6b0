"""Check of the ``palette`` argument. Does not import torch: arguments are checked before it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox.checks import is_whole
from tintbox.limits import PALETTE_COLOURS


def check(value: Any) -> str | None:
    """Return what is wrong with a palette's name, path or number of colours; None if nothing is."""
    if is_whole(value):
        return None if 2 <= value <= PALETTE_COLOURS else f"a palette has 2 to {PALETTE_COLOURS} colours"
    if not isinstance(value, (str, Path)) or not str(value).strip():
        return "give a name, a path to a YAML file, or a number of colours"
    if str(value).strip().lower().lstrip("-").replace(".", "", 1).isdigit():
        return "the number of colours is a whole number"
    return None
