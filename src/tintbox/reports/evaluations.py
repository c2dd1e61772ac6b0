"""The COCO evaluations of runs: ``coco.json`` as data, and paired differences where the predictions were kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tintbox import json_file, limits
from tintbox.errors import TintboxError, one_line

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.evaluation import Evaluation
    from tintbox.plugins.coco_eval.sources import Source
    from tintbox.reports.gather import Entry

FILE = "coco.json"
TITLES = {"bbox": "boxes", "segm": "masks"}
MOST_IMAGES = 5000  # of a split whose evaluations are repeated for paired differences


@dataclass(frozen=True)
class Value:
    """A number with its interval; NaN for "n/a"."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def bounded(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low + self.high)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Value:
        """Return a number of ``coco.json``."""
        return cls(*(math.nan if found[key] is None else float(found[key]) for key in ("value", "low", "high")))


@dataclass(frozen=True)
class Part:
    """An evaluation of boxes or of masks.

    Attributes:
        images: Number of images.
        level: Confidence level of the intervals.
        resamples, seed: What the intervals are made of.
        metrics: COCO's twelve by name.
        classes: Class -> number of objects, and its AP.
        measure: What errors are measured in, e.g. ``AP50``.
        errors: Kind of error -> AP that would be gained without it, and how many there are.
        precision: Mean precision over the classes at IoU 0.5 by recall; empty where there is none.
        recall: The recalls, 0 to 1.
    """

    images: int
    level: float
    resamples: int
    seed: int
    metrics: Mapping[str, Value]
    classes: Mapping[str, tuple[int, Value]]
    measure: str
    errors: Mapping[str, tuple[float, int]]
    precision: Sequence[float]
    recall: Sequence[float]


@dataclass(frozen=True)
class CocoFile:
    """A ``coco.json``.

    Attributes:
        folder: Where it is.
        data: The dataset YAML that it is of.
        split: The split.
        parts: By IoU type: ``"bbox"``, and ``"segm"`` where masks were evaluated.
    """

    folder: Path
    data: str
    split: str
    parts: Mapping[str, Part]


def read(run: Path) -> tuple[CocoFile | None, str]:
    """Return the COCO evaluation in a run's folder, else the newest directly below it, and what is wrong with it.

    Returns:
        The evaluation, or None; and a sentence if there is one that cannot be read, else an empty text.
    """
    own = run / FILE
    try:
        below = sorted(run.glob(f"*/{FILE}"), key=lambda file: file.stat().st_mtime, reverse=True)
        files = [own] * own.is_file() + below
    except OSError as error:
        return None, f"{run} cannot be looked through for a {FILE} ({error.strerror})"
    problem = ""
    for file in files:
        try:
            content = json_file.read(file, limits.EVALUATION_BYTES)
            parts = {kind: part(content[kind]) for kind in TITLES if kind in content}
            if parts:
                return CocoFile(file.parent, str(content.get("data", "")), str(content.get("split", "")), parts), ""
            problem = problem or f"{file} holds no evaluation"
        except TintboxError as error:
            problem = problem or one_line(error)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            problem = problem or f"{file} cannot be read ({type(error).__name__}: {one_line(error)})"
    return None, problem


def part(content: Mapping[str, Any]) -> Part:
    """Return one evaluation of ``coco.json``.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError: It is not what `coco_eval` writes.
    """
    from tintbox.plugins.coco_eval.settings import check_one

    errors, curves = content.get("errors") or {}, content.get("precision_recall") or {}
    overall = errors.get("overall", {"gain": {}, "count": {}})
    by_class = [levels[0] for levels in (curves.get("precision") or {}).values() if levels]
    recall = [float(r) for r in curves.get("recall") or ()]
    for what, much, most in (
        ("classes", len(content["classes"]), limits.EVALUATION_CLASSES),
        ("recalls", max([len(recall), *map(len, by_class)]), limits.EVALUATION_POINTS),
        ("kinds of errors", len(overall["gain"]), limits.EVALUATION_POINTS),
    ):
        if much > most:
            raise ValueError(f"{much:,} {what}, more than {most:,}")
    made_of = {key: content[key] for key in ("resamples", "seed", "level")}
    if wrong := next(filter(None, (check_one(key, value) for key, value in made_of.items())), None):
        raise ValueError(wrong)
    return Part(
        images=int(content["images"]),
        **made_of,
        metrics={key: Value.of(content["metrics"][key]) for key in dict.fromkeys(["AP", *content["metrics"]])},
        classes={
            str(name): (int(found["objects"]), Value.of(found["metrics"]["AP"]))
            for name, found in content["classes"].items()
        },
        measure=f"AP{round(100 * errors.get('pos', 0.5))}",
        errors={str(kind): (float(gain), int(overall["count"][kind])) for kind, gain in overall["gain"].items()},
        precision=[sum(column) / len(column) for column in zip(*by_class)],
        recall=recall,
    )


def paired(entries: Sequence[Entry], kind: str) -> dict[int, Evaluation]:
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
