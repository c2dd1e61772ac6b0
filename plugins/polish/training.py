"""`polish=true` in training: best.pt becomes its best variant, before Ultralytics validates it for the last time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import distributed
from ultralytics.nn.tasks import load_checkpoint
from ultralytics.utils import LOGGER, RANK

from tintbox import checkpoint_file
from tintbox.checks import is_there
from tintbox.datasets.reading.description import describe
from tintbox.datasets.reading.layout import split_pictures
from tintbox.errors import counted, message_of
from tintbox.plugins.coco_eval import sources
from tintbox.plugins.polish import origins, variants
from tintbox.plugins.polish.variants import LEAST, MARK, START
from tintbox.plugins.wrappers import unwrap


def on_pretrain_routine_end(trainer: Any) -> None:
    """Store in the run's checkpoints what it started from; a resumed training's arguments do not say it."""
    if RANK not in {-1, 0}:
        return
    network = trainer.ema.ema
    if trainer.resume:
        before = load_checkpoint(trainer.args.model)[0]
        if hasattr(before, START):
            setattr(network, START, getattr(before, START))
        return
    found = origins.find(unwrap(trainer.model))
    if found is None:
        found = variants.find_start(trainer.best, network, vars(trainer.args))
    if found and is_there(Path(found)):
        found = str(Path(found).resolve())
    if found in {"", str(trainer.best.resolve()), str(trainer.last.resolve())}:
        lost = f"{found}, which the run replaces" if found else "of no file"
        LOGGER.warning(f"polish: no averages are tried, since the weights to begin with are {lost}")
        found = None
    setattr(network, START, found)


def on_fit_epoch_end(trainer: Any) -> None:
    """After the last epoch, replace best.pt by its best variant; the event fires again after the final validation."""
    if not trainer.stop or RANK not in {-1, 0} or not trainer.best.exists() or hasattr(trainer, "tintbox_polished"):
        return
    trainer.tintbox_polished = True
    if distributed.is_available() and distributed.is_initialized():
        LOGGER.info(f"polish: not on several devices; when the run has ended, tintbox polish {trainer.save_dir}")
        return
    replace_best(trainer.best, vars(trainer.args), trainer.device)


def replace_best(best: Path, arguments: Mapping[str, Any], device: Any) -> None:
    """Replace a run's best.pt by its best variant, if there is a better one; what prevents that is logged.

    Args:
        best: The checkpoint of a run that has trained all its epochs.
        arguments: The run's.
        device: As in `yolo val`, or a `torch.device`.
    """
    try:
        with sources.explain_refusals(best, "polished"):
            data = arguments["data"]
            count = len(split_pictures(describe(data), "val"))
            if count < LEAST:
                least = f"fewer than {LEAST}, so chance would choose; best.pt stays as it is"
                LOGGER.info(f"polish: {counted(count, 'validation image')}, {least}")
                return
            network, content = load_checkpoint(best)
            found = variants.search(best, network, arguments, content, data, device=device)
            if not found.is_better:
                LOGGER.info("polish: best.pt is the best as it is")
                return
            place = "ema" if content.get("ema") else "model"
            checkpoint_file.write(best, {**content, place: found.network.half(), MARK: found.mark})
            LOGGER.info(f"polish: best.pt is now the best of them, {found.gain:+.1f}")
    except Exception as error:  # noqa: BLE001  whatever it is, the training is complete without it
        LOGGER.warning(f"polish: {message_of(error)}")
