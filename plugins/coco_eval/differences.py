"""What two models on the same images differ in: is one better, or is it chance?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import bootstrap
from tintbox.plugins.coco_eval.estimates import Estimates
from tintbox.plugins.coco_eval.metrics import column, overall

ROUNDING = 1e-9  # a smaller difference is the sums' rounding, not the models'


@dataclass(frozen=True, eq=False, repr=False)
class Differences:
    """The paired bootstrap of two evaluations: both see the same resamples of the images.

    Images that are hard are hard for both, so the difference is far surer than two separate intervals suggest.

    Attributes:
        first: The evaluation that the other is compared with.
        second: The other; differences are second - first.
        names: What to call the two.
    """

    first: Estimates
    second: Estimates
    names: tuple[str, str] = ("first", "second")

    def __post_init__(self) -> None:
        one, two = self.first, self.second
        for what in ("iou_type", "names", "images", "truths"):
            if getattr(one, what) != getattr(two, what):
                raise TintboxError(f"the two evaluations differ in {what}: {getattr(one, what)}, {getattr(two, what)}")
        for what in ("resamples", "seed", "level"):
            pair = [getattr(estimates.settings, what) for estimates in (one, two)]
            if pair[0] != pair[1]:
                raise TintboxError(
                    f"the two evaluations differ in settings: {what}={pair[0]} and {pair[1]}; use the same"
                )
        if one.fingerprint != two.fingerprint:
            raise TintboxError("the two evaluations are of different images or objects; evaluate both on the same")

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
        """Return one difference, e.g. ``differences["AP"]``; NaN for "n/a"."""
        return float(self.values[column(key)])


def is_sure(bounds: np.ndarray) -> np.ndarray:
    """Return whether intervals ``(..., 2)`` leave out zero: the differences are distinguishable from it."""
    return (bounds[..., 0] > ROUNDING) | (bounds[..., 1] < -ROUNDING)
