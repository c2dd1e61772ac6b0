"""Shared by all benchmarks: the parser, the description of versions and hardware, and the format of a spread."""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import sys
from collections.abc import Sequence
from importlib import metadata

from tintbox.environment import processor
from tintbox.threads import cores


def make_parser(about: str | None, **defaults: str | float) -> argparse.ArgumentParser:
    """Return a parser whose help shows a script's docstring unwrapped, with options of these names and defaults."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    return parser


def describe(*more: str) -> str:
    """Return a line of versions, including those of ``more`` packages if installed, and a line of hardware."""
    packages = ("tintbox", "ultralytics", "torch", "numpy", "opencv-python")
    there = {d.metadata["Name"] for d in metadata.distributions()}
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in (*packages, *more) if p in there)
    return f"Python {platform.python_version()}, {versions}\n{processor()}, {cores()} cores, {platform.system()}"


def peak_memory(who: int = resource.RUSAGE_SELF) -> int:
    """Return the peak resident set, in bytes, of this process or of its largest child."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return ``median (lowest to highest)``."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
