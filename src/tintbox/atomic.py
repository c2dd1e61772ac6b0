"""Files replaced whole or not at all: whatever happens while one is written, the old one or the new one is there."""

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

PART = ".part"  # in the name of what is being written
PARTS = re.compile(rf"\..*-[0-9a-f]{{8}}{re.escape(PART)}(\..+)?")


@contextlib.contextmanager
def replacing(file: str | Path, keep_name: bool = False) -> Iterator[Path]:
    """Yield the path of a new, empty file, which takes the place of ``file`` once the block has written it.

    It lies in the same folder and has the same suffix, by which many writers choose a format. If the block raises, it
    is removed and ``file`` stays as it was. A link keeps pointing where it does, and a file keeps its permissions. A
    device or pipe, such as ``/dev/stdout``, is no file to be replaced, and is written as it is.

    Args:
        file: What is to be written.
        keep_name: Let the new file have the whole name of ``file``, in a folder of its own inside the same folder, for
            writers that put the name into the content, as `torch.save` does.

    Raises:
        OSError: If the folder is not there or cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(file))
    if target.exists() and not target.is_file():
        yield target  # a folder is refused by whoever opens it
        return
    own = target.with_name(f".{target.stem[:100]}-{secrets.token_hex(4)}{PART}{'' if keep_name else target.suffix}")
    part = own / Path(file).name if keep_name else own
    if keep_name:
        own.mkdir()
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # as the umask wants it
        yield part
        if target.exists():
            shutil.copymode(target, part)
        _sync(part)
        part.replace(target)
    finally:
        _remove(own)  # a part that was not written, or the folder
    _sync(target.parent)


def clear_parts(folder: str | Path) -> None:
    """Remove what writers that were killed have left in a folder: parts last written before this process began.

    For folders that one process writes to at a time, such as a run's: a part that someone is still writing to is
    younger than whoever comes after.
    """
    import psutil

    began = psutil.Process().create_time()
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if PARTS.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime < began:
                _remove(Path(entry.path))


def _remove(part: Path) -> None:
    """Remove a part, a file or a folder, if it can be removed."""
    with contextlib.suppress(OSError):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink()


def write_bytes(file: str | Path, content: bytes) -> None:
    """Write a file's content, as `Path.write_bytes` does, whole or not at all.

    Raises:
        OSError: As `replacing`.
    """
    with replacing(file) as part:
        part.write_bytes(content)


def write_text(file: str | Path, content: str) -> None:
    """Write a file's text in UTF-8, its line ends as they are, whole or not at all.

    Raises:
        OSError: As `replacing`.
    """
    write_bytes(file, content.encode("utf-8"))


def write_csv(file: str | Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write a table, whole or not at all; half characters, which no encoding has, become their escapes.

    Raises:
        OSError: As `replacing`.
    """
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    write_bytes(file, stream.getvalue().encode("utf-8", "backslashreplace"))


def _sync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk before this returns."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders, and needs not be asked
    with contextlib.suppress(PermissionError):  # a folder that may be written but not read
        handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
