"""What a value from a command line, a YAML or a Python call is: a number, which true and false are not, or a file."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard


def is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> TypeGuard[float]:
    """Return whether a value is a finite number from ``low`` to ``high``, one that a float can hold."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max and low <= value <= high


def is_whole(value: Any, low: float = -math.inf, high: float = math.inf) -> TypeGuard[int]:
    """Return whether a value is an integer from ``low`` to ``high``; ``2.0`` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_share(value: Any) -> TypeGuard[float]:
    """Return whether a value is a number from 0 to 1, both included."""
    return is_number(value, 0, 1)


def is_there(path: Path, kind: Callable[[Path], bool] = Path.is_file) -> bool:
    """Return whether a file is there; not for a name that no file can have, for which `Path.is_file` raises."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False
