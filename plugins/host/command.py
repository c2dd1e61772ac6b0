"""The running `yolo` command: its words, whether they concern tintbox, and one-line errors for mistakes in them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from difflib import get_close_matches
from typing import Any

from tintbox.errors import TintboxError, one_line
from tintbox.plugins.autoload import TASK, requests_tintbox
from tintbox.plugins.options import OPTIONS  # imported here, so that the command stays stock if this import fails
from tintbox.yaml_file import ADDRESS, locate

# The words of the command after `yolo`; None when called from Python.
_words: ContextVar[tuple[str, ...] | None] = ContextVar("tintbox_words", default=None)

# Whether a colouriser's method is running.
_ours: ContextVar[bool] = ContextVar("tintbox_ours", default=False)

# Arguments that a command may name without a value although their default is None; `yolo cfg` prints them all.
FLAGS = {"half", "int8", "end2end", "nms", "cfg"}


class ArgumentNameError(TintboxError, SyntaxError):
    """An unknown argument; a SyntaxError too, because Ultralytics raises that."""

    def __str__(self) -> str:
        """Return the message: ``SyntaxError`` would show its ``msg``, which only its own constructor sets."""
        return str(self.args[0])


@contextlib.contextmanager
def remember_words(words: Sequence[str]) -> Iterator[None]:
    """Remember the words of a command while it runs."""
    token = _words.set(tuple(map(str, words)))
    try:
        yield
    finally:
        _words.reset(token)


def find_typed(arguments: Mapping[str, Any]) -> Collection[str]:
    """Return the names of the arguments given in the command or, without a command, in the Python call."""
    words = _words.get()
    return arguments.keys() if words is None else {word.lstrip("-").partition("=")[0].strip() for word in words}


@contextlib.contextmanager
def mark_ours() -> Iterator[None]:
    """Mark that a colouriser's method is running."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def is_ours() -> bool:
    """Return whether tintbox's task is running, or the command names the task or one of its models.

    Messages of other tasks are left to Ultralytics. The words decide until there is a model, which knows its task.
    """
    named = [word.removeprefix("task=").removeprefix("model=") for word in _words.get() or ()]
    named = [word for word in named if "=" not in word]
    return _ours.get() or any(TASK in word or get_close_matches(word, [TASK], cutoff=0.75) for word in named)


def names_option() -> bool:
    """Return whether a command names tintbox's task or one of its arguments, with a value of tintbox's."""
    words = _words.get()
    return words is not None and requests_tintbox(("yolo", *words))


def explain_misnamed(
    names: Collection[str], known: Collection[str], cause: Exception | None = None
) -> ArgumentNameError | None:
    """Return the error for unknown arguments, or None to leave them to Ultralytics.

    tintbox answers if the command names its task or one of its arguments, or if the closest known name is one of its
    own. Everything else gets the stock answer, the whole help and a traceback.

    Args:
        names: The unknown names.
        known: All arguments, and the words that a command may contain.
        cause: What reading the value raised, if the unknown name is a whole word such as ``cfg=bad.yaml``.
    """
    ours = {option.name for option in OPTIONS} | {TASK}
    mine = is_ours() or names_option()
    for name in sorted(map(str, names)):
        near = get_close_matches(name.removesuffix("="), known, n=1)
        if mine or ours & set(near):
            if name.endswith("=") and name[:-1] in known:
                return ArgumentNameError(f"'{name}' has no value; `tintbox options` lists what each takes")
            if cause and name.partition("=")[0] in known:
                return ArgumentNameError(f"{name}: {one_line(cause)[:300]}")
            hint = f"; did you mean '{near[0]}'?" if near else "; `yolo cfg` and `tintbox options` list what there is"
            return ArgumentNameError(f"'{name}' is not a valid YOLO argument{hint}")
    return None


def check_words(words: Sequence[str], known: Mapping[str, Any], tasks: Collection[str], modes: Collection[str]) -> None:
    """Refuse words that Ultralytics' entry point would reject itself, if they concern tintbox.

    Args:
        words: The words after `yolo`, with ``name = value`` joined into one.
        known: All arguments with their defaults.
        tasks: All tasks.
        modes: All modes.

    Raises:
        ArgumentNameError: An argument has no value.
        TintboxError: The task or the mode is unknown, or there is no such `cfg=` file.
    """
    ours = known if is_ours() else {option.name for option in OPTIONS}
    for word in (word.removeprefix("--").removesuffix(",") for word in words):
        if word in ours and word not in {*FLAGS, *tasks, *modes} and not isinstance(known[word], bool):
            there = known[word] is not None
            how = f"i.e. try '{word}={known[word]}'" if there else "which `tintbox options` lists"
            raise ArgumentNameError(
                f"'{word}' is a valid YOLO argument but is missing an '=' sign to set its value, {how}"
            )
        name, _, value = word.partition("=")
        if name.strip() == "cfg" and value and ADDRESS not in value:
            locate("cfg", value.strip())
        valid = {"task": tasks, "mode": modes}.get(name.strip(), ())
        if is_ours() and valid and value and value.strip() not in valid:
            raise TintboxError(f"Invalid '{word}'. Valid {name}s are {list(valid)}")
