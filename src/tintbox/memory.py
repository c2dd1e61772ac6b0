"""Keeps a training's memory from step to step, instead of returning it to the system and requesting it again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

# Parameters of glibc's mallopt, from malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
# The maximum that glibc allows. Larger blocks are returned to the system: if kept, each might leave a gap that the next
# one does not fit into, and a few blocks of the same size would take as many times the memory.
LARGEST = 32 << 20
KEEP = {MMAP_THRESHOLD: LARGEST, TRIM_THRESHOLD: -1}  # return nothing
USUAL = {MMAP_THRESHOLD: LARGEST, TRIM_THRESHOLD: 2 * LARGEST}  # where glibc's own adjustment ends up
OWN_CHOICE = ("MALLOC_", "GLIBC_TUNABLES")  # prefixes of the variables with which users tune glibc


@contextlib.contextmanager
def keep(device: torch.device) -> Iterator[None]:
    """Within this context, keep freed memory of blocks up to 32 MiB for reuse; return it to the system at the end.

    Nothing changes for a training on another device than a CPU, with C libraries other than glibc, or if the user has
    tuned glibc.

    A training frees its activations at the end of a step and requests as much in the next. The C library returns large
    blocks to the system each time, which must then find, clear and map their pages again: a tenth of an epoch at 640
    pixels. Keeping them raises peak memory by a fifteenth (docs/speed.md).
    """
    tuned = any(name.startswith(OWN_CHOICE) for name in os.environ)
    library = None if tuned or device.type != "cpu" else _glibc()
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
    """Set parameters of glibc's allocator."""
    if library:
        for name, value in parameters.items():
            library.mallopt(name, value)
