"""Two models on the same images: is one better, or is it chance?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import bootstrap
from tintbox.plugins.coco_eval.evaluation import Evaluation
from tintbox.plugins.coco_eval.metrics import column, overall

ROUNDING = 1e-9  # a smaller difference is the sums' rounding, not the models'


@dataclass(frozen=True)
class Comparison:
    """The paired bootstrap of two evaluations: both see the same resamples of the images.

    Images that are hard are hard for both, so the difference is far surer than two separate intervals suggest.

    Attributes:
        first: The evaluation that the other is compared with.
        second: The other; differences are second - first.
    """

    first: Evaluation
    second: Evaluation

    def __post_init__(self) -> None:
        one, two = self.first, self.second
        for what in ("iou_type", "names", "images", "truths", "settings"):
            if getattr(one, what) != getattr(two, what):
                raise TintboxError(f"the two evaluations differ in {what}: {getattr(one, what)}, {getattr(two, what)}")

    @cached_property
    def values(self) -> np.ndarray:
        """The differences of the twelve numbers, ``(12,)``."""
        return self.second.values - self.first.values

    @cached_property
    def intervals(self) -> np.ndarray:
        """Low and high of the differences, ``(12, 2)``."""
        samples = overall(self.second.samples) - overall(self.first.samples)
        return bootstrap.interval(samples, self.values, self.first.settings.level)

    @cached_property
    def classes(self) -> np.ndarray:
        """The differences of every class, ``(K, 12)``."""
        return self.second.classes - self.first.classes

    @cached_property
    def class_intervals(self) -> np.ndarray:
        """Low and high of the differences of every class, ``(K, 12, 2)``."""
        return bootstrap.interval(self.second.samples - self.first.samples, self.classes, self.first.settings.level)

    def __getitem__(self, key: str) -> float:
        """Return one difference, e.g. ``comparison["AP"]``; NaN for "n/a"."""
        return float(self.values[column(key)])


def is_sure(bounds: np.ndarray) -> np.ndarray:
    """Return whether intervals ``(..., 2)`` leave out zero: the differences are distinguishable from it."""
    return (bounds[..., 0] > ROUNDING) | (bounds[..., 1] < -ROUNDING)
