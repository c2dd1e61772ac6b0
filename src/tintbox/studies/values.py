"""Values of training arguments: read from words and YAML like `yolo` does, checked, and shown."""

from __future__ import annotations

import ast
import datetime
import math
import os
import warnings
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from tintbox.checks import as_path
from tintbox.errors import TintboxError
from tintbox.limits import YAML_DEPTH
from tintbox.path_names import as_text, distinct_names, is_utf8

PAIRS = {"(": ")", "[": "]", "{": "}"}
QUOTES = "'\""
BEFORE_QUOTE = "([{,: "  # characters that may precede an opening quote; within a word it is an apostrophe
PATHS = ("model", "data", "cfg", "project", "name", "groups")  # arguments whose values are no numbers
LARGEST = 2**63  # limit of integers; no argument has one near it


def split(key: str, given: str) -> list[str]:
    """Split a text at its outer commas.

    Raises:
        TintboxError: A part is empty, or a bracket is not closed.
    """
    parts: list[str] = []
    open_: list[str] = []
    quote, begin, before = "", 0, ","
    for i, letter in enumerate(given):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in QUOTES and before in BEFORE_QUOTE:
            quote = letter
        elif letter in PAIRS:
            open_.append(PAIRS[letter])
        elif open_ and letter == open_[-1]:
            open_.pop()
        elif letter == "," and not open_:
            parts.append(given[begin:i].strip())
            begin = i + 1
        before = letter
    parts.append(given[begin:].strip())
    if open_ or quote:
        raise TintboxError(f"{key}={given}: a '{quote or open_[-1]}' is missing")
    if given.strip() in ("", "[]"):
        raise TintboxError(f"{key}=: the list is empty; give values, e.g. {key}=1,2")
    if not all(parts):
        raise TintboxError(f"{key}={given}: a value is missing beside a comma")
    return parts


def read_value(given: str) -> Any:
    """Return a value as the `yolo` command reads it: a Python literal, None, True, False, or the text itself."""
    found = _literal(given)
    # Quotes protect commas and brackets; `yolo` still reads a quoted number as a number.
    return read_value(found) if isinstance(found, str) and found != given else found


def read_path(given: str) -> str | None:
    """Return a path or name as it is given, without quotes and with ``~`` as the home folder, or None for None."""
    found = _literal(given)
    path = found if found is None or isinstance(found, str) else given
    return str(as_path(path)) if path and path.startswith("~") else path


def _literal(given: str) -> Any:
    """Return the Python literal that a text is, or None, True or False in any case; else the text."""
    known = {"none": None, "true": True, "false": False}
    if given.lower() in known:
        return known[given.lower()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about backslashes
            return as_plain(ast.literal_eval(given))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return given


def as_plain(value: Any) -> Any:
    """Return a value in the form that YAML and JSON can store, with tuples as lists.

    Raises:
        ValueError: It is not made of strings, paths, numbers, bools, None, and lists and mappings of these.
    """
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, (str, int, float)) for key in value):
            raise ValueError("keys are texts or numbers")
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise ValueError(f"{type(value).__name__} is no value of an argument")


def check(key: str, value: Any) -> Any:
    """Return a value as a study's YAML keeps it: in plain form, and text as `read_value` or `read_path` reads it.

    Raises:
        TintboxError: It cannot be saved and read back.
    """
    try:
        plain = as_plain(value)
    except (ValueError, RecursionError) as error:
        raise TintboxError(f"{key}: {error}") from error
    if isinstance(plain, str):
        plain = read_path(plain) if key in PATHS else read_value(plain)
    _check_plain(key, plain)
    return plain


def _check_plain(key: str, value: Any, depth: int = 0) -> None:
    """Raise TintboxError for a value that `as_plain` returned and that cannot be saved and read back."""
    if depth > YAML_DEPTH:
        raise TintboxError(f"{key}: lists and mappings are nested more than {YAML_DEPTH} deep")
    if isinstance(value, (dict, list)):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _check_plain(key, item, depth + 1)
    elif isinstance(value, str):
        if not value.strip():
            raise TintboxError(f"{key}: a value is missing")
        if any(letter in value for letter in "\0\n\r"):
            raise TintboxError(f"{key}: a value is one line of text, without a line break or a zero byte")
        if not is_utf8(value):
            raise TintboxError(f"{key}={as_text(value)}: not in UTF-8")
        if value.count("[") != value.count("]"):
            raise TintboxError(f"{key}={value}: a bracket is not closed, which `yolo` takes of no value")
    elif isinstance(value, float) and not math.isfinite(value):
        raise TintboxError(f"{key}={value}: give a finite number")
    elif isinstance(value, int) and abs(value) >= LARGEST:
        raise TintboxError(f"{key}: a whole number beyond 2^63 is no value of an argument")


def as_hashable(value: Any) -> Hashable:
    """Return a hashable key that is equal for equal values."""
    if isinstance(value, (list, tuple)):
        return "list", tuple(map(as_hashable, value))
    if isinstance(value, Mapping):
        return "mapping", frozenset((key, as_hashable(item)) for key, item in value.items())
    return value


def text(value: Any) -> str:
    """Return a value as text for display: a path is reduced to its file name."""
    return Path(value).name if isinstance(value, str) and "/" in value else str(value)


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings as text in one line."""
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def texts(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return settings as text for display together: of files with the same name, as much of the paths as differs."""
    names: dict[str, dict[str, str]] = {}
    for key in dict.fromkeys(key for one in settings for key in one):
        short = {str(one[key]): text(one[key]) for one in settings if key in one}
        alike = len(set(short.values())) < len(short)
        names[key] = dict(zip(short, distinct_names(list(map(PurePath, short))))) if alike else short
    return [{key: names[key][str(value)] for key, value in one.items()} for one in settings]
