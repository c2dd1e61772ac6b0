"""Records: inert stand-ins for the objects of a classic checkpoint, which only store their state."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from tintbox.errors import TintboxError, one_line
from tintbox.limits import MODULE_NAME, MODULES


class Record:
    """A stand-in for a class that a checkpoint names.

    Attributes:
        path: The full name of the class.
        state: The object's attributes.
    """

    path = ""
    state: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Record:
        """Create a record, ignoring the arguments."""
        record = super().__new__(cls)
        record.state = {}
        return record

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        """Store a state if it is a mapping, keeping only its string keys."""
        if isinstance(state, dict):
            self.state = {key: value for key, value in state.items() if isinstance(key, str)}

    @property
    def name(self) -> str:
        """The class's own name."""
        return type(self).__name__

    def mapping(self, key: str) -> dict[Any, Any]:
        """Return a mapping in the state; empty if it is missing or not a mapping."""
        found = self.state.get(key)
        return found if isinstance(found, dict) else {}


def show(value: Any) -> str:
    """Format a value of the file for an error message: short, on one line and without control characters."""
    if isinstance(value, Record):
        return f"a {value.name}"
    return ascii(one_line(value[:100]) if isinstance(value, str) else reprlib.repr(value))[1:-1][:100]


def walk(record: Record) -> Iterator[tuple[str, Record]]:
    """Yield the name and record of every module below a module, like `named_modules`.

    Raises:
        TintboxError: There are more than a detector has, for example because they contain each other.
    """
    waiting = [("", record)]
    for count, (prefix, parent) in enumerate(waiting):
        if count:
            yield prefix.removesuffix("."), parent
        for name, child in parent.mapping("_modules").items():
            if isinstance(child, Record) and isinstance(name, str):
                if len(waiting) > MODULES or len(prefix) + len(name) > MODULE_NAME:
                    raise TintboxError(f"it has more than {MODULES:,} modules, or one with a very long name")
                waiting.append((f"{prefix}{name}.", child))


def tensors(modules: Mapping[str, Record]) -> dict[str, Tensor]:
    """Return the parameters and buffers of modules, by full name.

    Raises:
        TintboxError: There are more than a detector has.
    """
    found: dict[str, Tensor] = {}
    for name, record in modules.items():
        for key, value in [*record.mapping("_parameters").items(), *record.mapping("_buffers").items()]:
            if isinstance(value, Tensor) and isinstance(key, str):
                found[f"{name}.{key[:MODULE_NAME]}"] = value
        if len(found) > MODULES:
            raise TintboxError(f"it has more than {MODULES:,} tensors")
    return found
