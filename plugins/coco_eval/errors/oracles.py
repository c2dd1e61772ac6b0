"""Average precision as COCO defines it, and its value after an oracle has corrected one kind of error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tintbox.plugins.coco_eval.accumulation import curve


@dataclass(frozen=True)
class Hits:
    """The detections that count, in order of falling score, and the number of objects.

    Attributes:
        label: ``(K,)`` class, 0..C-1.
        right: ``(K,)`` bool: true positives.
        objects: ``(C,)`` number of objects.
    """

    label: np.ndarray
    right: np.ndarray
    objects: np.ndarray

    def select(self, kept: np.ndarray) -> Hits:
        """Return the detections selected by ``kept``, ``(K,)`` bool, and all objects."""
        return Hits(self.label[kept], self.right[kept], self.objects)

    def average_precision(self) -> np.ndarray:
        """Return the AP of each class, ``(C,)`` in 0..1; NaN for a class without objects.

        The definition is pycocotools': precision is made monotone and read at 101 recalls.
        """
        order = np.argsort(self.label, kind="stable")
        ends = np.cumsum(np.bincount(self.label, minlength=len(self.objects)))
        right = self.right[order]
        result = np.full(len(self.objects), np.nan)
        for i, (end, objects) in enumerate(zip(ends.tolist(), self.objects.tolist())):
            if objects:
                own = right[None, ends[i - 1] if i else 0 : end]
                result[i] = curve(own, np.zeros_like(own), objects)[0].mean()
        return result


def put_right(
    hits: Hits, kind: np.ndarray, becomes: np.ndarray, missed: np.ndarray, lost: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each kind of error and the AP per class ``(C,)`` after all errors of that kind are corrected.

    Args:
        hits: The original detections.
        kind: ``(K,)`` kind of error, or "true positive".
        becomes: ``(K,)`` class of a detection after its repair, or -1 if its object is found by another detection,
            with or without repair.
        missed: ``(C,)`` number of objects that no repaired detection would find.
        lost: ``(C,)`` number of objects not found.
    """
    for name in ("classification", "localisation"):
        wrong = kind == name
        repaired = wrong & (becomes >= 0)
        moved = Hits(np.where(repaired, becomes, hits.label), hits.right | repaired, hits.objects)
        yield name, moved.select(~wrong | repaired).average_precision()
    for name in ("both", "duplicate", "background"):
        yield name, hits.select(kind != name).average_precision()
    yield "missed", _without(hits, missed)
    yield "false positives", hits.select(hits.right).average_precision()
    yield "false negatives", _without(hits, lost)


def _without(hits: Hits, dropped: np.ndarray) -> np.ndarray:
    """Return the AP with ``dropped`` objects of each class removed from the truth.

    If no object of a class is left, none was found. Its recall is then perfect, and its precision is 0 if there are
    detections, which are all wrong, and 1 if there are none.
    """
    left = hits.objects - dropped
    precision = Hits(hits.label, hits.right, left).average_precision()
    emptied = (left == 0) & (hits.objects > 0)
    silent = np.bincount(hits.label, minlength=len(left)) == 0
    return np.where(emptied, silent.astype(float), precision)
