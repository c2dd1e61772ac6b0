"""tintbox's capabilities: the arguments that request each one, and the patches and modules it needs.

A run that requests an incomplete capability is refused rather than trained without it. This is checked in several
places, because each check is itself a patch that may fail to apply: when arguments are checked, when a configuration
is built, when a model starts training, and when a run starts. This module imports only what it needs to refuse a run,
so it works whatever else is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tintbox.plugins.autoload import TASK, import_optional
from tintbox.plugins.host.table import PATCHES, broken, state

# Patches that all our arguments, all resumed runs and all runs depend on, and the modules behind them.
ARGUMENTS = ("training_arguments", "argument_checks")
RESUMING = ("checkpoints", "checkpoint_arguments")
RUN = ("default_callbacks",)
OPTIONS = ("tintbox.plugins.options", "tintbox.plugins.preflight", "tintbox.plugins.places")
RESUME = ("tintbox.plugins.resume.start", "tintbox.plugins.resume.files")
TRAINING = (*ARGUMENTS, *RUN, *RESUMING)  # of what changes a training
MODULES = (*OPTIONS, *RESUME)


@dataclass(frozen=True)
class Capability:
    """One thing that tintbox does.

    Attributes:
        title: Its name for the user.
        arguments: Names of the training arguments that request it with any value but their default.
        patches: Names of the patches without which it would silently be skipped or only half work.
        modules: tintbox modules that it starts from.
    """

    title: str
    arguments: tuple[str, ...]
    patches: tuple[str, ...]
    modules: tuple[str, ...]


CAPABILITIES = (
    Capability(
        "freezing",
        ("freeze", "unfreeze", "freeze_bn", "lr_scale"),
        TRAINING,
        (*MODULES, "tintbox.plugins.freeze.training", "tintbox.plugins.freeze.report"),
    ),
    Capability(
        "the classification loss",
        ("cls_pos_weight", "cls_smoothing", "cls_focal"),
        TRAINING,
        (*MODULES, "tintbox.plugins.loss.training", "tintbox.plugins.loss.bce"),
    ),
    Capability(
        "polishing",
        ("polish",),
        (*TRAINING, "loaded_weights"),
        (*MODULES, "tintbox.plugins.polish.training"),
    ),
    Capability(
        "COCO evaluation",
        ("coco_eval",),
        (*ARGUMENTS, *RUN, "recorded_predictions", "full_masks"),
        (*MODULES, "tintbox.plugins.coco_eval.validation", "tintbox.plugins.coco_eval.data.run_lengths"),
    ),
    Capability(
        "anchor models",
        ("obj", "obj_pos_weight", "anchor_t", "autoanchor"),
        (*TRAINING, "anchor_yamls", "anchor_models", "anchor_training"),
        (*MODULES, "tintbox.plugins.anchor.callbacks", "tintbox.plugins.anchor.head"),
    ),
    Capability(
        "new classes",
        ("extend", "reconcile"),
        (*TRAINING, "extended_training", "extended_validation", "extended_prediction"),
        (
            *(*MODULES, "tintbox.datasets.reading.description", "tintbox.datasets.reading.layout"),
            *(f"tintbox.plugins.extend.{m}" for m in ("checks", "training", "validation")),
        ),
    ),
    Capability(
        "colourising",
        (
            *("palette", "rebalance", "temperature", "channel_drop", "input_scale", "crop", "shuffle"),
            *("ema_epochs", "select"),
        ),
        (
            *(*TRAINING, "bare_names", "task_tables", "guess_task", "task_map"),
            *("model_new", "model_load"),
        ),
        (*MODULES, *(f"tintbox.colorization.{m}" for m in ("trainer", "validator", "predictor"))),
    ),
    Capability(
        "fast training",
        ("amp",),
        (
            *(*ARGUMENTS, *RESUMING, "amp_auto", "processor_autocast", "fast_training"),
            *("loss_in_float32", "decoding_in_float32"),
        ),
        ("tintbox.plugins.options", "tintbox.plugins.precision.training"),
    ),
    Capability(
        "the hand-over of a backbone",
        (),
        (*RUN, "backbone_hand_over"),
        ("tintbox.plugins.transfer.handover", "tintbox.plugins.transfer.norm_statistics"),
    ),
    Capability(
        "arguments in a file of their own",  # requested by `cfg=` with a run folder that has one
        (),
        (*ARGUMENTS, "run_arguments"),
        ("tintbox.run_arguments",),
    ),
    Capability(
        "resuming exactly",  # requested by `resume` in a run that requests something else of ours
        (),
        (*RESUMING, "exact_resume", "resume_errors"),
        RESUME,
    ),
)
BY_TITLE = {capability.title: capability for capability in CAPABILITIES}


def lacks(capability: Capability) -> str | None:
    """Return what a capability lacks in this process, as text, or None. Imports what it needs."""
    patches = {p.function.__name__: p for p in PATCHES}
    for name in capability.patches:
        if name not in patches:
            return f"patch '{name}' could not be read ({'; '.join(broken.values()) or 'it is not in the table'})"
        if state(patches[name]) == "not applied":  # some modules are imported late
            try:
                import_module(patches[name].module)
            except ImportError as error:
                return f"patch '{name}' has no {patches[name].module} to change ({error})"
        if (found := state(patches[name])) != "ok":
            return f"patch '{name}' does not fit this Ultralytics ({found})"
    for module in capability.modules:
        if import_optional(module) is None:
            return f"module {module} is missing or broken"
    return None


def find_requested(arguments: Mapping[str, Any]) -> Iterator[tuple[Capability, str]]:
    """Yield the capabilities that the arguments request, each with the first ``name=value`` that does."""
    from ultralytics.utils import DEFAULT_CFG_DICT

    colourises = ours = arguments.get("task") == TASK
    for capability in CAPABILITIES:
        for name in capability.arguments:
            value = arguments.get(name)
            if name == "freeze":  # numbers are Ultralytics' own values
                entries = value if isinstance(value, (list, tuple)) else [value]
                wanted = any(isinstance(entry, str) for entry in entries)
            elif name == "amp":  # also Ultralytics' own; only one value is ours
                wanted = value == "auto"
            else:
                wanted = value is not None and value != DEFAULT_CFG_DICT.get(name)
            if wanted:
                ours = True
                yield capability, f"{name}={value}"
                break
    if colourises:
        yield BY_TITLE["colourising"], f"task={TASK}"
    if ours and arguments.get("resume"):
        yield BY_TITLE["resuming exactly"], f"resume={arguments['resume']}"


def check(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that request an incomplete capability.

    Raises:
        TintboxError: In one line, naming the argument and what is missing.
    """
    for capability, argument in find_requested(arguments):
        require(capability.title, argument)


