"""The errors of tintbox: a user's mistake, told in one line that names the thing and the fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from tintbox.checks import is_there

COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal; Ultralytics' messages have them
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class TintboxError(ValueError):
    """A user's mistake. Its text is one line: what is wrong, where, and how to mend it.

    The ``yolo`` and ``tintbox`` commands print the line and exit with status 1; from Python it is raised as it is.
    """


class TintboxFileError(TintboxError, FileNotFoundError):
    """A file, folder or name that is not there."""

    def __str__(self) -> str:
        """Return the line itself: ``OSError`` would show its first argument only when it is the only one."""
        return str(self.args[0])


class CheckpointError(TintboxError, TypeError):
    """A file that is no checkpoint; Ultralytics itself has a TypeError for it."""


def one_line(text: object) -> str:
    """Return ``text`` as a terminal may show it, with every run of white space, line ends included, as one space.

    Colours go; what else steers a terminal, as a stranger's file may have it, is written out.
    """
    line = " ".join(COLOUR.sub("", str(text)).split())
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], line)


@contextmanager
def name_file(path: Path) -> Iterator[None]:
    """Put a file's name before the line of a mistake that is found in it, unless the line begins with it already.

    Raises:
        TintboxError: The line.
    """
    try:
        yield
    except TintboxError as error:
        raise TintboxError(f"{path}: {one_line(error).removeprefix(f'{path}: ')[:400]}") from None


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name closest to ``name``, or ``""`` if none is close."""
    close = get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def suggest_file(path: Path) -> str:
    """Return the hint of ``suggest`` among the files and folders where ``path`` would be."""
    return suggest(path.name, (p.name for p in path.parent.iterdir())) if is_there(path.parent, Path.is_dir) else ""
