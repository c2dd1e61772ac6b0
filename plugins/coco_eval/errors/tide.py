"""Error analysis: how much AP each kind of error costs (TIDE, Bolya et al., ECCV 2020, arXiv:2008.08115).

Every detection that matches no object gets one kind, based on its largest IoU with objects of its class in the image
(own) and of other classes (other). The first row that applies counts:

===============  =====================================  ============================================================
kind             condition                              correction by the oracle
===============  =====================================  ============================================================
localisation     background <= own < pos                corrects the box, which then matches that object
classification   other >= pos                           corrects the class, which then matches that object
duplicate        own >= pos, object already matched     removes the detection
background       own and other <= background            removes the detection
both             else: background < other < pos         removes the detection
missed           an object not found, and not the       removes the object
                 object of one of the first two kinds
false positives  every detection without an object      removes it (a special error in the paper, like the next)
false negatives  every object not found                 removes it
===============  =====================================  ============================================================

If the object is already found, or a higher-scoring detection of the first two kinds concerns it too, the repair would
make a duplicate, so the detection is removed instead. The gain of a kind is the AP after its oracle minus the AP
before. Each kind is corrected alone, so gains don't add up to the total loss. The gain of all classes together is the
mean of the classes' gains; correcting a class moves the detection to that class, which gets the gain.

hotcoco's `tide_errors()` returns neither gains per class nor the kind of each detection, so it is not used.

The reference is the authors' `tidecv` 1.0.1: its order of tests, and its repairs where the paper is ambiguous (of the
detections that concern one object, only the one with the highest score is repaired, whether its kind is classification
or localisation, and whichever oracle is applied). We differ as follows, so that AP equals pycocotools' (docs/coco.md
has the size of each effect):

- Detections in a crowd region are left out of everything; `tidecv` classifies and repairs them too.
- ``max_det`` is per image and class, as in COCO's evaluation; `tidecv` takes the highest scores per image.
- A class without objects has no AP; in `tidecv` its AP is 0 if there are detections of it.
- An oracle that leaves a class without objects gives it AP 1 if there are no detections of it, else 0; `tidecv` drops
  it from the mean in the first case.
- Equal scores are in pycocotools' order (image, then row) throughout; in `tidecv`, an oracle puts wrong ones first.
- IoU equal to ``pos`` means duplicate, by the paper's definition; in `tidecv` it means localisation.
- The recalls at which precision is read are pycocotools', which differ from i / 100 by rounding.
- A gain may be slightly negative due to rounding; `tidecv` clips it to 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tintbox.plugins.coco_eval.columns import Columns, find_outside
from tintbox.plugins.coco_eval.errors.oracles import Hits, put_right
from tintbox.plugins.coco_eval.matcher import Partners
from tintbox.plugins.coco_eval.metrics import AREAS, MAX_DETECTIONS
from tintbox.plugins.coco_eval.overlaps import pairs

POS = 0.5  # smallest IoU of a match
BACKGROUND = 0.1  # largest IoU of a background detection
KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
SPECIALS = ("false positives", "false negatives")
_DETECTION_KINDS = np.array([*KINDS[:5], "true positive", "ignored"])
_CLASSIFICATION, _LOCALISATION, _BOTH, _DUPLICATE, _BACKGROUND, _RIGHT, _IGNORED = range(7)
_TRUTH_KINDS = np.array(["missed", "covered", "found", "ignored"])
_MISSED, _COVERED, _FOUND, _UNCOUNTED = range(4)


@dataclass(frozen=True)
class Loss:
    """The AP lost by one class, or by all together.

    Attributes:
        name: The class's name, or "all".
        ap: AP at the IoU of the analysis, 0..1; NaN without objects.
        gain: By kind (of KINDS and SPECIALS), the gain in AP without such errors; NaN without objects.
        count: By kind, the number of such errors; detections count for the class that was detected.
        objects: Number of objects.
    """

    name: str
    ap: float
    gain: dict[str, float]
    count: dict[str, int]
    objects: int

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible data, with None for NaN."""
        gain = {kind: None if math.isnan(value) else value for kind, value in self.gain.items()}
        ap = None if math.isnan(self.ap) else self.ap
        return {"name": self.name, "AP": ap, "gain": gain, "count": self.count, "objects": self.objects}


