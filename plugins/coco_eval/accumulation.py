"""Precision and recall from matches, as COCOeval's ``accumulate`` has them."""

from __future__ import annotations

import numpy as np

from tintbox.plugins.coco_eval.matches import Group, Matches
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS, RECALL_THRESHOLDS, Curves


def accumulate(matches: Matches) -> Curves:
    """Return precision and recall of every class, size and limit."""
    shape = len(matches.groups), len(AREAS), len(MAX_DETECTIONS)
    precision = np.full((len(IOU_THRESHOLDS), len(RECALL_THRESHOLDS), *shape), -1.0)
    recall = np.full((len(IOU_THRESHOLDS), *shape), -1.0)
    for k, sizes in enumerate(matches.groups):
        for a, group in enumerate(sizes):
            if len(group.truth_image):
                for m, limit in enumerate(MAX_DETECTIONS):
                    precision[..., k, a, m], recall[..., k, a, m] = _curve(group, limit)
    return Curves(precision, recall)


def _curve(group: Group, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the precision ``(T, R)`` and recall ``(T,)`` of a group that has truth."""
    within = np.flatnonzero(group.rank < limit)
    matched, ignored = group.matched[:, within], group.ignored[:, within]
    hits = matched & ~ignored
    truths = len(group.truth_image)
    possible = np.arange(1, hits.sum(1).max(initial=0) + 1) / truths  # recall after each found object
    needed = np.searchsorted(possible, RECALL_THRESHOLDS)  # the one that reaches a threshold, from 0
    precision = np.zeros((len(hits), len(RECALL_THRESHOLDS)))
    recall = np.zeros(len(hits))
    for level, (hit, out) in enumerate(zip(hits, ignored)):
        places = np.flatnonzero(hit)
        counted = places + 1 - np.searchsorted(np.flatnonzero(out), places)
        envelope = np.maximum.accumulate((np.arange(1, len(places) + 1) / counted)[::-1])[::-1]
        reached = needed < len(places)
        precision[level, reached] = envelope[needed[reached]]
        recall[level] = len(places) / truths
    return precision, recall
