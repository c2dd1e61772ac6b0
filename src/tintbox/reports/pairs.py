"""Paired differences between the COCO evaluations of runs, where their truth and predictions were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tintbox import limits
from tintbox.errors import TintboxError
from tintbox.reports.gather import Entry

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.evaluation import Evaluation
    from tintbox.plugins.coco_eval.sources import Source

MOST_IMAGES = 5000  # of a split whose evaluations are repeated for paired differences


def evaluate_again(entries: Sequence[Entry], kind: str) -> dict[int, Evaluation]:
    """Return evaluations with resamples of the runs whose truth and predictions were kept, by the runs' indices.

    Runs that were evaluated on something else than the first of them are left out, so any two can be compared.
    """
    sources: dict[int, Source] = {}
    first: Entry | None = None
    for entry in entries:
        found = _source(entry, kind, sources, first)
        if found is not None:
            sources[entry.index], first = found, first or entry
    if len(sources) < 2 or first is None or first.coco is None:
        return {}

    from tintbox.plugins.coco_eval.evaluation import evaluate
    from tintbox.plugins.coco_eval.settings import Settings

    like = first.coco.parts[kind]
    chosen = Settings(resamples=like.resamples, seed=like.seed, level=like.level, explain=False)
    return {index: evaluate(s.truth, s.detections, kind, chosen) for index, s in sources.items()}


def _source(entry: Entry, kind: str, others: Mapping[int, Source], first: Entry | None) -> Source | None:
    """Return a run's truth and predictions, None if they were not kept or do not go with those of the others."""
    from tintbox.plugins import autoload

    if entry.coco is None or kind not in entry.coco.parts:
        return None
    evaluated = entry.coco.parts[kind]
    if not evaluated.resamples or evaluated.images > MOST_IMAGES:
        return None
    autoload.install()
    from tintbox.plugins.coco_eval import sources

    try:
        files = [entry.coco.folder / name for name in (sources.ANNOTATIONS, sources.PREDICTIONS)]
        if not all(file.is_file() and file.stat().st_size <= limits.PREDICTIONS_BYTES for file in files):
            return None
        found = sources.read_source(entry.coco.folder, entry.name)
        if others and first is not None:
            sources.check_comparable(others[first.index], found)
    except (TintboxError, OSError):
        return None
    return found


def difference(found: Mapping[int, Evaluation], first: Entry, second: Entry) -> Comparison | None:
    """Return the paired comparison of two runs, second - first, None where there is none."""
    if first.index == second.index or not {first.index, second.index} <= set(found):
        return None
    from tintbox.plugins.coco_eval.comparison import Comparison

    try:
        return Comparison(found[first.index], found[second.index])
    except TintboxError:
        return None
