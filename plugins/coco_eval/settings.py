"""The settings of an evaluation: ``coco_eval=True``, or ``coco_eval={resamples: 2000, seed: 1}``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tintbox.checks import is_number, is_whole
from tintbox.errors import suggest


@dataclass(frozen=True)
class Settings:
    """The settings of an evaluation.

    Attributes:
        resamples: Number of bootstrap resamples of the images for the intervals; 0 for no intervals.
        seed: Random seed of the resamples.
        level: Confidence level of the intervals, between 0 and 1.
        examples: Number of images with the worst errors to draw.
        explain: Whether to compute the cost of each kind of error.
        report: Whether to print tables and save files.
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95
    examples: int = 0
    explain: bool = True
    report: bool = True


# Smallest and largest sensible values; 10,000 resamples of 5,000 images take 4 bytes * 5,000 * 10,000.
LIMITS = {"resamples": (0, 10_000), "seed": (0, 2**32 - 1), "examples": (0, 10_000)}
DEFAULTS = {field.name: field.default for field in fields(Settings)}


def check(value: Any) -> str | None:
    """Return what is wrong with a value of ``coco_eval``, or None."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, Mapping):
        return f"give true, false or a mapping of {', '.join(DEFAULTS)}"
    if wrong := check_each(value):
        return wrong
    chosen = settings(value)
    if 0 < chosen.resamples < (least := least_resamples(chosen.level)):
        return f"level={chosen.level} needs {least} resamples or more, not {chosen.resamples}; 0 is for no intervals"
    return None


def check_each(value: Mapping[str, Any]) -> str | None:
    """Return what is wrong with one of several settings, or None; earlier versions also allowed few resamples."""
    return next((wrong for key, setting in value.items() if (wrong := _check_one(key, setting))), None)


def _check_one(key: Any, value: Any) -> str | None:
    """Return what is wrong with one setting, or None."""
    if key not in DEFAULTS:
        return f"'{key}' is no setting ({', '.join(DEFAULTS)}){suggest(str(key), DEFAULTS)}"
    if isinstance(DEFAULTS[key], bool):
        return None if isinstance(value, bool) else f"{key}={value}: give true or false"
    if key == "level":
        inside = is_number(value) and 0 < value < 1
        return None if inside else f"{key}={value}: give a number between 0 and 1, e.g. 0.95"
    low, high = LIMITS[key]
    return None if is_whole(value, low, high) else f"{key}={value}: give a whole number from {low} to {high}"


def least_resamples(level: float) -> int:
    """Return how many resamples an interval needs, one for each tail."""
    return math.ceil(round(2 / (1 - level), 6))  # rounded, because 1 - 0.8 is a little less than 0.2


def settings(value: Any) -> Settings:
    """Convert a checked value of ``coco_eval`` to settings."""
    return Settings(**value) if isinstance(value, Mapping) else Settings()
