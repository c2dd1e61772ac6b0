"""Average precision as COCO defines it, and what it becomes once an oracle has put one kind of error right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LEVELS = np.linspace(0.0, 1.0, 101)  # recalls at which COCO reads the precision


@dataclass(frozen=True)
class Hits:
    """The detections that count, from the surest to the least sure, and the number of objects.

    Attributes:
        label: ``(K,)`` class, 0..C-1.
        right: ``(K,)`` bool: the detection found an object.
        objects: ``(C,)`` number of objects.
    """

    label: np.ndarray
    right: np.ndarray
    objects: np.ndarray

    def average_precision(self) -> np.ndarray:
        """Return the AP of each class, ``(C,)`` in 0..1; NaN for a class without objects.

        The definition is pycocotools': precision made monotone, read at 101 recalls.
        """
        order = np.argsort(self.label, kind="stable")
        ends = np.cumsum(np.bincount(self.label, minlength=len(self.objects)))
        right = self.right[order]
        result = np.full(len(self.objects), np.nan)
        for i, (end, objects) in enumerate(zip(ends.tolist(), self.objects.tolist())):
            if objects:
                result[i] = _area(right[ends[i - 1] if i else 0 : end], objects)
        return result


@dataclass(frozen=True)
class Repairs:
    """What is known of each detection that counts, surest first, for the oracles to work on.

    Attributes:
        hits: The detections as they are.
        kind: ``(K,)`` kind of error, or "true positive".
        becomes: ``(K,)`` class that a repaired detection gets if its repair finds an object, -1 if it would only find
            one that another detection has found or will find.
        missed: ``(C,)`` objects that no repaired detection would find.
        lost: ``(C,)`` objects not found.
    """

    hits: Hits
    kind: np.ndarray
    becomes: np.ndarray
    missed: np.ndarray
    lost: np.ndarray

    def apply(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each kind of error and the AP per class ``(C,)`` once all errors of that kind are put right."""
        hits = self.hits
        for kind in ("classification", "localisation"):
            wrong = self.kind == kind
            repaired = wrong & (self.becomes >= 0)
            keep = ~wrong | repaired
            label = np.where(repaired, self.becomes, hits.label)
            yield kind, Hits(label[keep], (hits.right | repaired)[keep], hits.objects).average_precision()
        for kind in ("both", "duplicate", "background"):
            keep = self.kind != kind
            yield kind, Hits(hits.label[keep], hits.right[keep], hits.objects).average_precision()
        yield "missed", self._without(self.missed)
        right = hits.right
        yield "false positives", Hits(hits.label[right], right[right], hits.objects).average_precision()
        yield "false negatives", self._without(self.lost)

    def _without(self, dropped: np.ndarray) -> np.ndarray:
        """Return the AP once ``dropped`` objects of each class are no longer asked for.

        Where none is left, none was found: the recall is perfect then, and the precision is that of the detections
        that are left, all wrong: 0, or 1 if there are none.
        """
        left = self.hits.objects - dropped
        precision = Hits(self.hits.label, self.hits.right, left).average_precision()
        emptied = (left == 0) & (self.hits.objects > 0)
        silent = np.bincount(self.hits.label, minlength=len(left)) == 0
        return np.where(emptied, silent.astype(float), precision)


def _area(right: np.ndarray, objects: int) -> float:
    """Return the AP of one class: ``right`` tells of each detection, surest first, whether it found an object."""
    if not len(right):
        return 0.0
    found = np.cumsum(right, dtype=float)
    precision = found / (np.arange(1, len(right) + 1) + np.spacing(1))
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(found / objects, LEVELS, side="left")
    return float(np.append(precision, 0.0)[at].mean())
