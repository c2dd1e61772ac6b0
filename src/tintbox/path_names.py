"""Names of paths: short, distinct ones for those that are shown together, and which ones a list can hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path, PurePath

from tintbox.checks import is_there

LONG = 12  # maximum length of a common start of all names
ESCAPED_BYTE = re.compile(r"\\u(dc[89a-f][0-9a-f])")


def distinct_names(paths: Sequence[PurePath]) -> list[str]:
    """Return the shortest unique end of each of several different paths, without a long common start."""
    names = []
    for path in paths:
        others = [other.parts for other in paths if other != path]
        parts = path.parts or (str(path),)  # the current folder has none
        for count in range(1, len(parts) + 1):
            end = parts[-count:]
            if all(other[-count:] != end for other in others):
                break
        names.append("/".join(end).replace("//", "/"))
    return drop_common_start(names)


def drop_common_start(names: list[str]) -> list[str]:
    """Return names without a long common start, cut at the end of a word."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names))
    same = "".join(letters[0] for letters in alike) if len(names) > 1 else ""
    cut = max(same.rfind(mark) for mark in "-_ /") + 1
    return [f"…{name[cut:]}" for name in names] if cut > LONG else names


def as_text(file: str) -> str:
    r"""Return a path that any text file can hold: a byte that is not UTF-8, a lone surrogate, becomes ``\udcff``."""
    return file.encode("utf-8", "backslashreplace").decode()


def find(folder: Path, name: str) -> Path:
    """Return the file of a name in a folder: as it is given or, if only that is there, the one that `as_text` named so.

    Any file can have a backslash in its name, so a text alone does not tell.
    """
    meant = folder / ESCAPED_BYTE.sub(lambda found: chr(int(found[1], 16)), name)
    return next(filter(is_there, (folder / name, meant)), folder / name)


def is_utf8(text: str) -> bool:
    """Return whether a text can be encoded: file names that are not UTF-8 arrive with lone surrogates."""
    return as_text(text) == text


def can_be_listed(file: str) -> bool:
    """Return whether a path can be a line of a text file in UTF-8, as Ultralytics reads its lists of images."""
    return len(file.splitlines()) == 1 and is_utf8(file)
