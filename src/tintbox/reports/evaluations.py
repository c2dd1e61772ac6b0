"""The COCO evaluations of runs: ``coco.json`` as data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tintbox import json_file, limits
from tintbox.errors import TintboxError, one_line, reason_of
from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.plugins.coco_eval.metrics import TITLES
from tintbox.plugins.coco_eval.settings import check_each
from tintbox.run_arguments import COCO
from tintbox.run_folder import RESULTS

COPYING = 60  # seconds by which the dates of a run's files can differ in a copy of its folder


@dataclass(frozen=True)
class Part:
    """An evaluation of boxes or of masks.

    Attributes:
        images: Number of images.
        level: Confidence level of the intervals.
        resamples, seed: Parameters of the bootstrap for the intervals.
        metrics: COCO's twelve metrics by name.
        classes: Class -> number of objects, and its AP.
        measure: The metric in which errors are measured, e.g. ``AP50``.
        errors: Kind of error -> AP that would be gained without it, and the number of such errors.
        precision: Precision at IoU 0.5 averaged over classes, by recall; empty if unknown.
        recall: The recalls, 0 to 1.
    """

    images: int
    level: float
    resamples: int
    seed: int
    metrics: Mapping[str, Estimate]
    classes: Mapping[str, tuple[int, Estimate]]
    measure: str
    errors: Mapping[str, tuple[float, int]]
    precision: Sequence[float]
    recall: Sequence[float]


@dataclass(frozen=True)
class CocoFile:
    """A ``coco.json``.

    Attributes:
        parts: By IoU type: ``"bbox"``, and ``"segm"`` if masks were evaluated.
    """

    folder: Path
    data: str
    split: str
    parts: Mapping[str, Part]


def read(run: Path) -> tuple[CocoFile | None, str]:
    """Return the COCO evaluation in a run's folder, else the newest one directly below it.

    One from before the run's last epoch does not count: it is of other weights.

    Returns:
        The evaluation, or None; and a sentence if one exists but cannot be read, else "".
    """
    own = run / COCO
    try:
        dates = {file: file.stat().st_mtime for file in (own, *run.glob(f"*/{COCO}")) if file.is_file()}
        epochs = run / RESULTS
        since = epochs.stat().st_mtime - COPYING if epochs.is_file() else -math.inf
        files = sorted(dates, key=lambda file: (file != own, -dates[file]))
    except OSError as error:
        return None, f"{run} cannot be looked through for a {COCO} ({reason_of(error)})"
    problem = ""
    for file in files:
        if dates[file] < since:
            problem = problem or f"{file} is older than {epochs}, so it is of other weights; evaluate again"
            continue
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


def estimate(found: Mapping[str, Any]) -> Estimate:
    """Return a number of ``coco.json`` with its interval."""
    return Estimate(*(number(found[key]) for key in ("value", "low", "high")))


def number(value: Any) -> float:
    """Return a number of ``coco.json``, NaN for None."""
    return math.nan if value is None else float(value)


def part(content: Mapping[str, Any]) -> Part:
    """Return one evaluation of ``coco.json``.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError: It is not what `coco_eval` writes.
    """
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
    if wrong := check_each(made_of):
        raise ValueError(wrong)
    return Part(
        images=int(content["images"]),
        **made_of,
        metrics={key: estimate(content["metrics"][key]) for key in dict.fromkeys(["AP", *content["metrics"]])},
        classes={
            str(name): (int(found["objects"]), estimate(found["metrics"]["AP"]))
            for name, found in content["classes"].items()
        },
        measure=f"AP{round(100 * errors.get('pos', 0.5))}",
        errors={str(kind): (number(gain), int(overall["count"][kind])) for kind, gain in overall["gain"].items()},
        precision=[sum(column) / len(column) for column in zip(*by_class)],
        recall=recall,
    )
