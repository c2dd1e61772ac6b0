"""The evaluation of one model: the numbers, their intervals, and the cost of each kind of error."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tintbox.errors import TintboxError, counted
from tintbox.limits import COCO_WEIGHTS
from tintbox.plugins.coco_eval import bootstrap, output, pictures, tables
from tintbox.plugins.coco_eval.accumulation import accumulate
from tintbox.plugins.coco_eval.columns import Columns, sorted_ids
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.outlines import check_masks
from tintbox.plugins.coco_eval.data.truth import GROUP, Truth
from tintbox.plugins.coco_eval.errors import tide
from tintbox.plugins.coco_eval.matcher import Group, match
from tintbox.plugins.coco_eval.metrics import METRICS, TITLES, Curves, Numbers, frozen, overall, per_class
from tintbox.plugins.coco_eval.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT = Settings()


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Numbers):
    """COCO's numbers for one set of detections; K classes, 12 metrics in the order of ``METRICS``, R resamples.

    Attributes:
        iou_type: ``"bbox"`` or ``"segm"``.
        names: Class names in order of category id.
        truths: Number of truths of every class, without crowd regions.
        images: Number of images.
        curves: Precision and recall by threshold.
        classes: ``(K, 12)`` the numbers of every class, NaN for "n/a".
        samples: ``(R, K, 12)`` the same in every resample of the images.
        support: ``(K + 1, 12)`` how many independent images have an object of each class, and last of any class.
        errors: The loss from a perfect AP50, by kind of error; None if it was not requested.
        settings: The settings used.
        fingerprint: A hash of the truth; equal for equal truth.
        matched: The matches by class and size range, of which `Comparison` makes mixtures of two models.
        groups: ``(images,)`` the group number of each image, or None if images are independent.
    """

    iou_type: str
    names: list[str]
    truths: list[int]
    images: int
    curves: Curves
    classes: np.ndarray
    samples: np.ndarray
    support: np.ndarray
    errors: tide.Explanation | None
    settings: Settings
    fingerprint: str
    matched: list[list[Group]]
    groups: np.ndarray | None

    def __post_init__(self) -> None:
        for array in (self.classes, self.samples, self.support):
            frozen(array)

    @cached_property
    def values(self) -> np.ndarray:
        """The twelve numbers of all classes together, ``(12,)``."""
        return frozen(overall(self.classes))

    @cached_property
    def intervals(self) -> np.ndarray:
        """Lower and upper bounds of the twelve numbers, ``(12, 2)``."""
        bounds = bootstrap.interval(overall(self.samples), self.values, self.settings.level, self.support[-1])
        return frozen(bounds.clip(0, 1))

    @cached_property
    def class_intervals(self) -> np.ndarray:
        """Lower and upper bounds of every class's numbers, ``(K, 12, 2)``."""
        bounds = bootstrap.interval(self.samples, self.classes, self.settings.level, self.support[:-1])
        return frozen(bounds.clip(0, 1))

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``coco.json`` as plain data: dicts, lists, strings, numbers, and None for "n/a".

        ``metrics`` has the twelve numbers with their intervals, ``classes`` those of every class, ``errors`` the cost
        of each kind of error (None if it was not requested), and ``precision_recall`` the curves; with more than 500
        classes, these are at IoU 0.5 alone.
        """
        return output.as_dict(self)

    def plot(self, file: str | Path | None = None, what: str = "precision_recall") -> Figure:
        """Return a plot as a matplotlib Figure, and save it if a file is given.

        Args:
            file: Where to save it; the suffix selects the format, by default PNG.
            what: ``"precision_recall"``, ``"classes"`` (AP by class), ``"sizes"`` (AP by object size), or ``"errors"``
                if these were explained.

        Raises:
            TintboxError: There is no such plot, or the file cannot be written.
        """
        return pictures.plot(self, file, what)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{key}={self[key]:.3f}" for key in ("AP", "AP50", "AP75", "AR100"))
        return f"<{TITLES[self.iou_type]} of {self.images:,} images: {numbers}>"

    def _repr_html_(self) -> str:
        """Return the tables that a notebook shows."""
        return tables.html({self.iou_type: self})


def evaluate(truth: Truth, detections: Detections, iou_type: str = "bbox", settings: Settings = DEFAULT) -> Evaluation:
    """Evaluate boxes, or masks with ``"segm"``, by COCO's definition, with bootstrap intervals and an error analysis.

    With equal settings, the samples of two models are paired.

    Raises:
        TintboxError: Masks are requested but missing, there is nothing to evaluate, there are too many resamples for
            this number of images, or only some of these have a group.
    """
    if iou_type == "segm" and detections.segmentation is None and len(detections):
        raise TintboxError("iou_type=segm: the predictions have no masks; use iou_type=bbox")
    if iou_type == "segm" and without_masks(truth):
        raise TintboxError("iou_type=segm: the ground truth has boxes without masks; use iou_type=bbox")
    if not truth.images or not truth.categories:
        raise TintboxError("the ground truth has no images or no categories: there is nothing to evaluate")
    if iou_type == "segm":
        check_masks(truth)
    numbers = max(len(truth.images), len(METRICS) * len(truth.categories))  # of each resample
    if numbers * settings.resamples > COCO_WEIGHTS:
        raise TintboxError(
            f"resamples={settings.resamples}: too many for {counted(len(truth.images), 'image')} (classes: "
            f"{len(truth.categories):,}); give up to {COCO_WEIGHTS // numbers}, 0 for no intervals"
        )
    groups = group_numbers(truth)
    columns = Columns.of(truth, detections, iou_type)
    matched, partners = match(columns)
    curves = accumulate(matched)
    names = [category["name"] for category in sorted(truth.categories, key=lambda category: category["id"])]
    samples = np.empty((0, len(names), len(METRICS)))
    if settings.resamples:
        drawn = bootstrap.draw(columns.images, settings.resamples, settings.seed, groups)
        samples = bootstrap.reweight(matched, drawn)
    return Evaluation(
        iou_type=iou_type,
        names=names,
        truths=np.bincount(columns.truth_class[~columns.crowd], minlength=len(names)).tolist(),
        images=columns.images,
        curves=curves,
        classes=per_class(curves),
        samples=samples,
        support=bootstrap.count_support(matched, groups),
        errors=tide.explain(columns, partners, names) if settings.explain else None,
        settings=settings,
        fingerprint=fingerprint(truth, masks=iou_type == "segm"),
        matched=matched,
        groups=groups,
    )


def group_numbers(truth: Truth) -> np.ndarray | None:
    """Return the group number of each image in order of image id, or None if images are not grouped.

    Raises:
        TintboxError: Some images have a group, and some have none.
    """
    groups = {image["id"]: image.get(GROUP) for image in truth.images}
    alone = [image for image, group in groups.items() if group is None]
    if len(alone) == len(groups):
        return None
    if alone:
        has = "has" if len(alone) == 1 else "have"
        raise TintboxError(
            f"the ground truth: {len(alone):,} of {counted(len(groups), 'image')} {has} no {GROUP}, the first with id "
            f"{alone[0]}; give one to all images or to none"
        )
    names = [str(groups[image]) for image in sorted_ids(groups).tolist()]
    return np.unique(names, return_inverse=True)[1]


def fingerprint(truth: Truth, *, masks: bool = False) -> str:
    """Return a hash of the truth's images, objects, with or without masks, and classes, in whatever order they are."""
    rows = truth.annotations
    references = [
        (row["image_id"], row["category_id"], row.get("iscrowd", 0), _hash_mask(row["segmentation"]) if masks else 0)
        for row in rows
    ]
    ids = np.array(references, np.int64).reshape(-1, 4)
    numbers = np.array([(row["area"], *row["bbox"]) for row in rows], np.float64).reshape(-1, 5)
    order = np.lexsort((*numbers.T, *ids.T))
    images, categories = (sorted_ids(row["id"] for row in part) for part in (truth.images, truth.categories))
    digest = hashlib.sha256()
    for content in (images, categories, ids[order], numbers[order]):
        digest.update(content.tobytes())
    if (groups := group_numbers(truth)) is not None:  # resamples drawn with other groups are not paired with these
        digest.update(groups.tobytes())
    return digest.hexdigest()


