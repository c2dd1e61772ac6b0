"""`polish=true` in training: best.pt becomes its best variant, before Ultralytics validates it for the last time."""

from __future__ import annotations

from typing import Any

from ultralytics.nn.tasks import load_checkpoint
from ultralytics.utils import LOGGER, RANK

from tintbox import checkpoint_file
from tintbox.errors import TintboxError, counted
from tintbox.plugins.coco_eval import sources
from tintbox.plugins.coco_eval.data.layout import split_pictures
from tintbox.plugins.polish import variants
from tintbox.plugins.polish.variants import LEAST, MARK


def on_fit_epoch_end(trainer: Any) -> None:
    """After the last epoch, replace best.pt by its best variant; the event fires again after the final validation."""
    if not trainer.stop or RANK not in {-1, 0} or not trainer.best.exists() or hasattr(trainer, "tintbox_polished"):
        return
    trainer.tintbox_polished = True
    try:
        with sources.explain_refusals(trainer.best, "polished"):
            polish(trainer)
    except TintboxError as error:  # the training is complete without it
        LOGGER.warning(f"polish: {error}")


def polish(trainer: Any) -> None:
    """Replace best.pt by its best variant, if there is a better one.

    Raises:
        TintboxError: It cannot be known, e.g. because the start of the training is gone.
    """
    count = len(split_pictures(trainer.data, "val"))
    if count < LEAST:
        least = f"fewer than {LEAST}, so chance would choose; best.pt stays as it is"
        LOGGER.info(f"polish: {counted(count, 'validation image')}, {least}")
        return
    network, content = load_checkpoint(trainer.best)
    found = variants.search(trainer.best, network, vars(trainer.args), trainer.args.data, device=trainer.device)
    if not found.is_better:
        LOGGER.info("polish: best.pt is the best as it is")
        return
    place = "ema" if content.get("ema") else "model"
    checkpoint_file.write(trainer.best, {**content, place: found.network.half(), MARK: found.mark})
    LOGGER.info(f"polish: best.pt is now the best of them, {found.gain:+.1f}")
