"""Precision and recall from matches, as in COCOeval's ``accumulate``."""

from __future__ import annotations

import numpy as np

from tintbox.plugins.coco_eval.matcher import Group
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS, RECALL_THRESHOLDS, Curves


def accumulate(groups: list[list[Group]]) -> Curves:
    """Return precision and recall for every class, size range and detection limit."""
    shape = len(groups), len(AREAS), len(MAX_DETECTIONS)
    precision = np.full((len(IOU_THRESHOLDS), len(RECALL_THRESHOLDS), *shape), -1.0)
    recall = np.full((len(IOU_THRESHOLDS), *shape), -1.0)
    for k, sizes in enumerate(groups):
        for a, group in enumerate(sizes):
            if len(group.truth_image):
                for m, limit in enumerate(MAX_DETECTIONS):
                    within = group.rank < limit
                    right, ignored = group.matched[:, within], group.ignored[:, within]
                    found = curve(right & ~ignored, ignored, len(group.truth_image))
                    precision[..., k, a, m], recall[..., k, a, m] = found
    return Curves(precision, recall)


def curve(right: np.ndarray, ignored: np.ndarray, truths: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the precision ``(T, R)`` and recall ``(T,)`` of one class.

    Args:
        right: ``(T, N)`` bool: true positives among its detections, highest score first.
        ignored: ``(T, N)`` bool: detections that count neither as right nor as wrong.
        truths: Number of objects, at least 1.
    """
    level, place = np.nonzero(right)  # of true positives, level by level
    each = np.bincount(level, minlength=len(ignored))
    before = np.arange(len(level)) - np.repeat(np.cumsum(each) - each, each)  # true positives before each
    counted = place + 1 - np.cumsum(ignored, axis=1)[level, place]
    exact = np.zeros((len(ignored), each.max() + 1))  # the last column of zeros is for recalls that are not reached
    exact[level, before] = (before + 1) / counted
    envelope = np.maximum.accumulate(exact[:, ::-1], axis=1)[:, ::-1]
    needed = np.searchsorted(np.arange(1, exact.shape[1]) / truths, RECALL_THRESHOLDS)
    return envelope[:, needed], each / truths