def require(title: str, what: str) -> None:
    """Refuse ``what`` if the capability that it requests is incomplete.

    Raises:
        TintboxError: In one line, naming ``what`` and what is missing.
    """
    if why := lacks(BY_TITLE[title]):
        raise refusal(f"{what} asks for {title}, which is off here: {why}; see `tintbox doctor`")


class RefusalError(ValueError):
    """Stand-in for ``TintboxError`` where that cannot be imported."""


def refusal(text: str) -> Exception:
    """Return the error for a user's mistake, or its stand-in where tintbox's own cannot be imported."""
    errors = import_optional("tintbox.errors")
    return errors.TintboxError(text) if errors else RefusalError(text)


def is_mistake(error: Exception) -> bool:
    """Return whether an error is a user's mistake, to be reported in one line."""
    errors = sys.modules.get("tintbox.errors")
    return isinstance(error, (RefusalError, getattr(errors, "TintboxError", RefusalError)))


def check_run(runner: Any) -> None:
    """Refuse a run that requests an incomplete capability (callback of trainers, validators, predictors, exporters)."""
    check(vars(runner.args))


def check_exported(model: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments of ours for training an exported model, which Ultralytics answers with a traceback.

    Raises:
        TintboxError: In one line, naming the argument.
    """
    for _, argument in find_requested(arguments):
        raise refusal(f"{argument}: model={model} cannot be trained; give the checkpoint (.pt) it was exported from")


def check_callbacks(callbacks: Mapping[str, list[Any]], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments of ours for a model that has lost tintbox's callbacks.

    ``reset_callbacks`` and ``clear_callback`` remove them along with all others.

    Raises:
        TintboxError: In one line, naming the argument.
    """
    if check_run not in callbacks.get("on_pretrain_routine_end", ()):
        for capability, argument in find_requested(arguments):
            raise refusal(
                f"{argument} asks for {capability.title}, but this model's callbacks were cleared, tintbox's among "
                "them; load the model anew, e.g. YOLO('yolo11n.pt')"
            )
