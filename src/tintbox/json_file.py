"""JSON files as plain data, within limits: none of them can fill the memory, or the stack of who walks through it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, TintboxFileError, one_line, suggest_file
from tintbox.limits import JSON_DEPTH, JSON_VALUES


def read(file: str | Path, most: int) -> Any:
    """Return what a JSON file holds: objects, lists, texts, numbers, truths and None.

    Args:
        file: The file.
        most: How many bytes it may have.

    Raises:
        TintboxError: It cannot be read, is no JSON, is larger, or is nested deeper than `tintbox.limits` allows.
    """
    path = Path(file)
    try:
        if path.exists() and not path.is_file():
            raise TintboxError(f"{file}: no file")  # reading from a pipe might never end
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
    except FileNotFoundError as error:
        raise TintboxFileError(f"{file}: no such file{suggest_file(path)}") from error
    except OSError as error:
        raise TintboxError(f"{file}: cannot be read ({error.strerror or one_line(error)})") from error
    if len(raw) > most:
        raise TintboxError(f"{file}: larger than {most:,} bytes")
    if raw.count(b",") > JSON_VALUES:
        raise TintboxError(f"{file}: more than {JSON_VALUES:,} values")
    try:
        found = json.loads(raw)
    except RecursionError as error:
        raise TintboxError(f"{file}: lists and objects are nested more than {JSON_DEPTH} deep") from error
    except ValueError as error:  # no JSON, no UTF-8, or a number of thousands of digits
        raise TintboxError(f"{file}: no JSON ({one_line(error)})") from error
    _check_depth(found, file)
    return found


def _check_depth(found: Any, where: str | Path) -> None:
    """Refuse nesting that would exhaust the stack of whoever walks through it."""
    level = [found] if isinstance(found, (dict, list)) else []
    for _ in range(JSON_DEPTH + 1):
        if not level:
            return
        level = [
            value
            for one in level
            for value in (one.values() if isinstance(one, dict) else one)
            if isinstance(value, (dict, list))
        ]
    raise TintboxError(f"{where}: lists and objects are nested more than {JSON_DEPTH} deep")
