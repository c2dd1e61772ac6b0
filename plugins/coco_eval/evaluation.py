"""One model's evaluation: the numbers, how sure they are, and what the errors cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tintbox.errors import TintboxError
from tintbox.limits import COCO_WEIGHTS
from tintbox.plugins.coco_eval import bootstrap
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.outlines import check_masks
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.engine import Evaluator
from tintbox.plugins.coco_eval.errors import tide
from tintbox.plugins.coco_eval.metrics import METRICS, Curves, column, overall, per_class
from tintbox.plugins.coco_eval.settings import Settings

DEFAULT = Settings()
TITLES = {"bbox": "boxes", "segm": "masks"}


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
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
    """

    iou_type: str
    names: list[str]
    truths: list[int]
    images: int
    curves: Curves
    classes: np.ndarray
    samples: np.ndarray
    errors: tide.Explanation | None
    settings: Settings

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

    def _repr_html_(self) -> str:
        """Return the tables, as a notebook shows them."""
        from tintbox.plugins.coco_eval.tables import html  # which shows what this module makes

        return html({self.iou_type: self})

    def __getitem__(self, key: str) -> float:
        """Return one of the twelve numbers, e.g. ``evaluation["AP50"]``; NaN for "n/a"."""
        return float(self.values[column(key)])


def evaluate(
    truth: Truth,
    detections: Detections,
    iou_type: str = "bbox",
    settings: Settings = DEFAULT,
) -> Evaluation:
    """Evaluate detections by COCO's definition, with bootstrap intervals and the errors explained.

    Args:
        truth: The ground truth of a split.
        detections: Detections of its images.
        iou_type: ``"bbox"``, or ``"segm"`` for masks.
        settings: Resamples, seed and so on; equal ones make two models' samples pairs.

    Raises:
        TintboxError: Masks are asked for where there are none, there is nothing to evaluate, or the resamples are too
            many for so many images.
    """
    if iou_type == "segm" and detections.segmentation is None and len(detections):
        raise TintboxError("iou_type=segm: the predictions have no masks; use iou_type=bbox")
    if iou_type == "segm" and not all("segmentation" in truth_ for truth_ in truth.annotations):
        raise TintboxError("iou_type=segm: the ground truth has boxes without masks; use iou_type=bbox")
    if not truth.images or not truth.categories:
        raise TintboxError("the ground truth has no images or no categories: there is nothing to evaluate")
    if iou_type == "segm":
        check_masks(truth)
    if len(truth.images) * settings.resamples > COCO_WEIGHTS:
        raise TintboxError(
            f"resamples={settings.resamples}: too many for {len(truth.images):,} images; give up to "
            f"{COCO_WEIGHTS // len(truth.images)}, 0 for no intervals"
        )
    evaluator = Evaluator(truth, detections, iou_type)
    categories = sorted(truth.categories, key=lambda category: category["id"])
    counts = Counter(a["category_id"] for a in truth.annotations if not a.get("iscrowd"))
    images, resamples = len(truth.images), settings.resamples
    curves = evaluator.curves()
    samples = np.empty((0, len(categories), len(METRICS)))
    if resamples:
        samples = bootstrap.reweighted(evaluator.matches(), bootstrap.draw(images, resamples, settings.seed))
    return Evaluation(
        iou_type=iou_type,
        names=[category["name"] for category in categories],
        truths=[counts[category["id"]] for category in categories],
        images=images,
        curves=curves,
        classes=per_class(curves),
        samples=samples,
        errors=tide.explain(truth, detections, iou_type) if settings.explain else None,
        settings=settings,
    )
