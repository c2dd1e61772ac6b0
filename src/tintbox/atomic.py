"""Files replaced whole or not at all: whatever happens while one is written, the old one or the new one is there."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

PART = ".part"  # ends the name of a file that is being written


@contextlib.contextmanager
def replacing(file: str | Path) -> Iterator[Path]:
    """Yield the path of a new, empty file, which takes the place of ``file`` once the block has written it.

    It lies in the same folder and has the same suffix, by which many writers choose a format. If the block raises, it
    is removed and ``file`` stays as it was. A link keeps pointing where it does, and a file keeps its permissions. A
    device or pipe, such as ``/dev/stdout``, is no file to be replaced, and is written as it is.

    Raises:
        OSError: If the folder is not there or cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(file))
    if target.exists() and not target.is_file():
        yield target  # a folder is refused by whoever opens it
        return
    part = target.with_name(f".{target.stem[:100]}-{secrets.token_hex(4)}{PART}{target.suffix}")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # as the umask wants it
    try:
        yield part
        if target.exists():
            shutil.copymode(target, part)
        _sync(part)
        part.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    _sync(target.parent)


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
