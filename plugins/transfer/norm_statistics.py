"""BatchNorm statistics for colour pictures in a detector whose backbone has seen grey ones only.

A colouriser's running means and variances are those of three equal channels. A detector that trains brings them round
in a few hundred batches, but what is frozen never would, and validation would be wrong until then.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from ultralytics.utils import LOGGER, RANK

from tintbox.plugins.freeze.plan import network
from tintbox.plugins.transfer.handover import MARK

BATCHES = 10  # that the statistics are averaged over


def on_pretrain_routine_end(trainer: Any) -> None:
    """Recompute the statistics on the first batches of the training data, in the model and in its moving average."""
    model = network(trainer.model)
    average = network(trainer.ema.ema) if trainer.ema else None
    for marked in (model, average):
        if marked is not None and hasattr(marked, MARK):
            delattr(marked, MARK)  # a stock checkpoint is to hold nothing of ours
    if trainer.resume:
        return
    batches = (trainer.preprocess_batch(batch)["img"] for batch in trainer.train_loader)
    count = recompute(model, islice(batches, BATCHES))
    if hasattr(trainer.train_loader, "reset"):
        trainer.train_loader.reset()  # the first epoch shall see all pictures
    if average is not None:
        state = model.state_dict()
        for name, module in average.named_modules():
            if isinstance(module, _BatchNorm):
                for buffer in ("running_mean", "running_var", "num_batches_tracked"):
                    module.get_buffer(buffer).copy_(state[f"{name}.{buffer}"])
    if RANK in {-1, 0}:
        LOGGER.info(f"tintbox: BatchNorm statistics recomputed on {count} training pictures in colour")


@torch.no_grad()
def recompute(model: nn.Module, batches: Iterable[torch.Tensor]) -> int:
    """Set the running statistics of all BatchNorms to their plain mean over batches; weights stay as they are.

    Args:
        model: A network in any mode, which it is left in.
        batches: Inputs (B, C, H, W).

    Returns:
        The number of pictures.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    modes = {m: m.training for m in model.modules()}
    momenta = [norm.momentum for norm in norms]
    count = 0
    try:
        model.train()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over all batches
        for batch in batches:
            model(batch)
            count += len(batch)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, training in modes.items():
            module.training = training
    return count
