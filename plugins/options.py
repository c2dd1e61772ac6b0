"""The training arguments that tintbox adds: one table for the command line, `cfg=` files, Python calls and the docs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, nearest

Check = Callable[[Any], str | None]  # what is wrong with a value, or None


@dataclass(frozen=True)
class Option:
    """One training argument: its name, default, accepted values in words, check and meaning."""

    name: str
    default: Any
    values: str
    check: Check
    help: str


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def palette(value: Any) -> str | None:
    """Check a palette: None, a name or path, or a number of colours."""
    if isinstance(value, int) and not isinstance(value, bool):
        return None if 2 <= value <= 65536 else "a palette has 2 to 65536 colours"
    if not isinstance(value, (str, Path)):
        return "give a name, a path to a YAML file, or a number of colours"
    if str(value).strip().lower().lstrip("-").replace(".", "", 1).isdigit():
        return "the number of colours is a whole number"
    return None


def number(low: float, high: float, what: str) -> Check:
    """Return the check of a finite number in [low, high]."""

    def check(value: Any) -> str | None:
        return None if _is_number(value) and low <= value <= high else f"give {what}"

    return check


def choice(*values: str) -> Check:
    """Return the check of one word among ``values``."""

    def check(value: Any) -> str | None:
        return None if value in values else f"give one of {', '.join(values)}{nearest(value, values)}"

    return check


OPTIONS = (
    Option(
        "palette", None, "name | path | int K", palette,
        "colorize: the palette; K colours are fitted to the training images (None: the dataset's, then the model's)",
    ),
    Option(
        "input_scale", 255.0, "float > 0", number(1.0, 65535.0, "a number from 1 to 65535, e.g. 255"),
        "colorize: 8-bit pixel values are divided by this",
    ),
    Option(
        "crop", 0.0, "0..0.5", number(0.0, 0.5, "a fraction of the side from 0 to 0.5"),
        "colorize: augmentation, a random shift of up to this share of the side, filled by reflection",
    ),
    Option(
        "shuffle", "epoch", "epoch | once", choice("epoch", "once"),
        "colorize: draw a new order of the training images for each epoch, or one order for the whole run",
    ),
    Option(
        "ema_epochs", None, "float >= 0", number(0.0, 1e6, "a number of epochs of 0 or more"),
        "colorize: epochs over which the validated and saved weights are averaged (None: Ultralytics' own schedule)",
    ),
    Option(
        "select", "best", "best | last", choice("best", "last"),
        "colorize: the epoch whose weights best.pt holds: the one of the highest accuracy, or the last one",
    ),
)  # fmt: skip


def check(arguments: Mapping[str, Any]) -> None:
    """Check tintbox's arguments among ``arguments``; None stands for the default and is always accepted.

    Raises:
        TintboxError: Naming the first argument with a bad value, the value and what is accepted.
    """
    for option in OPTIONS:
        value = arguments.get(option.name)
        if value is not None and (wrong := option.check(value)):
            raise TintboxError(f"{option.name}={value}: {wrong}")
