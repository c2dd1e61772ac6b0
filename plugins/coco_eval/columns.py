"""Truth and detections as columns of numbers, the input of matching and of the error analysis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.run_lengths import areas_of
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.overlaps import Overlap, of_boxes, of_masks


@dataclass(frozen=True)
class Columns:
    """N detections and M objects; images and classes are numbered by rank among their sorted ids.

    An id in a file may be any 64-bit integer. Ranks keep the order of the ids, which breaks ties between equal scores.

    Attributes:
        images: Number of images.
        class_ids: ``(K,)`` sorted category ids.
        truth_image, truth_class: ``(M,)`` ranks of an object's image and class.
        truth_area: ``(M,)`` in square pixels.
        crowd: ``(M,)`` bool: crowd regions, whose objects are not annotated one by one.
        image, label: ``(N,)`` ranks of a detection's image and class.
        score: ``(N,)``.
        area: ``(N,)`` in square pixels: the box's, or the mask's if the boxes were computed from masks.
        overlap: Returns the IoU of pairs of a detection and an object.
    """

    images: int
    class_ids: np.ndarray
    truth_image: np.ndarray
    truth_class: np.ndarray
    truth_area: np.ndarray
    crowd: np.ndarray
    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    area: np.ndarray
    overlap: Overlap

    @classmethod
    def of(cls, truth: Truth, detections: Detections, iou_type: str = "bbox") -> Columns:
        """Return the columns of both; ``"segm"`` requires masks in both.

        Raises:
            TintboxError: A row has an image or class that the truth doesn't list.
        """
        images = sorted_ids(image["id"] for image in truth.images)
        classes = sorted_ids(category["id"] for category in truth.categories)
        rows = truth.annotations
        crowd = np.fromiter((row.get("iscrowd", 0) for row in rows), bool)
        boxes = np.asarray(detections.bbox, float).reshape(-1, 4)
        masks = detections.segmentation or []
        if iou_type == "segm":
            overlap = of_masks(truth, masks, crowd)
        else:
            objects = np.array([row["bbox"] for row in rows], float).reshape(-1, 4)
            overlap = of_boxes(boxes, objects, crowd)
        return cls(
            images=len(images),
            class_ids=classes,
            truth_image=ranks(images, (row["image_id"] for row in rows), "annotations: image_id"),
            truth_class=ranks(classes, (row["category_id"] for row in rows), "annotations: category_id"),
            truth_area=np.fromiter((row["area"] for row in rows), float),
            crowd=crowd,
            image=ranks(images, detections.image_id, "detections: image_id"),
            label=ranks(classes, detections.category_id, "detections: category_id"),
            score=np.asarray(detections.score, float),
            area=boxes[:, 2] * boxes[:, 3] if detections.own_boxes else areas_of(masks),
            overlap=overlap,
        )

    def __len__(self) -> int:
        """Return the number of detections."""
        return len(self.score)


def sorted_ids(ids: Iterable[int]) -> np.ndarray:
    """Return the unique ids in ascending order, ``(N,)`` int64."""
    return np.unique(np.fromiter(ids, np.int64))


def ranks(known: np.ndarray, ids: Iterable[int], what: str) -> np.ndarray:
    """Return the index of each of ``ids`` in the sorted array ``known``, ``(N,)`` int64.

    Raises:
        TintboxError: An id is unknown.
    """
    wanted = ids if isinstance(ids, np.ndarray) else np.fromiter(ids, np.int64)
    places = np.searchsorted(known, wanted)
    lost = places == len(known)
    lost[~lost] = known[places[~lost]] != wanted[~lost]
    if lost.any():
        raise TintboxError(f"{what} {wanted[lost][0]} is not in the truth ({lost.sum()} such rows); correct or drop it")
    return places


def find_outside(area: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Return which areas are outside a range; both of its ends are inside."""
    return (area < limits[0]) | (area > limits[1])
