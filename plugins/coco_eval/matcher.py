"""Matching of detections to objects: pycocotools' ``evaluateImg``, for all images, thresholds and sizes at once.

Within an image, the detections of a class choose in order of falling score. Each takes the free object with the largest
overlap; of equal overlaps it takes the object later in the file. A detection takes an ignored object (of another size,
or a crowd region, which any number of detections may take) only if it finds no other.

So a detection depends only on those of its class and image with higher scores. In round r, the r-th detections of all
images and classes choose at once, for all T thresholds and A size ranges, in a few array operations. Few detections
take part: of 250,000 in 5,000 images, the fifth that overlaps an object of its class enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tintbox.plugins.coco_eval.columns import Columns, find_outside
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS
from tintbox.plugins.coco_eval.overlaps import pairs

STEP = 1 << 12  # detections that choose at once, so that the arrays stay in the processor's cache


@dataclass(frozen=True)
class Group:
    """N detections of one class in one size range, highest score first, with P truths and T IoU thresholds.

    Detections ignored at every threshold, because of another size or a crowd region, are left out.

    Attributes:
        image: ``(N,)`` image number.
        rank: ``(N,)`` rank of the detection within its class and image, from 0.
        matched: ``(T, N)`` bool: matched to a truth.
        ignored: ``(T, N)`` bool: counts neither as true nor as false positive.
        truth_image: ``(P,)`` image number of every truth of this class and size.
    """

    image: np.ndarray
    rank: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    truth_image: np.ndarray


@dataclass(frozen=True)
class Partners:
    """The object matched to each detection.

    Attributes:
        truth: ``(N,)`` row of the matched object, or of the crowd region that contains the detection, or -1.
        ignored: ``(N,)`` bool: counts neither as right nor as wrong (in a crowd region, or beyond the limit).
    """

    truth: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """P pairs of a detection and an object of its class and image that overlap enough for a match.

    Attributes:
        found: ``(P,)`` index of the detection in the `Queue`, ascending.
        truth: ``(P,)`` row of the object; a detection's pairs are ordered by ascending overlap, then by row.
        iou: ``(P,)``.
    """

    found: np.ndarray
    truth: np.ndarray
    iou: np.ndarray


@dataclass(frozen=True)
class Queue:
    """The detections within the limit, by image, class and falling score; equal scores keep the order of the file.

    Attributes:
        rows: ``(D,)`` row of each detection.
        key: ``(D,)`` number of its image and class.
        rank: ``(D,)`` rank within its image and class, from 0.
    """

    rows: np.ndarray
    key: np.ndarray
    rank: np.ndarray

    @classmethod
    def of(cls, columns: Columns, limit: int) -> Queue:
        """Return the first ``limit`` of every image and class."""
        key = columns.image * len(columns.class_ids) + columns.label
        rows = np.lexsort((-columns.score, key))
        key = key[rows]
        rank = places_in_runs(key)
        within = rank < limit
        return cls(rows[within], key[within], rank[within])


def places_in_runs(keys: np.ndarray) -> np.ndarray:
    """Return the index of each of ``(N,)`` sorted, non-negative keys within its run of equal keys, from 0."""
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    return np.arange(len(keys)) - np.repeat(starts, np.diff(starts, append=len(keys)))


def match(columns: Columns) -> tuple[list[list[Group]], Partners]:
    """Match at COCO's thresholds and sizes; numbers, intervals and errors all follow from the result.

    Returns:
        ``groups[class][area]``, classes by category id and areas in the order of ``AREAS``, enough to compute every AP
        and AR for any weights of the images; and the object matched to each detection at IoU 0.5, of all sizes.
    """
    queue = Queue.of(columns, MAX_DETECTIONS[-1])
    least = np.minimum(IOU_THRESHOLDS, 1 - 1e-10)  # as in pycocotools: rounding may reduce a perfect overlap
    excused = np.stack([columns.crowd | find_outside(columns.truth_area, limits) for limits in AREAS.values()], axis=1)
    near = _near(columns, queue, least.min())
    takers, taken = _choose(near, queue, least, excused, columns.crowd)

    partners = Partners(np.full(len(columns), -1), np.ones(len(columns), bool))
    partners.ignored[queue.rows] = find_outside(columns.area[queue.rows], AREAS["all"])
    first = taken[:, 0, 0]
    partners.truth[queue.rows[takers]] = first
    has = first >= 0
    partners.ignored[queue.rows[takers[has]]] = excused[first[has], 0]

    # A stable sort keeps equal scores in the order of images and of ranks within them, as in pycocotools.
    order = np.lexsort((-columns.score[queue.rows], columns.label[queue.rows]))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    takers_place = place[takers]
    by_size = [
        list(_groups(columns, queue, order, limits, excused[:, a], takers_place, taken[:, a]))
        for a, limits in enumerate(AREAS.values())
    ]
    return [list(groups) for groups in zip(*by_size)], partners


def _near(columns: Columns, queue: Queue, least: float) -> Pairs:
    """Return the pairs of the queue's detections and objects that overlap by at least ``least``."""
    parts: list[tuple[np.ndarray, ...]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for found, truth in pairs(queue.key, columns.truth_image * len(columns.class_ids) + columns.truth_class):
        iou = columns.overlap(queue.rows[found], truth)
        near = np.flatnonzero(iou >= least)
        parts.append((found[near], truth[near], iou[near]))
    found, truth, iou = (np.concatenate(column) for column in zip(*parts))
    order = np.lexsort((truth, iou, found))
    return Pairs(found[order], truth[order], iou[order])


def _choose(
    near: Pairs, queue: Queue, least: np.ndarray, excused: np.ndarray, crowd: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Let every detection choose its object.

    Args:
        near: The candidate pairs.
        queue: The detections.
        least: ``(T,)`` smallest IoU of a match.
        excused: ``(M, A)`` bool: objects that are ignored in a size range.
        crowd: ``(M,)`` bool: regions that any number of detections may take.

    Returns:
        ``(C,)`` queue indices of the detections that have a candidate, and ``(C, A, T)`` rows of the objects that they
        took, -1 for none.
    """
    takers, first = np.unique(near.found, return_index=True)
    taken = np.full((len(takers), excused.shape[1], len(least)), -1, np.int32)
    if not len(takers):
        return takers, taken
    counts = np.diff(first, append=len(near.found))
    turn = places_in_runs(queue.key[takers])
    order = np.argsort(turn, kind="stable")
    rounds = np.searchsorted(turn[order], np.arange(turn.max() + 2)).tolist()
    objects, own = np.unique(near.truth, return_inverse=True)
    # Whether an object is still free; a crowd region always is.
    free = np.ones((len(objects), *taken.shape[1:]), bool)
    endless, counting = crowd[objects, None, None], ~excused[objects][:, :, None]
    reaches = near.iou[:, None] >= least
    parts = (order[i : min(i + STEP, end)] for begin, end in pairwise(rounds) for i in range(begin, end, STEP))
    for now in parts:
        sizes = counts[now]
        starts = np.cumsum(sizes) - sizes
        pair = np.arange(sizes.sum()) + np.repeat(first[now] - starts, sizes)
        choice = own[pair]
        # A detection's pairs are in ascending overlap, so the last is best; objects that count beat ignored ones.
        worth = np.arange(1, len(pair) + 1)[:, None, None] + len(pair) * counting[choice]
        worth = np.where(free[choice] & reaches[pair, None, :], worth, 0)
        best = np.maximum.reduceat(worth, starts, axis=0)
        which, area, level = np.nonzero(best)
        chosen = choice[(best[which, area, level] - 1) % len(pair)]
        taken[now[which], area, level] = objects[chosen]
        free[chosen, area, level] = endless[chosen, 0, 0]
    return takers, taken


def _groups(
    columns: Columns,
    queue: Queue,
    order: np.ndarray,
    limits: tuple[float, float],
    excused: np.ndarray,
    takers: np.ndarray,
    taken: np.ndarray,
) -> Iterator[Group]:
    """Yield the groups of a size range, class by class.

    Args:
        columns: Truth and detections.
        queue: The detections.
        order: ``(D,)`` queue indices by class and falling score.
        limits: The size range.
        excused: ``(M,)`` bool: objects ignored in it.
        takers: ``(C,)`` positions in ``order`` of the detections that had a candidate.
        taken: ``(C, T)`` the objects that they took, -1 for none.
    """
    rows = queue.rows[order]
    out = find_outside(columns.area[rows], limits)
    matched = np.zeros((taken.shape[1], len(rows)), bool)
    matched[:, takers] = (taken >= 0).T
    ignored = np.repeat(out[None], len(matched), axis=0)
    ignored[:, takers] = np.where(taken >= 0, excused[taken], out[takers, None]).T
    kept = np.flatnonzero(~ignored.all(0))
    matched, ignored, rows, rank = matched[:, kept], ignored[:, kept], rows[kept], queue.rank[order[kept]]
    image, label = columns.image[rows], columns.label[rows]
    truths = np.flatnonzero(~excused)
    truths = truths[np.argsort(columns.truth_class[truths], kind="stable")]
    classes = np.arange(len(columns.class_ids) + 1)
    bounds, truth_bounds = np.searchsorted(label, classes), np.searchsorted(columns.truth_class[truths], classes)
    for k in classes[:-1]:
        own = slice(bounds[k], bounds[k + 1])
        objects = truths[truth_bounds[k] : truth_bounds[k + 1]]
        yield Group(image[own], rank[own], matched[:, own], ignored[:, own], columns.truth_image[objects])
