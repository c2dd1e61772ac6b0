"""The trainer callbacks that set the classification loss, on both the training model and its EMA copy.

Ultralytics creates `model.criterion` lazily, once for the training model and once for the EMA copy that it validates.
It creates the criterion of end-to-end heads again on resume, and a new EMA copy on resume and after a NaN. Every
v8DetectionLoss in a criterion (end-to-end heads have two) uses its `bce` for classification only. Checkpoints do not
contain the criterion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from ultralytics.nn.modules.head import Detect
from ultralytics.nn.tasks import WorldModel, YOLOEModel
from ultralytics.utils import LOGGER, RANK, colorstr
from ultralytics.utils.loss import v8DetectionLoss

from tintbox.errors import TintboxError
from tintbox.plugins.loss import weights as class_weights
from tintbox.plugins.loss.bce import ClassificationBCE
from tintbox.plugins.wrappers import models_of


def on_pretrain_routine_end(trainer: Any) -> None:
    """Set the loss that the options request.

    Raises:
        TintboxError: The model's loss has no classification BCE, or the options do not fit the class names.
    """
    options, models = class_weights.pick_set(trainer.args), models_of(trainer)
    if wrong := check_model(options, models[0], trainer.args.task):
        raise TintboxError(wrong)
    _install(models, _build(trainer, options, verbose=True))


def on_train_epoch_start(trainer: Any) -> None:
    """Set the loss again on a model that has lost it, because recovery from a NaN makes a new EMA copy."""
    models = models_of(trainer)
    present = [loss.bce for m in models for loss in detection_losses(getattr(m, "criterion", None))]
    ours = [bce for bce in present if isinstance(bce, ClassificationBCE)]
    if len(ours) < len(present) or any(getattr(m, "criterion", None) is None for m in models):
        _install(models, ours[0] if ours else _build(trainer, class_weights.pick_set(trainer.args), verbose=False))


def check_model(options: dict[str, Any], model: Any, task: str) -> str | None:
    """Return why a model cannot use the options, or None if it can.

    ``options`` is the return value of `weights.pick_set`, not empty. The model's criterion need not exist yet.
    """
    name, value = next(iter(options.items()))
    kind = type(model).__name__
    if not isinstance(model.model[-1], Detect):  # RT-DETR's decoder, a classifier, a colouriser, ...
        return f"{name}={value}: the loss of {kind} (task {task}) has no classification BCE"
    if isinstance(model, (WorldModel, YOLOEModel)):
        return f"{name}={value}: the class channels of {kind} (task {task}) are text prompts, not the dataset's classes"
    return None


def detection_losses(criterion: Any) -> Iterator[Any]:
    """Yield every loss with a classification BCE in a criterion: itself, or those that it wraps."""
    if isinstance(criterion, v8DetectionLoss) or type(criterion).__name__ == "AnchorLoss":
        yield criterion
    elif criterion is not None:
        yield from (loss for loss in vars(criterion).values() if isinstance(loss, v8DetectionLoss))


def class_counts(trainer: Any) -> list[int]:
    """Return the number of instances of every class in the training labels, ``(nc,)``."""
    labels = [label["cls"].reshape(-1) for label in trainer.train_loader.dataset.labels]
    classes = np.concatenate([np.zeros(0), *labels]).astype(int)
    return np.bincount(classes, minlength=trainer.data["nc"]).tolist()


def make_criteria(models: list[Any]) -> None:
    """Create the criteria that do not exist yet."""
    for model in models:
        if getattr(model, "criterion", None) is None:
            model.args = models[0].args  # the EMA copy gets the live arguments at the end of an epoch anyway
            model.criterion = model.init_criterion()


def _install(models: list[Any], bce: ClassificationBCE) -> None:
    """Make ``bce`` the classification loss of the models."""
    make_criteria(models)
    for model in models:
        for loss in detection_losses(model.criterion):
            loss.bce = bce.to(loss.device)


def _build(trainer: Any, options: dict[str, Any], verbose: bool) -> ClassificationBCE:
    """Return the loss for the options and the training labels, and log it if ``verbose``."""
    names = trainer.data["names"]
    value = options.get("cls_pos_weight")
    if wrong := class_weights.check_names(value, names):
        raise TintboxError(f"cls_pos_weight={value}: {wrong}")
    counts = class_counts(trainer) if value == class_weights.BALANCED else []
    weights = class_weights.resolve(value, names, counts)
    gamma, alpha = class_weights.focal(options.get("cls_focal"))
    bce = ClassificationBCE(
        pos_weight=None if weights is None else torch.tensor(weights),
        smoothing=options.get("cls_smoothing") or 0.0,
        gamma=gamma,
        alpha=alpha,
    )
    if verbose and RANK in {-1, 0}:
        if weights is not None:
            table = ", ".join(f"{names[c]} {weight:.3g}" for c, weight in enumerate(weights))
            LOGGER.info(f"{colorstr('cls_pos_weight:')} {table}")
        if missing := [str(names[c]) for c, n in enumerate(counts) if n == 0]:
            LOGGER.warning(f"cls_pos_weight=balanced: no training label of {', '.join(missing)}; weight 1 instead")
        if gamma or alpha is not None or bce.smoothing:
            focal = f"focal gamma {gamma:g}" + ("" if alpha is None else f", alpha {alpha:g}")
            LOGGER.info(f"{colorstr('classification loss:')} smoothing {bce.smoothing:g}, {focal}")
    return bce
