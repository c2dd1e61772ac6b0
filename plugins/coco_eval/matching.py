"""Which detection finds which object: pycocotools' ``evaluateImg``, for all pictures, thresholds and sizes at once.

In a picture the detections of a class choose one after the other, the surest first. Each takes the object that it
overlaps most of those that are still free; equal overlaps go to the later one in the file. Objects that do not count
(of another size, or crowd regions, which any number may take) are for those that find no other.

So a detection waits for the surer ones of its class and picture, and for nothing else. In round r the r-th detections
of all pictures and classes choose at once, for all T thresholds and A ranges of sizes, in a few operations on arrays.
Few detections take part: of 250,000 in 5,000 pictures a fifth, those that overlap an object of their class enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from tintbox.plugins.coco_eval.columns import Columns, outside
from tintbox.plugins.coco_eval.matches import Group, Matches, Partners
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS
from tintbox.plugins.coco_eval.overlaps import pairs

STEP = 1 << 12  # detections that choose at once: the arrays then stay in the processor's cache


@dataclass(frozen=True)
class Pairs:
    """P pairs of a detection and an object of its class and picture that overlap enough for a match.

    Attributes:
        found: ``(P,)`` place of the detection in the `Queue`, rising.
        truth: ``(P,)`` row of the object; a detection's pairs by rising overlap, the later one in the file last.
        iou: ``(P,)``.
    """

    found: np.ndarray
    truth: np.ndarray
    iou: np.ndarray


@dataclass(frozen=True)
class Queue:
    """The detections within the limit, by picture, class and falling score; equal scores as they are in the file.

    Attributes:
        rows: ``(D,)`` row of each.
        key: ``(D,)`` number of its picture and class.
        rank: ``(D,)`` place among those of its picture and class, from 0.
    """

    rows: np.ndarray
    key: np.ndarray
    rank: np.ndarray

    @classmethod
    def of(cls, columns: Columns, limit: int) -> Queue:
        """Return the first ``limit`` of every picture and class."""
        key = columns.image * len(columns.class_ids) + columns.label
        rows = np.lexsort((-columns.score, key))
        key = key[rows]
        rank = places_in_runs(key)
        within = rank < limit
        return cls(rows[within], key[within], rank[within])


def places_in_runs(keys: np.ndarray) -> np.ndarray:
    """Return the place of each of ``(N,)`` keys, sorted and from 0 on, among those equal to it, from 0."""
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    return np.arange(len(keys)) - np.repeat(starts, np.diff(starts, append=len(keys)))


def match(
    columns: Columns,
    *,
    thresholds: Sequence[float] = tuple(IOU_THRESHOLDS),
    areas: Mapping[str, tuple[float, float]] = MappingProxyType(AREAS),
    limit: int = MAX_DETECTIONS[-1],
) -> Matches:
    """Return what was matched at every threshold and size: all that numbers, intervals and errors are made of.

    Args:
        columns: Truth and detections.
        thresholds: IoU from which on an object is found.
        areas: Ranges of object size in square pixels by name.
        limit: Detections that count, per image and class, those with the highest scores.
    """
    queue = Queue.of(columns, limit)
    least = np.minimum(thresholds, 1 - 1e-10)  # as pycocotools; a perfect overlap may be rounded
    excused = np.stack([columns.crowd | outside(columns.truth_area, limits) for limits in areas.values()], axis=1)
    near = _near(columns, queue, least.min())
    takers, taken = _choose(near, queue, least, excused, columns.crowd)

    partners = Partners(np.full(len(columns), -1), np.ones(len(columns), bool))
    partners.ignored[queue.rows] = outside(columns.area[queue.rows], next(iter(areas.values())))
    first = taken[:, 0, 0]
    partners.truth[queue.rows[takers]] = first
    has = first >= 0
    partners.ignored[queue.rows[takers[has]]] = excused[first[has], 0]

    # A stable sort: equal scores stay in the order of images, and of their ranks there, as in pycocotools.
    order = np.lexsort((-columns.score[queue.rows], columns.label[queue.rows]))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    takers_place = place[takers]
    by_size = [
        list(_groups(columns, queue, order, limits, excused[:, a], takers_place, taken[:, a]))
        for a, limits in enumerate(areas.values())
    ]
    return Matches([list(groups) for groups in zip(*by_size)], partners)


def _near(columns: Columns, queue: Queue, least: float) -> Pairs:
    """Return the pairs of the queue's detections and objects that overlap by at least ``least``."""
    parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
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
    """Have every detection choose its object.

    Args:
        near: Who may choose what.
        queue: The detections.
        least: ``(T,)`` overlaps from which on an object is found.
        excused: ``(M, A)`` bool: objects that do not count among those of a range of sizes.
        crowd: ``(M,)`` bool: regions that any number of detections may take.

    Returns:
        ``(C,)`` places in the queue of the detections that have anything to choose, and ``(C, A, T)`` the rows of the
        objects that they took, -1 for none.
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
    # Whether an object may still be chosen: a crowd region always.
    free = np.ones((len(objects), *taken.shape[1:]), bool)
    endless, counting = crowd[objects, None, None], ~excused[objects][:, :, None]
    reaches = near.iou[:, None] >= least
    parts = (order[i : min(i + STEP, end)] for begin, end in pairwise(rounds) for i in range(begin, end, STEP))
    for now in parts:
        sizes = counts[now]
        starts = np.cumsum(sizes) - sizes
        pair = np.arange(sizes.sum()) + np.repeat(first[now] - starts, sizes)
        choice = own[pair]
        # A detection's pairs lie by rising overlap, so its best is its last, and the objects that count come first.
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
    """Yield the groups of a range of sizes, class by class.

    Args:
        columns: Truth and detections.
        queue: The detections.
        order: ``(D,)`` the queue's places by class and falling score.
        limits: The range of sizes.
        excused: ``(M,)`` bool: objects that do not count there.
        takers: ``(C,)`` places, in ``order``, of detections that chose among objects.
        taken: ``(C, T)`` the objects that they took, -1 for none.
    """
    rows = queue.rows[order]
    out = outside(columns.area[rows], limits)
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
