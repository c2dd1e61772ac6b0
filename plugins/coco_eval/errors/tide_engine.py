"""What the error analysis asks of the COCO engine: which detection found which object, and how boxes or masks overlap.

hotcoco answers where it is installed, pycocotools otherwise; both give the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pycocotools.mask

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.engine import Evaluator, hotcoco
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
        images = np.unique(np.array([image["id"] for image in truth.images], np.int64))
        classes = np.unique(np.array([category["id"] for category in truth.categories], np.int64))
        rows = truth.annotations
        area = np.array([row["area"] for row in rows], float)
        crowd = np.array([bool(row.get("iscrowd", 0)) for row in rows], bool)
        return cls(
            class_ids=classes,
            truth_image=_ranks(images, [row["image_id"] for row in rows], "annotations: image_id"),
            truth_class=_ranks(classes, [row["category_id"] for row in rows], "annotations: category_id"),
            truth_ignored=crowd | (area < ALL[0]) | (area > ALL[1]),
            image=_ranks(images, detections.image_id, "detections: image_id"),
            label=_ranks(classes, detections.category_id, "detections: category_id"),
            score=np.asarray(detections.score, float),
        )


@dataclass(frozen=True)
class Matches:
    """What COCO's matching at one IoU threshold says of each detection.

    Attributes:
        truth: ``(N,)`` row of the object that it found, or of the crowd region that it lies in, or -1.
        ignored: ``(N,)`` bool: counts neither as right nor as wrong (in a crowd region, or beyond ``max_det``).
    """

    truth: np.ndarray
    ignored: np.ndarray


def match(
    truth: Truth, detections: Detections, columns: Columns, iou_type: str, threshold: float, max_det: int
) -> Matches:
    """Return COCO's matches at one IoU threshold over all areas.

    Pictures, classes and objects get ids of our own, so that those of the data may be any (pycocotools takes a match
    with an object of id 0 for none).

    Args:
        truth: The ground truth.
        detections: What was detected in it.
        columns: Both as numbers.
        iou_type: "bbox" or "segm".
        threshold: Least IoU of a match.
        max_det: Most detections that count per picture and class: those with the highest scores.
    """
    found = np.full(len(detections), -1, np.int64)
    ignored = np.ones(len(detections), bool)  # what the engine doesn't mention is beyond max_det
    if not len(detections):
        return Matches(found, ignored)
    ids: list[int] = []
    partners: list[float] = []
    flags: list[bool] = []
    sizes = {image["id"]: image for image in truth.images}
    images = [{**sizes[key], "id": i} for i, key in enumerate(sorted(sizes), start=1)]
    annotations = [
        {**row, "id": i, "image_id": image + 1, "category_id": label + 1}
        for i, (row, image, label) in enumerate(
            zip(truth.annotations, columns.truth_image.tolist(), columns.truth_class.tolist()), start=1
        )
    ]
    categories = [{"id": i, "name": str(i)} for i in range(1, len(columns.class_ids) + 1)]
    renumbered = replace(detections, image_id=columns.image + 1, category_id=columns.label + 1)
    evaluator = Evaluator(
        Truth(images, annotations, categories),
        renumbered,
        iou_type,
        thresholds=[threshold],
        areas={"all": ALL},
        max_detections=[max_det],
    )
    for entries in evaluator.entries():
        for entry in entries:
            ids.extend(entry["dtIds"])
            partners.extend(entry["dtMatches"][0])
            flags.extend(entry["dtIgnore"][0])
    rows = np.array(ids, np.int64) - 1
    found[rows] = np.array(partners, np.int64) - 1
    ignored[rows] = np.array(flags, bool)
    return Matches(found, ignored)


def overlaps(truth: Truth, detections: Detections, iou_type: str) -> Overlap:
    """Return the function that gives the IoU of detections with objects: two arrays of rows -> ``(D, G)`` matrix.

    The objects are taken for none of a crowd.
    """
    mask_api = (hotcoco() or pycocotools).mask
    if iou_type == "bbox":
        boxes = np.asarray(detections.bbox, float).reshape(-1, 4)
        objects = np.array([row["bbox"] for row in truth.annotations], float).reshape(-1, 4)
        return lambda d, g: mask_api.iou(boxes[d], objects[g], [False] * len(g))
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth.images}
    shapes = [_run_lengths(row["segmentation"], *sizes[row["image_id"]], mask_api) for row in truth.annotations]
    masks = detections.segmentation or []  # `explain` has checked that there are some if there are detections
    return lambda d, g: mask_api.iou([masks[i] for i in d], [shapes[i] for i in g], [False] * len(g))


def _run_lengths(segmentation: Any, height: int, width: int, mask_api: Any) -> dict[str, Any]:
    """Return polygons or run lengths of any of COCO's forms as compressed run lengths."""
    if isinstance(segmentation, list):
        return mask_api.merge(mask_api.frPyObjects(segmentation, height, width))
    if isinstance(segmentation["counts"], list):
        return mask_api.frPyObjects(segmentation, height, width)
    return segmentation


def _ranks(known: np.ndarray, ids: Any, what: str) -> np.ndarray:
    """Return the place of each of ``ids`` in the sorted array ``known``."""
    ids = np.asarray(ids, np.int64).reshape(-1)
    places = np.searchsorted(known, ids)
    unknown = np.append(known, -1)[places] != ids if len(known) else np.ones(len(ids), bool)
    if unknown.any():
        raise TintboxError(
            f"{what} {ids[unknown][0]} is not in the truth ({unknown.sum()} such rows); correct or drop it"
        )
    return places
