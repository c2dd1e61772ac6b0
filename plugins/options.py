"""The training arguments that tintbox adds: one table for the command line, `cfg=` files, Python calls and the docs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tintbox import yaml_file
from tintbox.checks import as_python, is_number
from tintbox.colorization import palette_name
from tintbox.errors import TintboxError, suggest
from tintbox.plugins.coco_eval import settings as coco_settings
from tintbox.plugins.extend import forks
from tintbox.plugins.freeze import selectors
from tintbox.plugins.loss import weights as class_weights

AMP_AUTO = "auto"  # tintbox's value of Ultralytics' `amp`
Check = Callable[[Any], str | None]  # returns what is wrong with a value, or None

SLICE = re.compile(r"(?<![\w'\"-])-?[A-Za-z]\w*\[[-\d:]*\]")  # a selector such as backbone[:5], without quotes
CLASSIFYING = ("detect", "segment", "pose", "obb")  # tasks whose loss has a classification BCE


@dataclass(frozen=True)
class Option:
    """One training argument: its name, default, accepted values as text, check and meaning."""

    name: str
    default: Any
    values: str
    check: Check
    help: str
    topic: str  # the topic in `tintbox options TOPIC`
    tasks: tuple[str, ...] = ()  # tasks in which it has an effect; empty for all
    modes: tuple[str, ...] = ("train",)  # modes of the `yolo` command in which it has an effect
    takes: Callable[[Any], bool] | None = None  # for Ultralytics' own arguments: whether a value is tintbox's
    structured: bool = False  # whether a list or mapping typed on the command line is parsed as YAML

    @property
    def own(self) -> bool:
        """Whether Ultralytics has no argument of this name."""
        return self.takes is None

    def is_set(self, arguments: Mapping[str, Any]) -> bool:
        """Return whether arguments set it to a non-default value and, for Ultralytics' own, to one of tintbox's."""
        value = arguments.get(self.name)
        return value is not None and value != self.default and (self.takes is None or self.takes(value))

    def counts(self, task: str, mode: str) -> bool:
        """Return whether it has an effect in a task's mode."""
        return mode in self.modes and (not self.tasks or task in self.tasks)


def number(low: float, high: float, example: float) -> Check:
    """Return a check for a finite number in [low, high], with an example for its message."""
    wrong = f"give a number from {low:,.6g} to {high:,.7g}, e.g. {example}"
    return lambda value: None if is_number(value, low, high) else wrong


def flag(value: Any) -> str | None:
    """Check a bool."""
    return None if isinstance(value, bool) else "give true or false"


def choice(*values: str) -> Check:
    """Return a check for one word among ``values``."""
    return lambda value: None if value in values else f"give one of {', '.join(values)}{suggest(value, values)}"


def check_amp(value: Any) -> str | None:
    """Check a value of ``amp``: a bool, or a case-insensitive word, as Ultralytics reads it."""
    words = choice(AMP_AUTO, "bf16", "fp16", "fp32", "true", "false")
    return None if isinstance(value, bool) else words(str(value).lower())


# The options of a topic, by what they share.
of_freeze = partial(Option, topic="freeze")
of_extend = partial(Option, topic="extend", tasks=("detect",))
of_colorize = partial(Option, topic="colorize", tasks=("colorize",))
of_loss = partial(Option, topic="loss", tasks=CLASSIFYING)
of_anchor = partial(Option, topic="anchor", tasks=("detect",))

