"""The differences between two models on the same images: is one better, or is it chance?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import bootstrap, output, pictures, swapping, tables
from tintbox.plugins.coco_eval.data.rows import shorten
from tintbox.plugins.coco_eval.evaluation import Evaluation
from tintbox.plugins.coco_eval.metrics import Numbers, column, frozen, overall

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Numbers):
    """The differences between two evaluations with intervals, from the same resamples of the images and random swaps.

    Hard images are hard for both, so the difference is far more certain than two separate intervals suggest.

    Attributes:
        first: The baseline evaluation.
        second: The evaluation to compare with it; differences are second - first.
        names: Display names of the two.
    """

    first: Evaluation
    second: Evaluation
    names: tuple[str, str] = ("first", "second")

    def __post_init__(self) -> None:
        one, two = self.first, self.second
        for what in ("iou_type", "names", "images", "truths"):
            pair = [getattr(evaluation, what) for evaluation in (one, two)]
            if pair[0] != pair[1]:
                raise TintboxError(f"the two evaluations differ in {what}: {' and '.join(map(shorten, pair))}")
        for what in ("resamples", "seed", "level"):
            pair = [getattr(evaluation.settings, what) for evaluation in (one, two)]
            if pair[0] != pair[1]:
                raise TintboxError(
                    f"the two evaluations differ in settings: {what}={pair[0]} and {pair[1]}; use the same"
                )
        if one.fingerprint != two.fingerprint:
            raise TintboxError("the two evaluations are of different images or objects; evaluate both on the same")

    @cached_property
    def values(self) -> np.ndarray:
        """The differences of the twelve numbers, ``(12,)``."""
        return frozen(self.second.values - self.first.values)

    @cached_property
    def intervals(self) -> np.ndarray:
        """Lower and upper bounds of the differences, ``(12, 2)``."""
        samples = overall(self.second.samples) - overall(self.first.samples)
        return self._bound(samples, self.values, -1)

    @cached_property
    def classes(self) -> np.ndarray:
        """The differences for every class, ``(K, 12)``."""
        return frozen(self.second.classes - self.first.classes)

    @cached_property
    def class_intervals(self) -> np.ndarray:
        """Lower and upper bounds of the differences for every class, ``(K, 12, 2)``."""
        samples = self.second.samples - self.first.samples
        return self._bound(samples, self.classes, slice(-1))

    def _bound(self, samples: np.ndarray, values: np.ndarray, rows: int | slice) -> np.ndarray:
        """Return the intervals of differences, of all classes, -1, or of each."""
        level, support = self.first.settings.level, self.first.support[rows]
        return frozen(bootstrap.difference_interval(samples, values, level, support, self._p_values[rows]))

    @cached_property
    def _p_values(self) -> np.ndarray:
        """How often random swaps make a difference as large, ``(K + 1, 12)``.

        Half as many swaps as resamples, because the two models of a swap are two that are evaluated.
        """
        one, two, settings = self.first, self.second, self.first.settings
        swapped = swapping.draw(one.images, settings.resamples // 2, settings.seed, one.groups)
        return swapping.p_values(one.matched, two.matched, np.vstack([self.classes, self.values]), swapped)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``compare.json`` as plain data: dicts, lists, strings, numbers, and None for "n/a".

        ``metrics`` has the twelve numbers of both, their differences with intervals, and whether these are
        distinguishable from zero; ``classes`` has the same for every class.
        """
        return output.comparison_dict(self)

    def plot(self, file: str | Path | None = None) -> Figure:
        """Return a plot of the differences as a matplotlib Figure, and save it if a file is given.

        Args:
            file: Where to save it; the suffix selects the format, by default PNG.

        Raises:
            TintboxError: The file cannot be written.
        """
        return pictures.save(pictures.differences(self), file)

    def __repr__(self) -> str:
        numbers = ", ".join(
            f"{key} {tables.number(self[key], '+')} {tables.span(self.intervals[column(key)], '+')}".strip()
            for key in ("AP", "AP50")
        )
        return f"<{self.names[1]} less {self.names[0]}, {self.first.images:,} images: {numbers}>"

    def _repr_html_(self) -> str:
        """Return the tables that a notebook shows."""
        return "".join(table.html() for table in tables.comparison_tables(self))
