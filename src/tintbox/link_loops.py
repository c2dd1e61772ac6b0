"""Folders that contain themselves by way of a symbolic link: whoever follows links would list them without end."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tintbox.errors import TintboxError


def check(folder: str | Path | Iterable[str | Path]) -> None:
    """Refuse folders in which a link leads back to a folder around it; hidden folders are not searched.

    With one such link, every image is found some forty times; with two in the same folder, the search does not end.

    Args:
        folder: Where images or labels are searched for through symbolic links; one folder or several.

    Raises:
        TintboxError: There is such a link; the line names it.
    """
    folders = [folder] if isinstance(folder, (str, Path)) else folder
    todo: list[tuple[str, tuple[tuple[int, int], ...]]] = [(str(path), ()) for path in folders]
    while todo:
        path, around = todo.pop()
        try:
            found = os.stat(path)  # noqa: PTH116  as fast as the search itself
            inner = [entry.path for entry in os.scandir(path) if entry.name[0] != "." and leads_to_folder(entry)]
        except OSError:  # the search skips what cannot be read
            continue
        own = (found.st_dev, found.st_ino)
        if own in around:
            raise TintboxError(
                f"{path}: a link back to the folder it is in, so that its files are found again and again; remove it"
            )
        todo += [(name, (*around, own)) for name in inner]


def leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether a folder's entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
