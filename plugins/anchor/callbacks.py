"""The trainer callbacks of anchor-based detectors: they set anchors and loss on the model and its moving average."""

from __future__ import annotations

from typing import Any

from ultralytics.utils import LOGGER, RANK, colorstr

from tintbox.plugins.anchor import autoanchor, transfer
from tintbox.plugins.anchor.head import AnchorDetect
from tintbox.plugins.anchor.loss import Gains
from tintbox.plugins.loss.training import make_criteria
from tintbox.plugins.wrappers import models_of

PREFIX = colorstr("anchors: ")


def on_pretrain_routine_end(trainer: Any) -> None:
    """Check the anchors against the training boxes, or compute new ones, and set the loss."""
    models = _models(trainer)
    if models:
        if not trainer.resume:  # the anchors of a resumed run are in its checkpoint
            fit_anchors(trainer, models)
        gains = _set_gains(trainer, models)
        _say(f"loss gains box {gains.box:.3g}, obj {gains.obj:.3g}, cls {gains.cls:.3g}, for this model and imgsz")


def on_train_epoch_start(trainer: Any) -> None:
    """Set the loss again, because recovery from a NaN makes a new moving average."""
    if models := _models(trainer):
        _set_gains(trainer, models)


def fit_anchors(trainer: Any, models: list[Any]) -> None:
    """Log how well the anchors fit the training boxes; with `autoanchor`, use new ones unless they fit worse."""
    args, head = trainer.args, models[0].model[-1]
    sizes = autoanchor.box_sizes(trainer.train_loader.dataset.labels, int(args.imgsz))
    if not len(sizes):
        return
    before = autoanchor.recall(head.anchor_list, sizes, args.anchor_t)
    if not args.autoanchor:
        bad = before < autoanchor.LEAST_RECALL
        hint = "; they fit badly: give others, or set autoanchor=true" if bad else ""
        _say(f"best possible recall {before:.4f} of {len(sizes)} training boxes{hint}", warn=bad)
        return
    made = autoanchor.k_means(sizes, head.stride.tolist(), head.na)
    if made is None:
        _say(f"kept: the {len(sizes)} training boxes are too few for {head.na * head.nl} anchors", warn=True)
        return
    after = autoanchor.recall(made, sizes, args.anchor_t)
    outcome = f"best possible recall {before:.4f} before, {after:.4f} after k-means over {len(sizes)} training boxes"
    if after < before:
        _say(f"kept: {outcome}", warn=True)
        return
    for model in models:
        transfer.set_anchors(model, made)
    _say(f"{outcome}; now {models[0].yaml['anchors']}", warn=after < autoanchor.LEAST_RECALL)


def _models(trainer: Any) -> list[Any]:
    """Return the unwrapped training model and the moving average; an empty list if they have no anchor head."""
    models = models_of(trainer)
    layers = getattr(models[0], "model", None)
    return models if layers is not None and isinstance(layers[-1], AnchorDetect) else []


def _set_gains(trainer: Any, models: list[Any]) -> Gains:
    """Set the gains of the arguments, scaled for this run, in the models' losses, and return them."""
    head = models[0].model[-1]
    gains = Gains.of(vars(trainer.args)).scale(head.nl, head.nc, int(trainer.args.imgsz))
    make_criteria(models)
    for model in models:
        model.criterion.gains = gains
    return gains


def _say(text: str, warn: bool = False) -> None:
    if RANK in {-1, 0}:
        (LOGGER.warning if warn else LOGGER.info)(f"{PREFIX}{text}")
