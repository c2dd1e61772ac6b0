"""Where a CPU computes in bfloat16, and where in float32; imports nothing but torch, for every run comes by here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import torch

_mixed: ContextVar[bool] = ContextVar("mixed", default=False)  # in bfloat16 by `mix`, not by a user's own autocast
_validating: ContextVar[bool] = ContextVar("validating", default=False)  # in bfloat16, where stock has float32


@contextlib.contextmanager
def validating() -> Iterator[None]:
    """Let validations compute in bfloat16, as Ultralytics lets them compute in half precision on a GPU."""
    token = _validating.set(True)
    try:
        yield
    finally:
        _validating.reset(token)


def is_validating() -> bool:
    """Return whether an epoch is being validated, by `validating`."""
    return _validating.get()


def wants_bfloat16(enabled: bool | torch.dtype) -> bool:
    """Return whether Ultralytics' request of an autocast on a CPU is one for bfloat16: by type, or a validation's own.

    Within that one, a request of none is a loss's, and means it.
    """
    return enabled is torch.bfloat16 or (_validating.get() and not is_mixed())


@contextlib.contextmanager
def mix() -> Iterator[None]:
    """Let a CPU compute in bfloat16."""
    token = _mixed.set(True)
    try:
        with torch.amp.autocast("cpu", dtype=torch.bfloat16):
            yield
    finally:
        _mixed.reset(token)


def is_mixed() -> bool:
    """Return whether the CPU computes in bfloat16 at the moment, by `mix`."""
    return _mixed.get() and torch.is_autocast_enabled("cpu")


def cast_float32(value: Any) -> Any:
    """Return nested predictions with their floating-point tensors in float32; other values as they are."""
    if isinstance(value, torch.Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, Mapping):
        return {key: cast_float32(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(cast_float32(part) for part in value)
    return value
