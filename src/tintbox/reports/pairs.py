"""Paired differences between the COCO evaluations of runs whose ground truth and predictions were saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tintbox import limits
from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.evaluation import Evaluation, evaluate
from tintbox.plugins.coco_eval.outcome import ANNOTATIONS, PREDICTIONS, Predictions
from tintbox.plugins.coco_eval.settings import Settings
from tintbox.plugins.coco_eval.sources import check_comparable
from tintbox.reports.entries import Entry

MOST_IMAGES = 5000  # largest split for which evaluations are repeated for paired differences


def evaluate_again(entries: Sequence[Entry], kind: str) -> dict[int, Evaluation]:
    """Return resampled evaluations of the runs whose ground truth and predictions were saved, by run index.

    Runs that were evaluated on other data than the first one, and those that cannot be evaluated, are left out, so any
    two can be compared.
    """
    found: dict[int, Predictions] = {}
    chosen = Settings()
    for entry in entries:
        part = entry.coco.parts.get(kind) if entry.coco else None
        if entry.coco is None or part is None or not part.resamples or part.images > MOST_IMAGES:
            continue
        first = next(iter(found.values()), None)
        if kept := _read_kept(entry.coco.folder, first):
            found[entry.index] = kept
            if first is None:
                chosen = Settings(resamples=part.resamples, seed=part.seed, level=part.level, explain=False)
    if len(found) < 2:
        return {}
    evaluated = {}
    for index, one in found.items():
        with suppress(TintboxError):  # predictions without masks, say
            evaluated[index] = evaluate(one.truth, one.detections, kind, chosen)
    return evaluated


def _read_kept(folder: Path, first: Predictions | None) -> Predictions | None:
    """Return a run's ground truth and predictions, None if not saved or not comparable with those of the first run."""
    files = [folder / file for file in (ANNOTATIONS, PREDICTIONS)]
    try:
        if not all(file.is_file() and file.stat().st_size <= limits.PREDICTIONS_BYTES for file in files):
            return None
        found = Predictions.read(folder)
        if first is not None:
            check_comparable(first.truth, found.truth)
    except (TintboxError, OSError):
        return None
    return found


def difference(found: Mapping[int, Evaluation], first: Entry, second: Entry) -> Comparison | None:
    """Return the paired comparison of two runs, second - first, or None if there is none."""
    if first.index == second.index or not {first.index, second.index} <= set(found):
        return None
    try:
        return Comparison(found[first.index], found[second.index])
    except TintboxError:
        return None
