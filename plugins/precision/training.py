"""A policy at work in a trainer."""

from __future__ import annotations

from typing import Any

import torch
from ultralytics.utils import LOGGER

from tintbox.plugins.precision.policy import Policy
from tintbox.threads import available, use_all_cores

MOST_LOADERS = 8  # Ultralytics' own default on a GPU


def begin(trainer: Any, policy: Policy) -> None:
    """Set threads, loader processes and Ultralytics' own argument, before model and loaders are there."""
    trainer.args.amp = policy.amp
    if policy.remark:
        LOGGER.info(policy.remark)
    if policy.on_processor:
        loaders = split(available())
        use_all_cores(trainer.device, spare=loaders)
        trainer.args.workers = loaders


def split(threads: int) -> int:
    """Return how many of the threads are loaders, processes that load ahead; the others compute.

    Loading takes a tenth of what a step takes on two threads, and a fifth with a frozen backbone, and a process that
    loads ahead disturbs two threads more than it saves: it made an epoch a tenth longer (benchmarks/epoch_profile.py).
    On many cores the step is short and would wait for its pictures.
    """
    return min(MOST_LOADERS, threads // 4)


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
