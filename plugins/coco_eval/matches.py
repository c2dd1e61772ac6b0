"""What the engine matched: enough to compute every AP and AR, with any weights for the images, and every error."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tintbox.plugins.coco_eval.metrics import AREAS


@dataclass(frozen=True)
class Group:
    """The detections of one class in one range of sizes, best score first; N of them, T IoU thresholds.

    Detections that count at no threshold are left out: they are those of other sizes, and those in crowds.

    Attributes:
        image: ``(N,)`` number of the image.
        rank: ``(N,)`` place of the detection among those of its class in its image, from 0.
        matched: ``(T, N)`` bool: has a truth for itself.
        ignored: ``(T, N)`` bool: counts neither for nor against.
        positives: ``(I,)`` truths of the class and size in every image.
    """

    image: np.ndarray
    rank: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    positives: np.ndarray


@dataclass(frozen=True)
class Partners:
    """What each detection found, at one IoU threshold.

    Attributes:
        truth: ``(N,)`` row of the object that it found, or of the crowd region that it lies in, or -1.
        ignored: ``(N,)`` bool: counts neither as right nor as wrong (in a crowd region, or beyond the limit).
    """

    truth: np.ndarray
    ignored: np.ndarray

    @classmethod
    def join(cls, parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], detections: int) -> Partners:
        """Return the Partners that came in parts: rows of detections, rows of the truth, and whether ignored."""
        truth, ignored = np.full(detections, -1, np.int64), np.ones(detections, bool)  # not mentioned: beyond the limit
        for rows, found, flags in parts:
            truth[rows], ignored[rows] = found, flags
        return cls(truth, ignored)


@dataclass(frozen=True)
class Matches:
    """All groups of a split.

    Attributes:
        groups: ``groups[class][area]``, classes by category id, areas in the order of ``AREAS``.
        images: Number of images.
        partners: What each detection found at IoU 0.5, of whatever size.
    """

    groups: list[list[Group]]
    images: int
    partners: Partners

    @classmethod
    def join(cls, parts: list[dict[str, np.ndarray]], classes: int, images: int, partners: Partners) -> Matches:
        """Return the Matches of columns that came in parts, images in rising order.

        Args:
            parts: Per part ``group`` (class * areas + area), ``image``, ``rank``, ``score``, ``matched`` (T, N) and
                ``ignored`` (T, N) of detections; ``truth_group``, ``truth_image`` and ``positives`` of truths.
            classes: Number of classes.
            images: Number of images.
            partners: What each detection found.
        """
        column: dict[str, Any] = {key: np.concatenate([part[key] for part in parts], axis=-1) for key in parts[0]}
        counts = ~column["ignored"].all(0)
        # A stable sort: equal scores stay in the order of images, as in pycocotools.
        order = np.lexsort((-column["score"], column["group"]))
        order = order[counts[order]]
        group = column["group"][order]
        truth_order = np.argsort(column["truth_group"], kind="stable")
        truth_group = column["truth_group"][truth_order]
        groups = []
        for number in range(classes * len(AREAS)):
            own = order[slice(*np.searchsorted(group, (number, number + 1)))]
            truths = truth_order[slice(*np.searchsorted(truth_group, (number, number + 1)))]
            positives = np.zeros(images, dtype=np.int64)
            positives[column["truth_image"][truths]] = column["positives"][truths]
            detections = (
                column["image"][own],
                column["rank"][own],
                column["matched"][:, own],
                column["ignored"][:, own],
            )
            groups.append(Group(*detections, positives))
        return cls([groups[i : i + len(AREAS)] for i in range(0, len(groups), len(AREAS))], images, partners)
