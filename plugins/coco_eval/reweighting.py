"""Average precision and recall of a group with every image counted as often as it was drawn, for many draws at once.

One draw is simple: accumulate true positives and counted detections down the list, divide, make the quotient monotone
from the end, and read it at 101 recalls, as tests/plugins/coco_eval/test_reweighting.py does. To make this fast for a
thousand draws, 320 groups and ten IoU thresholds,

- a row is a place in the list and has a column for each draw, so a step down the list adds two rows, which processors
  do fast. (NumPy's ``cumsum`` and ``accumulate`` along an axis go element by element and take five times as long;
  threads would mostly wait for each other between so many small steps.)
- only the rows that can matter are computed. Precision falls at every false positive, so only true positives matter
  for the envelope; of consecutive true positives, the last has the highest precision and represents all of them.
- counts are 32-bit integers: exact, and half the memory of floats.
- the number of the 101 recalls that a count of true positives reaches comes from a table, one per number of objects.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tintbox.plugins.coco_eval.matcher import Group
from tintbox.plugins.coco_eval.metrics import RECALL_THRESHOLDS

TILE = 32  # rows that go through all steps together: with a thousand draws, they fit a processor's cache

_STEPS = np.append(RECALL_THRESHOLDS, np.inf)


class Weights:
    """How often each image counts.

    Attributes:
        table: ``(I, R)`` int32, a column for each of R draws.
        rows: Its rows.
    """

    def __init__(self, table: np.ndarray) -> None:
        """Take integer weights ``(I, R)``, at least 0."""
        self.table = np.ascontiguousarray(table, dtype=np.int32)
        self.rows = list(self.table)

    def running(self, images: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """Return the running sums of the weights of a list of images at each place in ``stops``, inclusive.

        Args:
            images: ``(N,)`` image numbers.
            stops: ``(S,)`` ascending places in the list.

        Returns:
            ``(S, R)`` int32.
        """
        sums = np.empty((len(stops), self.table.shape[1]), np.int32)
        if not len(stops):
            return sums
        following = iter([self.rows[i] for i in images[: stops[-1] + 1].tolist()])
        before: np.ndarray = np.zeros(self.table.shape[1], np.int32)
        begin = 0
        for stop, row in zip(stops.tolist(), sums):
            np.add(before, next(following), out=row)
            for _ in range(stop - begin):
                np.add(row, next(following), out=row)
            before, begin = row, stop + 1
        return sums

    def total(self, images: np.ndarray) -> np.ndarray:
        """Return the sum of the weights of a list of images, ``(R,)`` int64."""
        return self.table[images].sum(0, dtype=np.int64)


def average_precision(group: Group, weights: Weights) -> np.ndarray:
    """Return ``(T, R)`` the 101-point average precision of a group, NaN without truth."""
    truths = weights.total(group.truth_image)
    result = np.zeros((len(group.matched), len(truths)))
    hits = group.matched & ~group.ignored
    ever = np.flatnonzero(hits.any(0))  # true positives at some threshold
    seen = weights.running(group.image, ever)
    recalls = Recalls(truths, int(weights.total(group.image[ever]).max(initial=0)))
    for level, (hit, ignored) in enumerate(zip(hits, group.ignored)):
        if level and (hit == hits[level - 1]).all() and (ignored == group.ignored[level - 1]).all():
            result[level] = result[level - 1]
            continue
        places = np.flatnonzero(hit)
        if not len(places):
            continue
        out = np.flatnonzero(ignored[: places[-1]])  # few: near a size limit, or in a crowd
        number = places - np.searchsorted(out, places)  # index among those that count
        last = np.flatnonzero(np.diff(number, append=-1) != 1)
        found = weights.running(group.image[places], last)
        places = places[last]
        result[level] = _area(found, seen, np.searchsorted(ever, places), _gone(group, weights, out, places), recalls)
    result[:, truths == 0] = np.nan
    return result


def _gone(group: Group, weights: Weights, out: np.ndarray, places: np.ndarray) -> np.ndarray | None:
    """Return ``(S, R)`` weights of the detections ``out`` before each of ``places``, or None if there are none."""
    if not len(out):
        return None
    sums = weights.running(group.image[out], np.arange(len(out)))
    return np.concatenate([np.zeros_like(sums[:1]), sums])[np.searchsorted(out, places)]


def _area(
    found: np.ndarray, seen: np.ndarray, place: np.ndarray, gone: np.ndarray | None, recalls: Recalls
) -> np.ndarray:
    """Return ``(R,)`` the average precision, computed from the end of the list to its start.

    Args:
        found: ``(S, R)`` true positives up to each of S places.
        seen: All detections up to each of several places, including these S.
        place: ``(S,)`` indices of the S places in ``seen``.
        gone: ``(S, R)`` number of seen detections that don't count; None for none.
        recalls: The table of recalls reached.
    """
    area = np.zeros(found.shape[1])
    best = np.zeros(found.shape[1])  # the highest precision so far
    for stop in range(len(found), 0, -TILE):
        tile = slice(max(stop - TILE, 0), stop)
        counted = seen[place[tile]]
        if gone is not None:
            counted -= gone[tile]
        precision = found[tile] / np.maximum(counted, 1, out=counted)
        reached = recalls.count_reached(found[tile])
        # The envelope at a place is read at the recalls that it reaches and the place before it does not. Summed by
        # parts, this is the sum of reached * (envelope here - envelope at the next place).
        area -= best * reached[-1]
        for row in precision[::-1]:
            best = np.maximum(best, row, out=row)
        area += np.einsum("sr,sr->r", precision, reached)
        area -= np.einsum("sr,sr->r", precision[1:], reached[:-1])
    return area / len(RECALL_THRESHOLDS)


class Recalls:
    """A table of how many of the 101 recall thresholds a count of true positives reaches, for R numbers of objects."""

    def __init__(self, truths: np.ndarray, most: int) -> None:
        """Build the table for ``(R,)`` numbers of objects and up to ``most`` true positives."""
        numbers, which = np.unique(truths, return_inverse=True)
        recall = np.arange(most + 1) / np.maximum(numbers, 1)[:, None]
        self._table = thresholds_passed(np.minimum(recall, 1.0)).astype(np.float64).ravel()
        self._start = which * (most + 1)

    def count_reached(self, found: np.ndarray) -> np.ndarray:
        """Return ``(S, R)`` the number of thresholds reached, as float64."""
        return self._table.take(found + self._start)


def thresholds_passed(recall: np.ndarray) -> np.ndarray:
    """Return how many of the 101 recall thresholds are at or below each recall, exactly as `np.searchsorted` would."""
    last = (recall * 100).astype(np.int64)  # the last one passed, up to the rounding of i * 0.01
    last += _STEPS[last + 1] <= recall
    last -= _STEPS[last] > recall
    return last + 1


def average_recall(group: Group, weights: Weights, limits: Sequence[int]) -> np.ndarray:
    """Return ``(L, R)`` the recall of a group, averaged over IoU thresholds, for L rank limits; NaN without truth."""
    truths = weights.total(group.truth_image)
    hits = (group.matched & ~group.ignored).sum(0)  # number of thresholds
    some = np.flatnonzero(hits)
    counted = np.stack([np.where(group.rank[some] < limit, hits[some], 0) for limit in limits]).astype(np.float64)
    found = counted @ weights.table[group.image[some]].astype(np.float64)
    return np.where(truths > 0, found / np.maximum(truths * len(group.matched), 1), np.nan)