OPTIONS = (
    of_freeze(
        "freeze", None, "int | list of int | selector | list of selectors", selectors.check_freeze,
        "what stays frozen: layers as in Ultralytics, or selectors, e.g. backbone or [backbone, -9]",
        structured=True, takes=selectors.is_policy,
    ),
    of_freeze(
        "unfreeze", None, "{epoch: selectors}", selectors.check_unfreeze,
        "what to unfreeze and at which epoch, e.g. {5: neck, 10: all}; epochs can be fractions of the run",
        structured=True,
    ),
    of_freeze(
        "freeze_bn", "auto", "auto | true | false", selectors.check_freeze_bn,
        "BatchNorm statistics: auto freezes those of frozen layers, true freezes all, false none",
    ),
    of_freeze(
        "lr_scale", None, "{selector: factor} | float", selectors.check_lr_scale,
        "learning-rate factors, e.g. {backbone: 0.1}; one float d means layer-wise decay d^(distance from the head)",
        structured=True,
    ),
    Option(
        "polish", False, "true | false", flag,
        "at the end, replace best.pt by its best variant on the validation images: weights averaged, BatchNorm renewed",
        topic="polish", tasks=CLASSIFYING,
    ),
    of_extend(
        "extend", False, "true | head | slim | neck | backbone[5:]", forks.check,
        "add new classes and leave the old ones unchanged; the value says where the new branch starts",
    ),
    of_extend(
        "reconcile", None, "true | false", flag,
        "extended models: a more confident box of a newer class replaces an older class's (None: the checkpoint's)",
        modes=("train", "val", "predict", "track"),
    ),
    Option(
        "amp", True, "auto, or any of Ultralytics' own values", check_amp,
        "auto: bfloat16 if the CPU or GPU supports it natively; on a CPU, also channels last and all cores",
        topic="speed", takes=lambda value: value == AMP_AUTO,
    ),
    of_colorize(
        "palette", None, "name | path | int K", palette_name.check,
        "the palette; a number K fits K colours to the training images (None: the dataset's, else the model's)",
    ),
    of_colorize(
        "rebalance", None, "0..1", number(0.0, 1.0, 0.5),
        "how the loss weights colours: 1 all equally, 0 by inverse frequency (None: the palette's)",
        modes=("train", "val"),
    ),
    of_colorize(
        "temperature", None, "0..100", number(0.0, 100.0, 0.38),
        "temperature of the annealed mean: 0 predicts the most likely colour, 1 the mean (None: the palette's)",
        modes=("train", "val", "predict"),
    ),
    of_colorize(
        "channel_drop", 0.0, "0..1", number(0.0, 1.0, 0.5),
        "models with 3 input channels: probability of using one colour channel as input instead of grey",
    ),
    of_colorize(
        "input_scale", None, "1..65535", number(1.0, 65535.0, 255),
        "8-bit pixel values are divided by this (None: the palette's, 255 unless its file says otherwise)",
    ),
    of_colorize(
        "crop", 0.0, "0..0.5", number(0.0, 0.5, 0.1),
        "augmentation: a random shift by up to this fraction of the side, filled by reflection",
    ),
    of_colorize(
        "shuffle", "epoch", "epoch | once", choice("epoch", "once"),
        "shuffle the training images anew for each epoch, or once for the whole run",
    ),
    of_colorize(
        "ema_epochs", None, "0..1e6", number(0.0, 1e6, 2),
        "epochs over which the validated and saved weights are averaged (the recipes use 2; None: as Ultralytics)",
    ),
    of_colorize(
        "select", "best", "best | last", choice("best", "last"),
        "the epoch whose weights go into best.pt: the most accurate, or the last",
    ),
    of_loss(
        "cls_pos_weight", None, "float | list per class | {class: float} | balanced", class_weights.check_pos_weight,
        "positive weights of the classification BCE",
        structured=True,
    ),
    of_loss(
        "cls_smoothing", None, "0..1", class_weights.check_smoothing,
        "label smoothing e of the classification BCE: targets t -> t(1-e) + e/2",
    ),
    of_loss(
        "cls_focal", None, "gamma >= 0 | {gamma: 1.5, alpha: 0.25}", class_weights.check_focal,
        "focal modulation of the classification BCE",
        structured=True,
    ),
    Option(
        "coco_eval", False, "true | false | {resamples: 1000, ...}", coco_settings.check,
        "COCO evaluation with confidence intervals, in `yolo val` and at the end of `yolo train`",
        topic="coco", tasks=("detect", "segment"), modes=("train", "val"), structured=True,
    ),
    of_anchor(
        "obj", 1.0, "0..1e6", number(0.0, 1e6, 1),
        "anchor models: gain of the objectness loss",
    ),
    of_anchor(
        "obj_pos_weight", 1.0, "1e-6..1e6", number(1e-6, 1e6, 2),
        "anchor models: positive weight of the objectness BCE",
    ),
    of_anchor(
        "anchor_t", 4.0, "1.0001..1e6", number(1.0001, 1e6, 4),
        "anchor models: maximum ratio of a box's width or height to its anchor's, or the reverse",
    ),
    of_anchor(
        "autoanchor", False, "true | false", flag,
        "anchor models: compute anchors from the training boxes with k-means",
    ),
)  # fmt: skip


def convert_numpy(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with Python's own values in place of NumPy's for those of the table; the others are left."""
    return {**arguments, **{o.name: as_python(arguments[o.name]) for o in OPTIONS if o.name in arguments}}


def check(arguments: MutableMapping[str, Any]) -> None:
    """Check tintbox's arguments among ``arguments``, and convert values to the form in which they are used in place.

    None means the default and is replaced by it. Text becomes what it is on the command line, and a tuple a list:
    Ultralytics would freeze nothing.

    Raises:
        TintboxError: Naming the first argument with an invalid value, the value and what is accepted.
    """
    arguments.update(convert_numpy(arguments))
    for option in OPTIONS:
        value = arguments.get(option.name)
        if value is None:
            if option.own and option.name in arguments:
                arguments[option.name] = option.default
            continue
        if isinstance(value, tuple):
            value = arguments[option.name] = list(value)
        if option.own and str(value).lower() in ("true", "false"):
            value = arguments[option.name] = str(value).lower() == "true"
        if option.structured and isinstance(value, str):
            value = arguments[option.name] = parse(value)
        if wrong := option.check(value):
            raise TintboxError(f"{option.name}={value}: {wrong}")


def pick_own(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return tintbox's own arguments that differ from their defaults, and `amp` if its value is tintbox's."""
    own = {o.name: arguments[o.name] for o in OPTIONS if arguments.get(o.name, o.default) != o.default and o.own}
    return {**own, "amp": AMP_AUTO} if arguments.get("amp") == AMP_AUTO else own


def own_defaults() -> dict[str, Any]:
    """Return the defaults of tintbox's own arguments."""
    return {option.name: option.default for option in OPTIONS if option.own}


def drop_own(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``arguments`` in the form that a stock Ultralytics accepts: without those that it does not know."""
    ours = own_defaults()
    kept = {name: value for name, value in arguments.items() if name not in ours}
    return {**kept, "amp": True} if kept.get("amp") == AMP_AUTO else kept


def parse(text: str) -> Any:
    """Parse text like ``[backbone, -9]`` or ``{5: neck}`` into a list or mapping; return any other text unchanged.

    A selector such as ``backbone[:5]`` needs no quotes, which YAML would want there and the shell would take away.
    """
    if text.strip()[:1] not in ("[", "{"):
        return text
    for form in (text, SLICE.sub(r'"\g<0>"', text)):
        with contextlib.suppress(TintboxError):
            return yaml_file.parse(form, "argument")
    return text
