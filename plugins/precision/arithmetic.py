"""Where a CPU computes in bfloat16, and where in float32; imports only torch, because every run loads this module."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import torch

_mixed: ContextVar[bool] = ContextVar("mixed", default=False)  # bfloat16 by `mix`, not by a user's own autocast
_validating: ContextVar[bool] = ContextVar("validating", default=False)  # in bfloat16, where stock uses float32


@contextlib.contextmanager
def validating() -> Iterator[None]:
    """Validate in bfloat16, as Ultralytics validates in half precision on a GPU."""
    token = _validating.set(True)
    try:
        yield
    finally:
        _validating.reset(token)


def is_validating() -> bool:
    """Return whether an epoch is being validated under `validating`."""
    return _validating.get()


def wants_bfloat16(enabled: bool | torch.dtype) -> bool:
    """Return whether an autocast that Ultralytics requests on a CPU means bfloat16: by dtype, or by a validation.

    Inside a validation that is already mixed, a request for no autocast comes from a loss and is respected.
    """
    return enabled is torch.bfloat16 or (_validating.get() and not is_mixed())


@contextlib.contextmanager
def mix() -> Iterator[None]:
    """Compute in bfloat16 on a CPU."""
    token = _mixed.set(True)
    try:
        with torch.amp.autocast("cpu", dtype=torch.bfloat16):
            yield
    finally:
        _mixed.reset(token)


def is_mixed() -> bool:
    """Return whether the CPU is currently computing in bfloat16 under `mix`."""
    return _mixed.get() and torch.is_autocast_enabled("cpu")


def cast_float32(value: Any) -> Any:
    """Cast the floating-point tensors of nested predictions to float32; other values are unchanged."""
    if isinstance(value, torch.Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, Mapping):
        return {key: cast_float32(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(cast_float32(part) for part in value)
    return value
