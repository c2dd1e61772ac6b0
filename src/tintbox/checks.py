"""Types of values from a command line, a YAML or a Python call: numbers, excluding bools, words and files."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeGuard


def as_python(value: Any) -> Any:
    """Return a value with Python's own numbers, texts and lists in place of NumPy's, in lists and mappings too."""
    try:
        return _as_python(value)
    except RecursionError:  # refused by the checks that follow
        return value


def _as_python(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_as_python(key): _as_python(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [*map(_as_python, value)] if isinstance(value, list) else (*map(_as_python, value),)
    numpy = sys.modules.get("numpy")  # without it there is nothing of NumPy's
    return value.tolist() if numpy and isinstance(value, (numpy.generic, numpy.ndarray)) else value


def is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> TypeGuard[float]:
    """Return whether a value is a finite number in [``low``, ``high``] that fits into a float."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max and low <= value <= high


def is_whole(value: Any, low: float = -math.inf, high: float = math.inf) -> TypeGuard[int]:
    """Return whether a value is an integer in [``low``, ``high``]; ``2.0`` is not."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_word(value: Any, words: Collection[str]) -> TypeGuard[str]:
    """Return whether a value is one of some words; an array, which compares with each of them, is none."""
    return isinstance(value, str) and value in words


def is_path(value: Any) -> TypeGuard[str | Path]:
    """Return whether a value is a path: text, or an object such as `pathlib.Path`."""
    return isinstance(value, (str, os.PathLike))  # an object of another kind works like a Path where it is used


def as_path(value: str | os.PathLike[str]) -> Path:
    """Return a path that Python code was given, with ``~`` as the home folder, as from a shell."""
    path = Path(value)
    with contextlib.suppress(RuntimeError):  # a ~ in front of what is no user's name is part of the name
        return path.expanduser()
    return path


def is_there(path: Path, kind: Callable[[Path], bool] = Path.is_file) -> bool:
    """Return whether a file exists; False for impossible file names, for which `Path.is_file` raises."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False
