"""Memory that a training keeps from step to step, instead of giving it back to the system and asking for it again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import Any

# Parameters of glibc's mallopt, by malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
# The most that glibc allows. Larger blocks go back to the system: kept, each might leave a gap that the next does not
# fit, and a few of the same size would take as many times the memory.
LARGEST = 32 << 20
KEEP = {MMAP_THRESHOLD: LARGEST, TRIM_THRESHOLD: -1}  # give nothing back
USUAL = {MMAP_THRESHOLD: LARGEST, TRIM_THRESHOLD: 2 * LARGEST}  # where glibc's own adjustment ends up
OWN_CHOICE = ("MALLOC_", "GLIBC_TUNABLES")  # how variables begin by which a user adjusts glibc


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Keep freed memory of blocks up to 32 MiB for the next ones within this block, and give it back at its end.

    A training frees its activations at the end of a step and asks for as much in the next. The C library hands large
    blocks back to the system each time, which then has to find, clear and map their pages anew: a tenth of an epoch
    at 640 pixels. Kept, the most memory in use grows by a fifteenth (docs/speed.md). Of C libraries other than glibc,
    and where the user has adjusted it, nothing changes.
    """
    library = None if any(name.startswith(OWN_CHOICE) for name in os.environ) else _glibc()
    _adjust(library, KEEP)
    try:
        yield
    finally:
        _adjust(library, USUAL)
        if library:
            library.malloc_trim(0)


def _glibc() -> Any:
    """Return the C library of this process, None if it is not glibc."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def _adjust(library: Any, parameters: dict[int, int]) -> None:
    """Set parameters of glibc's allocation."""
    if library:
        for name, value in parameters.items():
            library.mallopt(name, value)
