"""A policy at work in a trainer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import torch
from ultralytics.utils import LOGGER

from tintbox.plugins.precision.policy import BF16, Policy
from tintbox.threads import use_all_cores

MOST_LOADERS = 8  # Ultralytics' own default on a GPU
VALIDATING: ContextVar[bool] = ContextVar("validating", default=False)  # whether bfloat16 is meant where stock has none


def begin(trainer: Any, policy: Policy) -> None:
    """Set threads, loader processes and Ultralytics' own argument, before model and loaders are there."""
    trainer.args.amp = policy.amp
    if policy.remark:
        LOGGER.info(policy.remark)
    if policy.on_processor:
        use_all_cores(trainer.device)
        trainer.args.workers = loaders(torch.get_num_threads())


def loaders(threads: int) -> int:
    """Return how many processes load ahead; Ultralytics has none on a CPU, so that every step waits for its pictures.

    Loading takes a quarter to a half of what a step takes on one thread, the half with a frozen backbone
    (benchmarks/epoch_profile.py). The threads of a step may use all cores nevertheless: they wait for pictures or for
    each other asleep, and the loaders for room in their queue.
    """
    return 0 if threads < 2 else min(MOST_LOADERS, max(1, threads // 3))


def lay_out(trainer: Any) -> None:
    """Put model and moving average into the layout channels last, in which oneDNN convolves without reordering.

    Parameters stay the same objects, so the optimizer keeps its state.
    """
    for network in (trainer.model, trainer.ema and trainer.ema.ema):
        if network is not None:
            network.to(memory_format=torch.channels_last)


@contextlib.contextmanager
def validating(trainer: Any) -> Iterator[None]:
    """Validate in bfloat16 inside training on a CPU, as Ultralytics validates in half precision on a GPU."""
    token = VALIDATING.set(trainer.device.type == "cpu" and trainer.args.amp == BF16)
    try:
        yield
    finally:
        VALIDATING.reset(token)


def autocast_on_processor(enabled: bool | torch.dtype) -> Any:
    """Return the autocast context of a CPU: on for bfloat16, and for nothing in a validation that has it."""
    on = enabled is torch.bfloat16 or VALIDATING.get()
    return torch.amp.autocast("cpu", enabled=on, dtype=torch.bfloat16)


def in_float32(value: Any) -> Any:
    """Return nested predictions with their floating-point tensors in float32; other values as they are."""
    if isinstance(value, torch.Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, Mapping):
        return {key: in_float32(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(in_float32(part) for part in value)
    return value
