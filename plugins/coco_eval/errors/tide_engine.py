"""What the error analysis asks of the COCO engine: which detection found which object, and how shapes overlap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hotcoco import mask

from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.ranks import ranks, sorted_ids
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.engine import Evaluator
from tintbox.plugins.coco_eval.matches import Partners
from tintbox.plugins.coco_eval.metrics import AREAS

IOU_TYPES = ("bbox", "segm")
ALL = AREAS["all"]
Overlap = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Columns:
    """Truth and detections as numbers: pictures and classes by their rank among the sorted ids.

    Attributes:
        class_ids: ``(C,)`` sorted category ids.
        truth_image, truth_class: ``(M,)`` ranks of the picture and the class.
        truth_ignored: ``(M,)`` bool: crowd regions, and areas outside COCO's range "all".
        image, label: ``(N,)`` ranks of a detection's picture and class.
        score: ``(N,)``.
    """

    class_ids: np.ndarray
    truth_image: np.ndarray
    truth_class: np.ndarray
    truth_ignored: np.ndarray
    image: np.ndarray
    label: np.ndarray
    score: np.ndarray

    @classmethod
    def of(cls, truth: Truth, detections: Detections) -> Columns:
        """Read both.

        Raises:
            TintboxError: Something is of a picture or class that the truth doesn't list.
        """
        images = sorted_ids(image["id"] for image in truth.images)
        classes = sorted_ids(category["id"] for category in truth.categories)
        rows = truth.annotations
        area = np.array([row["area"] for row in rows], float)
        crowd = np.array([bool(row.get("iscrowd", 0)) for row in rows], bool)
        return cls(
            class_ids=classes,
            truth_image=ranks(images, (row["image_id"] for row in rows), "annotations: image_id"),
            truth_class=ranks(classes, (row["category_id"] for row in rows), "annotations: category_id"),
            truth_ignored=crowd | (area < ALL[0]) | (area > ALL[1]),
            image=ranks(images, detections.image_id, "detections: image_id"),
            label=ranks(classes, detections.category_id, "detections: category_id"),
            score=np.asarray(detections.score, float),
        )


def find_partners(truth: Truth, detections: Detections, iou_type: str, threshold: float, max_det: int) -> Partners:
    """Return what each detection found at one IoU threshold over all areas.

    Args:
        truth: The ground truth.
        detections: What was detected in it.
        iou_type: "bbox" or "segm".
        threshold: Least IoU of a match.
        max_det: Most detections that count per picture and class: those with the highest scores.
    """
    if not len(detections):
        return Partners.join([], 0)
    evaluator = Evaluator(
        truth, detections, iou_type, thresholds=[threshold], areas={"all": ALL}, max_detections=[max_det]
    )
    return evaluator.partners()


def overlaps(truth: Truth, detections: Detections, iou_type: str) -> Overlap:
    """Return the function that gives the IoU of detections with objects: two arrays of rows -> ``(D, G)`` matrix.

    The objects are taken for none of a crowd.
    """
    if iou_type == "bbox":
        boxes = np.asarray(detections.bbox, float).reshape(-1, 4)
        objects = np.array([row["bbox"] for row in truth.annotations], float).reshape(-1, 4)
        return lambda d, g: mask.iou(boxes[d], objects[g], [False] * len(g))
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth.images}
    shapes = [_run_lengths(row["segmentation"], *sizes[row["image_id"]]) for row in truth.annotations]
    masks = detections.segmentation or []  # `explain` has checked that there are some if there are detections
    return lambda d, g: mask.iou([masks[i] for i in d], [shapes[i] for i in g], [False] * len(g))


def _run_lengths(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    """Return polygons or run lengths of any of COCO's forms as compressed run lengths."""
    if isinstance(segmentation, list):
        return mask.merge(mask.frPyObjects(segmentation, height, width))
    if isinstance(segmentation["counts"], list):
        return mask.frPyObjects(segmentation, height, width)
    return segmentation