@dataclass(frozen=True)
class Explanation:
    """Where the AP of a set of detections is lost.

    Attributes:
        overall: All classes together; its AP is the mean over the classes that have objects.
        classes: Each class, by category id.
        detection_kind: ``(N,)`` str: a kind of KINDS, "true positive", or "ignored" (in a crowd region, or beyond
            ``max_det`` for its class and image).
        detection_truth: ``(N,)`` row in the truth's annotations of the object found or concerned, or of the crowd
            region; -1 for none.
        truth_kind: ``(M,)`` str: "found", "missed", "covered" (not found, but a classification or localisation error
            concerns it), or "ignored" (crowd regions).
    """

    overall: Loss
    classes: list[Loss]
    detection_kind: np.ndarray
    detection_truth: np.ndarray
    truth_kind: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers, without the arrays, as JSON-compatible data."""
        settings = {"pos": POS, "background": BACKGROUND, "max_det": MAX_DETECTIONS[-1]}
        return {**settings, "overall": self.overall.as_dict(), "classes": [loss.as_dict() for loss in self.classes]}


def explain(columns: Columns, partners: Partners, names: Sequence[str]) -> Explanation:
    """Return the cost of each kind of error; ``names`` are those of the classes, in order of category id."""
    counted = ~(columns.crowd | find_outside(columns.truth_area, AREAS["all"]))
    code = np.where(partners.ignored, _IGNORED, np.where(partners.truth >= 0, _RIGHT, _BACKGROUND))
    concerned = partners.truth.copy()
    _assign(code, concerned, columns, np.flatnonzero(counted))

    state = np.where(counted, _MISSED, _UNCOUNTED)
    state[concerned[code == _RIGHT]] = _FOUND
    order = np.lexsort((columns.image, -columns.score))  # by falling score; ties in pycocotools' order
    repairable = order[np.isin(code[order], (_CLASSIFICATION, _LOCALISATION))]
    repairable = repairable[state[concerned[repairable]] == _MISSED]
    covered, first = np.unique(concerned[repairable], return_index=True)
    state[covered] = _COVERED
    becomes = np.full(len(code), -1)
    becomes[repairable[first]] = columns.truth_class[covered]

    per_class = partial(np.bincount, minlength=len(columns.class_ids))
    objects = per_class(columns.truth_class[state != _UNCOUNTED])
    missed = per_class(columns.truth_class[state == _MISSED])
    lost = missed + per_class(columns.truth_class[state == _COVERED])
    counting = order[code[order] != _IGNORED]
    hits = Hits(columns.label[counting], code[counting] == _RIGHT, objects)
    kind = _DETECTION_KINDS[code]
    precision = hits.average_precision()
    repairs = put_right(hits, kind[counting], becomes[counting], missed, lost)
    gains = {name: repaired - precision for name, repaired in repairs}
    counts = {name: per_class(columns.label[code == i]) for i, name in enumerate(KINDS[:5])}
    wrong = per_class(columns.label[code < _RIGHT])
    counts |= {"missed": missed, "false positives": wrong, "false negatives": lost}
    found = precision, gains, counts, objects
    losses = [_loss(name, slice(i, i + 1), *found) for i, name in enumerate(names)]
    return Explanation(_loss("all", slice(None), *found), losses, kind, concerned, _TRUTH_KINDS[state])


def _loss(
    name: str,
    some: slice,
    precision: np.ndarray,
    gains: Mapping[str, np.ndarray],
    counts: Mapping[str, np.ndarray],
    objects: np.ndarray,
) -> Loss:
    """Return what ``some`` of the classes lose together; all arrays are ``(C,)``, one value per class."""
    return Loss(
        name,
        _mean(precision[some], objects[some]),
        {kind: _mean(values[some], objects[some]) for kind, values in gains.items()},
        {kind: int(values[some].sum()) for kind, values in counts.items()},
        int(objects[some].sum()),
    )


def _assign(code: np.ndarray, concerned: np.ndarray, columns: Columns, objects: np.ndarray) -> None:
    """Set, in place, the kind and the concerned object of each detection whose code is still background.

    Args:
        code: ``(N,)`` the kinds.
        concerned: ``(N,)`` rows of objects.
        columns: Truth and detections.
        objects: Rows of the objects that count.
    """
    wrong = np.flatnonzero(code == _BACKGROUND)
    wrong = wrong[np.argsort(columns.image[wrong], kind="stable")]
    for places, near in pairs(columns.image[wrong], columns.truth_image[objects]):
        if not len(places):
            continue  # no object in these images
        found, truth = wrong[places], objects[near]
        iou = columns.overlap(found, truth)
        same = columns.label[found] == columns.truth_class[truth]
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        (own, own_at), (other, other_at) = (_best(np.where(mask, iou, -1.0), starts) for mask in (same, ~same))
        tests = [(own >= BACKGROUND) & (own < POS), other >= POS, own >= POS, np.maximum(own, other) <= BACKGROUND]
        rows = found[starts]
        code[rows] = np.select(tests, [_LOCALISATION, _CLASSIFICATION, _DUPLICATE, _BACKGROUND], _BOTH)
        at = np.select(tests, [own_at, other_at, own_at, -1], other_at)
        concerned[rows] = np.where(at < 0, -1, truth[at])


def _best(iou: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest value in each run between starts, and the index of its first occurrence."""
    best = np.maximum.reduceat(iou, starts)
    each = np.diff(starts, append=len(iou))
    places = np.where(iou == np.repeat(best, each), np.arange(len(iou)), len(iou))
    return best, np.minimum.reduceat(places, starts)


def _mean(values: np.ndarray, objects: np.ndarray) -> float:
    """Return the mean over the classes that have objects; NaN without any."""
    return float(values[objects > 0].mean()) if objects.any() else math.nan
