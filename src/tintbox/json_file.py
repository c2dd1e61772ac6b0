"""JSON files as plain data, read within limits: none can exhaust memory, or the stack of code that traverses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tintbox import file_bytes
from tintbox.errors import TintboxError, one_line
from tintbox.limits import JSON_DEPTH, JSON_VALUES


def read(file: str | Path, most: int) -> Any:
    """Return the content of a JSON file of at most ``most`` bytes: objects, lists, strings, numbers, bools and None.

    Raises:
        TintboxError: It cannot be read, is not JSON, is too large, or exceeds the limits in `tintbox.limits`.
    """
    raw = file_bytes.read_explained(file, most)
    if raw.count(b",") > JSON_VALUES:
        raise TintboxError(f"{file}: more than {JSON_VALUES:,} values")
    try:
        found = json.loads(raw)
    except RecursionError as error:
        raise TintboxError(f"{file}: lists and objects are nested more than {JSON_DEPTH} deep") from error
    except ValueError as error:  # not JSON, not UTF-8, or a number with thousands of digits
        raise TintboxError(f"{file}: no JSON ({one_line(error)})") from error
    _check_depth(found, file)
    return found


def _check_depth(found: Any, where: str | Path) -> None:
    """Refuse nesting that would exhaust the stack of code that traverses it."""
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
