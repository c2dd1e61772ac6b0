"""Images in an .npz file; the sizes in its headers are checked before any memory is allocated."""

from __future__ import annotations

import io
import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from tintbox.errors import TintboxError, one_line
from tintbox.limits import ARRAY_PICTURES

HEADER_BYTES = 4_096  # read of an array for its header; NumPy writes 118 bytes, but a zip can unpack to gigabytes here
NAMED = 8  # arrays named in an error
# What zipfile and NumPy raise for a damaged file; NumPy has Python's own parser read the header.
DAMAGE = (
    *(ValueError, EOFError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError, SyntaxError, OSError),
    *(NotImplementedError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError),
)


def read(path: Path, keys: Sequence[str], side: int) -> dict[str, np.ndarray]:
    """Return the named arrays, each (n, side, side, 3) uint8, n of 1 or more. Pickles are never loaded.

    Args:
        path: The file, a zip of arrays as written by `numpy.savez`.
        keys: The arrays' names.
        side: Side of the images in pixels.

    Raises:
        TintboxError: If an array is missing, damaged, of another type or shape, or too large.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            for key in keys:
                if key not in names:
                    raise TintboxError(f"{path}: no array '{key}' (found {_list(names)})")
                with archive.open(f"{key}.npy") as stream:
                    shape, kind = _read_header(stream)
                    if kind.hasobject:
                        raise ValueError(f"'{key}' holds Python objects")
                    if kind != np.uint8 or len(shape) != 4 or shape[1:] != (side, side, 3) or shape[0] < 1:
                        wanted = f"uint8 (n, {side}, {side}, 3)"
                        raise TintboxError(f"{path}: '{key}' is {kind} {shape}, not {wanted}; make it again")
                    if shape[0] > ARRAY_PICTURES:
                        raise TintboxError(f"{path}: '{key}' has {shape[0]:,} images, more than {ARRAY_PICTURES:,}")
                with archive.open(f"{key}.npy") as stream:
                    arrays[key] = np.lib.format.read_array(stream, allow_pickle=False)
    except TintboxError:
        raise
    except DAMAGE as error:
        why = one_line(error)[:200] or type(error).__name__
        raise TintboxError(f"{path}: damaged, or not an .npz of plain arrays ({why}); make it again") from error
    return arrays


def _list(names: Sequence[str]) -> str:
    """Return the first names in one line."""
    listed = ", ".join(one_line(name)[:40] for name in names[:NAMED])
    return f"{listed}, ..." if len(names) > NAMED else listed or "none"


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Return the shape and type in an array's header."""
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of its format")
    shape, _, kind = readers[version](io.BytesIO(stream.read(HEADER_BYTES)))
    return shape, kind
