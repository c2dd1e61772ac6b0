"""Precision and recall from matches, as COCOeval's ``accumulate`` has them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tintbox.plugins.coco_eval.matches import Group, Matches
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS, RECALL_THRESHOLDS, Curves
from tintbox.threads import cores


def accumulate(matches: Matches) -> Curves:
    """Return precision and recall of every class, size and limit: those of the engine, without matching again."""
    shape = len(matches.groups), len(AREAS), len(MAX_DETECTIONS)
    precision = np.full((len(IOU_THRESHOLDS), len(RECALL_THRESHOLDS), *shape), -1.0)
    recall = np.full((len(IOU_THRESHOLDS), *shape), -1.0)

    def fill(k: int) -> None:
        for a, group in enumerate(matches.groups[k]):
            if group.positives.any():
                for m, limit in enumerate(MAX_DETECTIONS):
                    precision[..., k, a, m], recall[..., k, a, m] = _curve(group, limit)

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(fill, range(len(matches.groups))))
    return Curves(precision, recall)


def _curve(group: Group, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the precision ``(T, R)`` and recall ``(T,)`` of a group that has truth."""
    within = group.rank < limit
    counts = ~group.ignored[:, within]
    found = np.cumsum(group.matched[:, within] & counts, axis=1)  # (T, N)
    precision = np.zeros((len(found), len(RECALL_THRESHOLDS)))
    if not found.shape[1]:
        return precision, np.zeros(len(found))
    recall = found / group.positives.sum()
    exact = found / np.maximum(np.cumsum(counts, axis=1), 1)
    envelope = np.maximum.accumulate(exact[:, ::-1], axis=1)[:, ::-1]
    for level, own in enumerate(recall):
        places = np.searchsorted(own, RECALL_THRESHOLDS)
        reached = places < len(own)
        precision[level, reached] = envelope[level, places[reached]]
    return precision, recall[:, -1]
