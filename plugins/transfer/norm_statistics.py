"""BatchNorm statistics for colour images in a detector whose backbone has only seen grey ones.

A colouriser's running means and variances are those of three equal channels. Training a detector corrects them within
a few hundred batches, but frozen ones would stay wrong, and validation would be wrong until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import update_bn
from ultralytics.utils import LOGGER, RANK

from tintbox.plugins.transfer.handover import MARK
from tintbox.plugins.wrappers import models_of

BATCHES = 10  # averaged for the statistics
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def on_pretrain_routine_end(trainer: Any) -> None:
    """Recompute the statistics on the first batches of the training data, in the model and in its moving average."""
    model, *averages = models_of(trainer)
    for marked in (model, *averages):
        if hasattr(marked, MARK):
            delattr(marked, MARK)  # a stock checkpoint must contain nothing of ours
    if trainer.resume:
        return
    batches = (trainer.preprocess_batch(batch)["img"] for batch in trainer.train_loader)
    count = recompute(model, islice(batches, BATCHES))
    if hasattr(trainer.train_loader, "reset"):
        trainer.train_loader.reset()  # so that the first epoch sees all images
    statistics = {name: value for name, value in model.state_dict().items() if name.endswith(STATISTICS)}
    for average in averages:
        average.load_state_dict(statistics, strict=False)
    if RANK in {-1, 0}:
        LOGGER.info(f"tintbox: BatchNorm statistics recomputed on {count} training images in colour")


def recompute(model: nn.Module, batches: Iterable[Tensor]) -> int:
    """Set the running statistics of all BatchNorms to their plain mean over batches; weights do not change.

    Args:
        model: A network; its mode, training or evaluation, is preserved.
        batches: Inputs (B, C, H, W).

    Returns:
        The number of images.
    """
    counts: list[int] = []

    def counted() -> Iterator[Tensor]:
        for batch in batches:
            counts.append(len(batch))
            yield batch

    update_bn(counted(), model)
    return sum(counts)
