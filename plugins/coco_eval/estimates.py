"""COCO's numbers of one set of detections, and how sure they are: what tables, pictures and files show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tintbox.plugins.coco_eval import bootstrap
from tintbox.plugins.coco_eval.errors.tide import Explanation
from tintbox.plugins.coco_eval.metrics import Curves, column, overall
from tintbox.plugins.coco_eval.settings import Settings

TITLES = {"bbox": "boxes", "segm": "masks"}


@dataclass(frozen=True, eq=False, repr=False)
class Estimates:
    """COCO's numbers of one set of detections; K classes, 12 metrics in the order of ``METRICS``, R resamples.

    Attributes:
        iou_type: ``"bbox"`` or ``"segm"``.
        names: Class names by rising category id.
        truths: Number of truths of every class, crowd regions left out.
        images: Number of images.
        curves: Precision and recall by threshold.
        classes: ``(K, 12)`` the numbers of every class, NaN for "n/a".
        samples: ``(R, K, 12)`` the same in every resample of the images.
        errors: What is lost from a perfect AP50, by kind of error; None if that was not asked for.
        settings: How it was evaluated.
        fingerprint: The same for the same truth.
    """

    iou_type: str
    names: list[str]
    truths: list[int]
    images: int
    curves: Curves
    classes: np.ndarray
    samples: np.ndarray
    errors: Explanation | None
    settings: Settings
    fingerprint: str

    @cached_property
    def values(self) -> np.ndarray:
        """The twelve numbers of all classes together, ``(12,)``."""
        return overall(self.classes)

    @cached_property
    def intervals(self) -> np.ndarray:
        """Low and high of the twelve numbers, ``(12, 2)``."""
        return bootstrap.interval(overall(self.samples), self.values, self.settings.level).clip(0, 1)

    @cached_property
    def class_intervals(self) -> np.ndarray:
        """Low and high of every class's numbers, ``(K, 12, 2)``."""
        return bootstrap.interval(self.samples, self.classes, self.settings.level).clip(0, 1)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{key}={self[key]:.3f}" for key in ("AP", "AP50", "AP75", "AR100"))
        return f"<{TITLES[self.iou_type]} of {self.images:,} images: {numbers}>"

    def __getitem__(self, key: str) -> float:
        """Return one of the twelve numbers, e.g. ``estimates["AP50"]``; NaN for "n/a"."""
        return float(self.values[column(key)])
