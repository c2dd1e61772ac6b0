"""A policy at work in a trainer."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator
from typing import Any

import torch
from ultralytics.utils import LOGGER

from tintbox import memory
from tintbox.plugins.precision.policy import Policy
from tintbox.processor import fuse
from tintbox.threads import available, unwatch, use_all_cores

MOST_LOADERS = 8  # Ultralytics' own default on a GPU


@contextlib.contextmanager
def processor_given_back(device: torch.device) -> Iterator[None]:
    """Keep a step's memory for the next on a CPU; leave the process, whatever ends the run, with the threads it had."""
    before = torch.get_num_threads()
    with memory.kept() if device.type == "cpu" else contextlib.nullcontext():
        try:
            yield
        finally:
            unwatch()
            torch.set_num_threads(before)


def begin(trainer: Any, policy: Policy) -> None:
    """Set threads, loader processes and Ultralytics' own argument, before model and loaders are there."""
    trainer.tintbox_policy, trainer.args.amp = policy, policy.amp
    if policy.on_processor:
        loaders = split(available()) if forks() else 0
        use_all_cores(trainer.device, spare=loaders)
        trainer.args.workers = loaders


def forks() -> bool:
    """Return whether a new process is a copy of this one; one that runs the user's script anew may recurse."""
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    return method == "fork"


def split(threads: int) -> int:
    """Return how many of the threads are loaders, processes that load ahead; the others compute.

    Loading takes a tenth of what a step takes on two threads, and a fifth with a frozen backbone, and a process that
    loads ahead disturbs two threads more than it saves: it made an epoch a tenth longer (benchmarks/epoch_profile.py).
    On many cores the step is short and would wait for its pictures.
    """
    return min(MOST_LOADERS, threads // 4)


def settle(trainer: Any, policy: Policy) -> None:
    """Tell Ultralytics of another policy than it began with, now that the model is known."""
    trainer.tintbox_policy, trainer.args.amp, trainer.amp = policy, policy.amp, bool(policy.amp)


def suit_processor(trainer: Any) -> None:
    """Put model and moving average into the layout channels last, in which oneDNN convolves without reordering.

    Parameters stay the same objects, so the optimizer keeps its state. SiLUs no longer write over their input:
    autograd, which needs it, would copy it first. Adam's steps, ten small kernels for each tensor, become one.
    """
    fuse(trainer.optimizer)
    for network in (trainer.model, trainer.ema and trainer.ema.ema):
        if network is not None:
            network.to(memory_format=torch.channels_last)
    for module in trainer.model.modules():
        if isinstance(module, torch.nn.SiLU):
            module.inplace = False


def tell(trainer: Any, asked: str) -> None:
    """Say in a line what came of the user's `amp`."""
    policy: Policy = trainer.tintbox_policy
    words = [policy.remark]
    if policy.on_processor:
        threads, loaders = torch.get_num_threads(), trainer.args.workers
        words += ["channels last", f"{threads} thread{'s' * (threads > 1)}"]
        words += [f"{loaders} loader process{'es' * (loaders > 1)}"] * bool(loaders)
    if policy.remark:
        LOGGER.info(f"amp={asked}: {', '.join(words)}")
