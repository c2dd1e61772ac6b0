"""Memory that a training keeps from step to step, instead of giving it back to the system and asking for it again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import Any

# Parameters of glibc's mallopt, by malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
KEEP = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1}  # take nothing from the system directly, give nothing back
# Where glibc's own adjustment ends up after some tensors of the size that it adjusts to at most.
USUAL = {MMAP_MAX: 65_536, MMAP_THRESHOLD: 32 << 20, TRIM_THRESHOLD: 64 << 20}
OWN_CHOICE = ("MALLOC_", "GLIBC_TUNABLES")  # how variables begin by which a user adjusts glibc


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Keep freed memory for the next allocation within the block, and give it back at its end.

    A training frees its activations at the end of a step and asks for as much in the next. The C library hands large
    blocks back to the system each time, which then has to find, clear and map their pages anew: an eighth of an epoch
    at 640 pixels. Kept, the most memory in use grows by a sixth (docs/speed.md). Of C libraries other than glibc, and
    where the user has adjusted it, nothing changes.
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
