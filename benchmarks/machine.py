"""What every benchmark prints first: versions and hardware; and how it writes a spread."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from importlib import metadata

from tintbox.environment import processor
from tintbox.threads import cores


def describe(*more: str) -> str:
    """Return a line of versions, those of ``more`` packages where they are installed too, and a line of hardware."""
    packages = ("tintbox", "ultralytics", "torch", "numpy", "opencv-python")
    there = {d.metadata["Name"] for d in metadata.distributions()}
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in (*packages, *more) if p in there)
    return f"Python {platform.python_version()}, {versions}\n{processor()}, {cores()} cores, {platform.system()}"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return ``median (lowest to highest)``."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
