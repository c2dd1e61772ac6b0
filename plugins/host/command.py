"""The `yolo` command that is running: its words, what of it is tintbox's, and its mistakes in one line."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from difflib import get_close_matches
from dis import opmap
from typing import Any

from tintbox.errors import TintboxError, one_line
from tintbox.plugins.host.table import TASK

# The words of the command after `yolo`; None where Python calls.
_words: ContextVar[tuple[str, ...] | None] = ContextVar("tintbox_words", default=None)

RAISE = opmap["RAISE_VARARGS"]  # what `raise` and `assert` are compiled to
# A folder that cannot be written, and a disk that is full.
UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ArgumentNameError(TintboxError, SyntaxError):
    """An argument that is none; Ultralytics itself has a SyntaxError for it."""

    def __str__(self) -> str:
        """Return the line itself: a ``SyntaxError`` would show its ``msg``, which only its own constructor sets."""
        return str(self.args[0])


@contextlib.contextmanager
def running(words: Sequence[str]) -> Iterator[None]:
    """Know the words of a command while it runs."""
    token = _words.set(tuple(map(str, words)))
    try:
        yield
    finally:
        _words.reset(token)


def typed(arguments: Mapping[str, Any]) -> Collection[str]:
    """Return the names of the arguments that the command's words give, or that a Python call gives."""
    words = _words.get()
    return arguments.keys() if words is None else {word.lstrip("-").partition("=")[0].strip() for word in words}


def is_ours() -> bool:
    """Return whether the running command names tintbox's task; the messages of other tasks stay as they are."""
    words = [word.removeprefix("task=") for word in _words.get() or ()]
    return any(TASK in word or get_close_matches(word, [TASK], cutoff=0.75) for word in words)


def misnamed(names: Collection[str], known: Collection[str]) -> ArgumentNameError | None:
    """Return the error for arguments that are none, or None to leave it to Ultralytics.

    It is tintbox's where the command names its task or one of its arguments, or where the nearest of all known names is
    one of its own. Stock's answer, its whole help and a traceback, stays for everything else.

    Args:
        names: What was given.
        known: All arguments, and the words that a command may have.
    """
    from tintbox.plugins.options import OPTIONS

    ours = {option.name for option in OPTIONS} | {TASK}
    mine = is_ours() or any(o.own and o.name in typed({}) for o in OPTIONS)
    for name in sorted(map(str, names)):
        near = get_close_matches(name.removesuffix("="), known, n=1)
        if mine or ours & set(near):
            if name.endswith("=") and name[:-1] in known:
                return ArgumentNameError(f"'{name}' has no value; `tintbox options` lists what each takes")
            hint = f"; did you mean '{near[0]}'?" if near else "; `yolo cfg` and `tintbox options` list what there is"
            return ArgumentNameError(f"'{name}' is not a valid YOLO argument{hint}")
    return None


def is_mistake(error: Exception) -> bool:
    """Return whether an error of the running command is the user's and tintbox's to tell."""
    if isinstance(error, TintboxError):
        return True
    if isinstance(error, SyntaxError) and _names_ours(str(error)):
        return True
    if not is_ours():
        return False
    missing = isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("tintbox")
    return missing or (isinstance(error, OSError) and error.errno is not None) or _is_stated(error)


def _is_stated(error: Exception) -> bool:
    """Return whether Ultralytics itself finds fault: the error comes from one of its own `raise` statements."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None or not str(place.tb_frame.f_globals.get("__name__")).startswith("ultralytics."):
        return False
    return place.tb_frame.f_code.co_code[place.tb_lasti] == RAISE


def _names_ours(text: str) -> bool:
    """Return whether Ultralytics' message about an argument without a value is about one of tintbox's."""
    from tintbox.plugins.options import OPTIONS

    return any(text.startswith(f"'{option.name}' is a valid YOLO argument") for option in OPTIONS)


def told(error: Exception, help_text: str) -> str:
    """Return an error's line, without the help that Ultralytics appends to some."""
    if isinstance(error, OSError) and error.errno is not None:
        what = f"{error.filename}: " if error.filename else ""
        if error.errno in UNWRITABLE:
            return f"{what}cannot be written ({one_line(error.strerror)}); give another folder, project="
        return f"{what}{one_line(error.strerror)}"
    if isinstance(error, ModuleNotFoundError):
        return f"{one_line(error)}, which this needs; install it"
    return one_line(str(error).replace(help_text, ""))
