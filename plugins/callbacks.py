"""The callbacks that tintbox adds to Ultralytics' defaults: module-level functions, because DDP workers pickle them.

Each one looks whether the run asks for anything; only then is the module imported that does it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from tintbox.plugins import options
from tintbox.plugins.freeze import selectors
from tintbox.plugins.loss import weights as class_weights


def wants_freeze(args: Any) -> bool:
    """Return whether a run's arguments ask for more than Ultralytics' own ``freeze``, a number or a list of numbers."""
    return selectors.is_active({name: getattr(args, name, None) for name in selectors.ARGUMENTS})


def wants_loss(args: Any) -> bool:
    """Return whether a run's arguments change the classification loss."""
    return any(getattr(args, name, None) is not None for name in class_weights.OPTIONS)


def wants_coco_eval(args: Any) -> bool:
    """Return whether a run's arguments ask for COCO evaluation."""
    return bool(getattr(args, "coco_eval", False))


def wants_resume(args: Any) -> bool:
    """Return whether a run is one of ours, to be resumed exactly and cleanly: a colouriser's, or with our options."""
    arguments = vars(args)
    return arguments.get("task") == "colorize" or bool(options.chosen(arguments)) or wants_freeze(args)


def has_grey_statistics(model: Any) -> bool:
    """Return whether a model, wrapped or not, has been handed a colouriser's backbone (`handover.MARK`)."""
    modules = getattr(model, "modules", tuple)
    return any(hasattr(module, "tintbox_statistics") for module in modules())


def has_anchors(args: Any) -> bool:
    """Return whether the model can have an anchor head: whether this process has built or loaded one."""
    return "tintbox.plugins.anchor.head" in sys.modules


CAPABILITIES = {
    "tintbox.plugins.anchor.callbacks": has_anchors,  # first: it makes the loss that the next one sets up
    "tintbox.plugins.loss.training": wants_loss,
    "tintbox.plugins.freeze.training": wants_freeze,
    "tintbox.plugins.coco_eval.validation": wants_coco_eval,
}


def run(event: str, runner: Any) -> None:
    """Run an event's callback, of a trainer, validator or exporter, in every capability asked for that has it."""
    for module, wanted in CAPABILITIES.items():
        if wanted(runner.args) and (function := getattr(import_module(module), event, None)):
            function(runner)


def on_pretrain_routine_start(trainer: Any) -> None:
    """The run begins; neither dataset nor model is there."""
    import_module("tintbox.environment").on_pretrain_routine_start(trainer)
    run("on_pretrain_routine_start", trainer)


def on_pretrain_routine_end(trainer: Any) -> None:
    """Model, optimizer, moving average and resumed state are there."""
    if has_grey_statistics(trainer.model):
        import_module("tintbox.plugins.transfer.norm_statistics").on_pretrain_routine_end(trainer)
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


def on_val_start(validator: Any) -> None:
    """A validation begins; model and data are there."""
    run("on_val_start", validator)


def on_val_end(validator: Any) -> None:
    """A validation's metrics are computed and printed."""
    run("on_val_end", validator)


def on_export_start(exporter: Any) -> None:
    """Add what a colouriser needs to predict, its palette, to the metadata of every export."""
    run("on_export_start", exporter)
    metadata = getattr(exporter.model, "metadata", None)
    if callable(metadata):
        exporter.metadata.update(metadata())


CALLBACKS = (
    on_pretrain_routine_start,
    on_pretrain_routine_end,
    on_train_epoch_start,
    on_train_batch_start,
    on_train_epoch_end,
    on_val_start,
    on_val_end,
    on_export_start,
)
