"""The callbacks that tintbox adds to Ultralytics' defaults: module-level functions, because DDP workers pickle them.

Each one looks whether the run asks for anything; only then is the module imported that does it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tintbox.plugins import class_weights, selectors


def wants_freeze(args: Any) -> bool:
    """Return whether a run's arguments ask for more than Ultralytics' own ``freeze``, a number or a list of numbers."""
    return selectors.is_active({name: getattr(args, name, None) for name in selectors.ARGUMENTS})


def wants_loss(args: Any) -> bool:
    """Return whether a run's arguments change the classification loss."""
    return any(getattr(args, name, None) is not None for name in class_weights.OPTIONS)


def has_grey_statistics(model: Any) -> bool:
    """Return whether a model, wrapped or not, has been handed a colouriser's backbone (`handover.MARK`)."""
    modules = getattr(model, "modules", tuple)
    return any(hasattr(module, "tintbox_statistics") for module in modules())


CAPABILITIES = {"tintbox.plugins.loss_callbacks": wants_loss, "tintbox.plugins.freeze": wants_freeze}


def run(event: str, trainer: Any) -> None:
    """Run an event's callback in every capability that the run asks for and that serves the event."""
    for module, wanted in CAPABILITIES.items():
        if wanted(trainer.args) and (function := getattr(import_module(module), event, None)):
            function(trainer)


def on_pretrain_routine_start(trainer: Any) -> None:
    """The run begins; neither dataset nor model is there."""
    run("on_pretrain_routine_start", trainer)


def on_pretrain_routine_end(trainer: Any) -> None:
    """Model, optimizer, moving average and resumed state are there."""
    if has_grey_statistics(trainer.model):
        import_module("tintbox.plugins.norm_statistics").on_pretrain_routine_end(trainer)
    run("on_pretrain_routine_end", trainer)


def on_train_epoch_start(trainer: Any) -> None:
    """An epoch begins; BatchNorms are not set to their modes yet."""
    run("on_train_epoch_start", trainer)


def on_train_batch_start(trainer: Any) -> None:
    """A batch begins; the learning rate is still the last batch's."""
    run("on_train_batch_start", trainer)


def on_train_epoch_end(trainer: Any) -> None:
    """An epoch has ended; it is validated and saved next."""
    run("on_train_epoch_end", trainer)


def on_export_start(exporter: Any) -> None:
    """Add what a colouriser needs to predict, its palette, to the metadata of every export."""
    metadata = getattr(exporter.model, "metadata", None)
    if callable(metadata):
        exporter.metadata.update(metadata())


CALLBACKS = (
    on_pretrain_routine_start,
    on_pretrain_routine_end,
    on_train_epoch_start,
    on_train_batch_start,
    on_train_epoch_end,
    on_export_start,
)
