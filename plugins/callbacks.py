"""The callbacks that tintbox adds to Ultralytics' defaults: module-level functions, because DDP workers pickle them.

What a run requests is determined when it begins, and only then are the modules imported that provide it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from tintbox.errors import TintboxError
from tintbox.plugins import autoload, options
from tintbox.plugins.freeze import selectors
from tintbox.plugins.loss import weights as class_weights

EXTENDED = "tintbox.plugins.extend.network"
ANCHOR_HEADS = "tintbox.plugins.anchor.head"


def wants_freeze(args: Any) -> bool:
    """Return whether a run's arguments request more than Ultralytics' own ``freeze``, a number or list of numbers."""
    return selectors.is_active(vars(args))


def wants_loss(args: Any) -> bool:
    """Return whether a run's arguments change the classification loss."""
    return bool(class_weights.pick_set(args))


def wants_polish(args: Any) -> bool:
    """Return whether a run's arguments request polishing, in a task in which it has an effect."""
    return bool(getattr(args, "polish", False)) and args.task in options.CLASSIFYING


def wants_coco_eval(args: Any) -> bool:
    """Return whether a run's arguments request COCO evaluation."""
    return getattr(args, "coco_eval", None) not in (None, False)  # {} stands for the defaults


def wants_resume(args: Any) -> bool:
    """Return whether a run is one of ours, to be resumed exactly: a colouriser's, or one with our options."""
    arguments = vars(args)
    return arguments.get("task") == autoload.TASK or bool(options.pick_own(arguments)) or wants_freeze(args)


def resumes_exactly(trainer: Any) -> bool:
    """Return whether a run that has begun resumes exactly: in its arguments, what `amp=auto` means here replaces it."""
    return hasattr(trainer, "tintbox_policy") or wants_resume(trainer.args)


def has_grey_statistics(model: Any) -> bool:
    """Return whether a model, wrapped or not, was given a colouriser's backbone (`handover.MARK`)."""
    return any(hasattr(layer, "tintbox_statistics") for layer in layers(model))


def has_anchors(model: Any) -> bool:
    """Return whether a model, wrapped or not, has an anchor head."""
    return any(type(layer).__module__ == ANCHOR_HEADS for layer in layers(model))


def is_extended(model: Any) -> bool:
    """Return whether a network is an extended model, with new classes beside the old ones."""
    return type(model).__module__ == EXTENDED


def layers(model: Any) -> Iterable[Any]:
    """Return all layers of a network; empty for an object that is not, or not yet, a network."""
    return getattr(model, "modules", tuple)()


FORMATS = ("torchscript", "onnx", "openvino", "engine")  # export formats; the others rewrite parts of the stock head
WANTED: dict[str, Callable[[Any], bool]] = {
    "tintbox.plugins.transfer.norm_statistics": lambda run: has_grey_statistics(getattr(run, "model", None)),
    # Before the others, which must see what trains.
    "tintbox.plugins.extend.training": lambda run: bool(getattr(run.args, "extend", False)),
    # Before the next one, which sets up the loss created here.
    "tintbox.plugins.anchor.callbacks": lambda run: has_anchors(getattr(run, "model", None)),
    "tintbox.plugins.loss.training": lambda run: wants_loss(run.args),
    "tintbox.plugins.freeze.training": lambda run: wants_freeze(run.args),
    "tintbox.plugins.polish.training": lambda run: wants_polish(run.args),
    "tintbox.plugins.coco_eval.validation": lambda run: wants_coco_eval(run.args),
}
Handlers = dict[str, list[Callable[[Any], None]]]  # by event
# Weakly keyed by run instead of stored on it, so that a validator that aborts is left unchanged.
_handlers: WeakKeyDictionary[Any, Handlers] = WeakKeyDictionary()


def begin(event: str, runner: Any) -> None:
    """Determine what a run (a trainer or validator) requests, then handle the event.

    A trainer's requests are determined twice, since what its model asks for is only known once that is built.
    """
    modules = [import_module(name) for name, wanted in WANTED.items() if wanted(runner)]
    events = [callback.__name__ for callback in CALLBACKS]
    _handlers[runner] = {name: [getattr(m, name) for m in modules if hasattr(m, name)] for name in events}
    run(event, runner)


def run(event: str, runner: Any) -> None:
    """Handle an event in every module that the run requests and that has a callback for it."""
    for handle in _handlers.get(runner, {}).get(event, ()):
        handle(runner)


def on_pretrain_routine_start(trainer: Any) -> None:
    """The run begins; neither dataset nor model exists."""
    requested = autoload.is_switched_on("TINTBOX_ENVIRONMENT")  # by a study; stock runs get no extra file
    if (requested or wants_resume(trainer.args)) and (environment := autoload.import_optional("tintbox.environment")):
        environment.on_pretrain_routine_start(trainer)
    begin("on_pretrain_routine_start", trainer)


def on_pretrain_routine_end(trainer: Any) -> None:
    """Model, optimizer, moving average and resumed state exist."""
    begin("on_pretrain_routine_end", trainer)


def on_train_epoch_start(trainer: Any) -> None:
    """An epoch begins; the modes of the BatchNorms are not set yet."""
    run("on_train_epoch_start", trainer)


def on_train_batch_start(trainer: Any) -> None:
    """A batch begins; the learning rate is still that of the previous batch."""
    run("on_train_batch_start", trainer)


def on_train_epoch_end(trainer: Any) -> None:
    """An epoch has ended; it is validated and saved next."""
    run("on_train_epoch_end", trainer)


def on_fit_epoch_end(trainer: Any) -> None:
    """An epoch is validated and saved; after the last one, and again after the final validation of best.pt."""
    run("on_fit_epoch_end", trainer)


def on_val_start(validator: Any) -> None:
    """A validation begins; model and data exist."""
    begin("on_val_start", validator)


def on_val_end(validator: Any) -> None:
    """A validation's metrics are computed and printed."""
    run("on_val_end", validator)


def on_export_start(exporter: Any) -> None:
    """Refuse formats that need the stock head, and add the model's own metadata to the export's.

    Raises:
        TintboxError: The format needs the stock head.
    """
    kind = "anchor" if has_anchors(exporter.model) else "extended" if is_extended(exporter.model) else ""
    if kind and exporter.args.format not in FORMATS:
        raise TintboxError(f"format={exporter.args.format}: {kind} models export to {', '.join(FORMATS)}")
    metadata = getattr(exporter.model, "metadata", None)
    if callable(metadata):
        exporter.metadata.update(metadata())


CALLBACKS = (
    on_pretrain_routine_start,
    on_pretrain_routine_end,
    on_train_epoch_start,
    on_train_batch_start,
    on_train_epoch_end,
    on_fit_epoch_end,
    on_val_start,
    on_val_end,
    on_export_start,
)
