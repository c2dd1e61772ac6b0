"""A policy at work in a trainer."""

from __future__ import annotations

from typing import Any

import torch
from ultralytics.utils import LOGGER

from tintbox.plugins.precision.policy import Policy
from tintbox.threads import use_all_cores

MOST_LOADERS = 8  # Ultralytics' own default on a GPU


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
    (benchmarks/epoch_profile.py). The threads of a step may use all cores nevertheless: they wait for pictures and for
    each other asleep, and the loaders for room in their queue.
    """
    return 0 if threads < 2 else min(MOST_LOADERS, max(1, threads // 3))


def lay_out(trainer: Any) -> None:
    """Put model and moving average into the layout channels last, in which oneDNN convolves without reordering.

    Parameters stay the same objects, so the optimizer keeps its state. SiLUs no longer write over their input:
    autograd, which needs it, would copy it first.
    """
    for network in (trainer.model, trainer.ema and trainer.ema.ema):
        if network is not None:
            network.to(memory_format=torch.channels_last)
    for module in trainer.model.modules():
        if isinstance(module, torch.nn.SiLU):
            module.inplace = False