def _hash_mask(segmentation: Any) -> int:
    """Return a 64-bit hash of polygons or run lengths."""
    listed = isinstance(segmentation, list)
    raw = np.hstack(segmentation).astype(float).tobytes() if listed else str(segmentation["counts"]).encode()
    return int.from_bytes(hashlib.sha256(raw).digest()[:8], "little", signed=True)


def iou_types(truth: Truth, *detections: Detections) -> list[str]:
    """Return ``"bbox"``, plus ``"segm"`` if truth and detections all have masks."""
    return ["bbox", "segm"] if have_masks(*detections) and not without_masks(truth) else ["bbox"]


def have_masks(*detections: Detections) -> bool:
    """Return whether all detections have masks; a file without detections, ``[]``, lacks none beside one with masks."""
    masks = [found.segmentation is not None for found in detections]
    return any(masks) and all(there or not len(found) for there, found in zip(masks, detections))


def without_masks(truth: Truth) -> int:
    """Return the number of objects that have no mask."""
    return sum("segmentation" not in row for row in truth.annotations)


def masks_left_out(truth: Truth, *detections: Detections) -> str:
    """Return a warning if all detections have masks and some objects have none, else an empty text."""
    lacking = without_masks(truth)
    if not lacking or not have_masks(*detections):
        return ""
    count = len(truth.annotations)
    return f"{lacking} of {count} objects in the ground truth have no mask, so boxes alone are evaluated"
