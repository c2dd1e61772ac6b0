"""The errors of tintbox: a user's mistake, reported in one line that names the problem and the fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from tintbox.checks import is_there

COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # terminal colour codes, which Ultralytics' messages contain
# Also marks that turn text around: in a sentence with such a name, numbers would be read from right to left. And lone
# surrogates, the bytes of file names that are not UTF-8, which no file of text can hold.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class TintboxError(ValueError):
    """A user's mistake. Its text is one line: what is wrong, where, and how to fix it.

    The ``yolo`` and ``tintbox`` commands print the line and exit with status 1; in Python it is raised normally.
    """


class TintboxFileError(TintboxError, FileNotFoundError):
    """A file, folder or name that does not exist."""

    def __str__(self) -> str:
        """Return the message: ``OSError`` shows its first argument only if it is the only one."""
        return str(self.args[0])


class CheckpointError(TintboxError, TypeError):
    """A file that is not a checkpoint; a TypeError too, because Ultralytics raises that."""


def one_line(text: object) -> str:
    """Return ``text`` as one line that is safe for a terminal, with all whitespace collapsed to single spaces.

    Colour codes are removed; other control characters, which an untrusted file may contain, are escaped.
    """
    return escape_controls(" ".join(COLOUR.sub("", str(text)).split()))


def escape_controls(text: str) -> str:
    r"""Return ``text`` with an escape such as ``\n`` or ``\u202e`` for every control character."""
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, e.g. ``1 step`` or ``2,000 steps``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def list_values(values: Iterable[object], most: int = 5) -> str:
    """Return values joined by commas; those past ``most`` are only counted."""
    words = [str(value) for value in values]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def value_text(value: object) -> str:
    """Return an argument's value as one line in command-line syntax: ``{5: neck, 10: [all, -9]}``."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{value_text(key)}: {value_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return one_line(value)


def reason_of(error: BaseException) -> str:
    """Return what went wrong in one line; of a system error only its reason: the message around it names the file."""
    return one_line(getattr(error, "strerror", None) or error)


def message_of(error: BaseException) -> str:
    """Return an error's text in one line, or the name of its class if it has none."""
    return one_line(error) or type(error).__name__


@contextmanager
def explain_refusal(what: str, fix: str = "") -> Iterator[None]:
    """Report in one line what the system refuses: what cannot be done, the system's reason in brackets, and the fix.

    Raises:
        TintboxError: The line.
    """
    try:
        yield
    except TintboxError:  # one of a file is an OSError too
        raise
    except OSError as error:
        raise TintboxError(f"{what} ({reason_of(error)}){fix}") from error


@contextmanager
def name_file(path: Path) -> Iterator[None]:
    """Prefix a mistake found in a file with the file's name, unless the line already begins with it.

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


def lack(path: Path) -> str:
    """Return what is wrong with a path that leads to no file: nothing is there, or something else."""
    if is_there(path, Path.is_dir):
        return "a folder, no file"
    return "a pipe or device, no file" if is_there(path, Path.exists) else "no such file"


def suggest_file(path: Path) -> str:
    """Return the hint of ``suggest`` among the other files and folders in the parent folder of ``path``."""
    try:
        others = [other.name for other in path.parent.iterdir() if other.name != path.name]
    except (OSError, ValueError):  # there is no such folder, or it cannot be listed
        return ""
    return suggest(path.name, others)
