"""Atomic file replacement: whatever happens during a write, either the old or the new file is there, complete."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

PART = ".part"  # marks the names of temporary files
PARTS = re.compile(rf"\..*-[0-9a-f]{{8}}{re.escape(PART)}(\..+)?")


@contextlib.contextmanager
def replacing(file: str | Path, keep_name: bool = False) -> Iterator[Path]:
    """Yield the path of a new, empty file, which replaces ``file`` once the block has written it.

    It is in the same folder and has the same suffix, by which many writers choose a format. If the block raises, it is
    removed and ``file`` is left unchanged. Symbolic links keep their target, and files their permissions. A device or
    pipe, such as ``/dev/stdout``, cannot be replaced and is written to directly.

    Args:
        file: The file to write.
        keep_name: Give the new file the full name of ``file``, in a temporary subfolder, for writers that put the name
            into the content, as `torch.save` does.

    Raises:
        OSError: If the folder does not exist or cannot be written, or the disk is full; it names ``file``.
    """
    target = Path(os.path.realpath(file))
    if target.exists() and not target.is_file():
        yield target  # opening it fails if it is a folder
        return
    stem = os.fsencode(target.stem)[:100].decode(errors="ignore")  # a file's name has at most 255 bytes
    own = target.with_name(f".{stem}-{secrets.token_hex(4)}{PART}{'' if keep_name else target.suffix}")
    part = own / Path(file).name if keep_name else own
    try:
        if keep_name:
            own.mkdir()
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # subject to the umask
        yield part
        if target.exists():
            shutil.copymode(target, part)
        _sync(part)
        part.replace(target)
    except OSError as error:
        # A failed write has no name, and the part's says nothing. An error without a number would lose its words.
        if error.errno is not None and error.filename in (None, str(own), str(part)):
            error.filename = os.fspath(file)
        raise
    finally:
        _remove(own)  # an unfinished part, or the subfolder
    _sync(target.parent)


def clear_parts(folder: str | Path) -> None:
    """Remove what killed writers have left in a folder: parts last written before this process began.

    For folders that one process writes to at a time, such as a run's, where older parts cannot still be in use.
    """
    import psutil

    began = psutil.Process().create_time()
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if PARTS.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime < began:
                _remove(Path(entry.path))


def _remove(part: Path) -> None:
    """Remove a part, which is a file or a folder, if possible."""
    with contextlib.suppress(OSError):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink()


def write_bytes(file: str | Path, content: bytes) -> None:
    """Write a file atomically, otherwise like `Path.write_bytes`.

    Raises:
        OSError: As in `replacing`.
    """
    with replacing(file) as part:
        part.write_bytes(content)


def write_text(file: str | Path, content: str) -> None:
    """Write text as UTF-8 atomically, with its line ends unchanged.

    Raises:
        OSError: As in `replacing`.
    """
    write_bytes(file, content.encode("utf-8"))


def write_csv(file: str | Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write a table as CSV atomically; lone surrogates, which cannot be encoded, become escapes.

    Raises:
        OSError: As in `replacing`.
    """
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    write_bytes(file, stream.getvalue().encode("utf-8", "backslashreplace"))


def _sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders, and does not need this
    with contextlib.suppress(PermissionError):  # a folder that is writable but not readable
        handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
