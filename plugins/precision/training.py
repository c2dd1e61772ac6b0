"""A precision policy applied to a trainer."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from ultralytics.utils import LOGGER

from tintbox import memory, run_arguments
from tintbox.errors import counted
from tintbox.plugins.precision.policy import Policy
from tintbox.processor import close_gaps, fuse
from tintbox.threads import available, unwatch, use_all_cores

MOST_LOADERS = 8  # Ultralytics' own default on a GPU


@contextlib.contextmanager
def restoring_cpu_settings(device: torch.device) -> Iterator[None]:
    """On a CPU, keep a step's memory for the next one; restore the thread count however the run ends."""
    before = torch.get_num_threads()
    with memory.keep(device):
        try:
            yield
        finally:
            unwatch()
            torch.set_num_threads(before)


def begin(trainer: Any, policy: Policy) -> None:
    """Set threads, loader processes and Ultralytics' own argument before model and loaders are built."""
    trainer.args.amp = policy.amp
    if policy.on_processor:
        # Ultralytics sets the argument to 0 on a CPU.
        policy = replace(policy, workers=run_arguments.read(trainer.save_dir)["workers"])
        loaders = max(0, min(split(available()), policy.workers)) if forks() else 0
        use_all_cores(trainer.device, spare=loaders)
        trainer.args.workers = loaders
    trainer.tintbox_policy = policy


def forks() -> bool:
    """Return whether new processes are forked; one that re-runs the user's script may recurse."""
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    return method == "fork"


def split(threads: int) -> int:
    """Return how many threads to give to loaders, processes that prefetch batches; the others compute.

    On two threads, loading takes a tenth of a step's time (a fifth with a frozen backbone), and a prefetching process
    costs more than it saves: it made an epoch a tenth longer (benchmarks/epoch_profile.py). On many cores the step is
    short and would wait for its images.
    """
    return min(MOST_LOADERS, threads // 4)


def settle(trainer: Any, policy: Policy) -> None:
    """Switch Ultralytics to another policy than the run began with, now that the model is known."""
    begun = trainer.tintbox_policy
    trainer.tintbox_policy = replace(policy, requested=begun.requested, workers=begun.workers)
    trainer.args.amp, trainer.amp = policy.amp, bool(policy.amp)


def optimise_for_cpu(trainer: Any) -> None:
    """Convert model and moving average to channels last, in which oneDNN convolves without reordering.

    Parameters stay the same objects, so the optimizer keeps its state. SiLUs become out-of-place: autograd needs their
    input and would copy it first. Adam's step, ten small kernels per tensor, becomes one. What is upsampled is then
    concatenated, so its gradient has gaps, with which the backward pass would take 16 times as long.
    """
    fuse(trainer.optimizer)
    for network in (trainer.model, trainer.ema and trainer.ema.ema):
        if network is not None:
            network.to(memory_format=torch.channels_last)
    for module in trainer.model.modules():
        if isinstance(module, torch.nn.SiLU):
            module.inplace = False
        elif isinstance(module, torch.nn.Upsample):
            module.register_forward_hook(close_gaps_of)


def close_gaps_of(_: torch.nn.Module, __: Any, output: torch.Tensor) -> None:
    """Close the gaps in the gradient of a module's output: a forward hook, which a pickled model refers to by name."""
    close_gaps(output)


def tell(trainer: Any) -> None:
    """Log in one line what the user's `amp` resolved to."""
    policy: Policy = trainer.tintbox_policy
    words = [policy.remark]
    if policy.on_processor:
        threads, loaders = torch.get_num_threads(), trainer.args.workers
        words += ["channels last", counted(threads, "thread")]
        words += [f"{loaders} loader process{'es' * (loaders > 1)}"] * bool(loaders)
    if policy.remark:
        LOGGER.info(f"amp={policy.requested}: {', '.join(words)}")
