"""Titles of the columns in ``results.csv``, and the number by which a section's runs are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.reports.entries import Entry, Section, find_differing
from tintbox.run_folder import RunFolder

ENDS = {"(B)": " (boxes)", "(M)": " (masks)", "(P)": " (keypoints)"}
BY_SIZE = ("metrics/mAP_small", "metrics/mAP_medium", "metrics/mAP_large")
# The arguments that determine the meaning of a metric: numbers of runs that differ in one are not comparable.
MEANING = ("data", "split", "single_cls", "classes", "conf", "iou", "max_det")
OF_COLOURS = ("data", "split", "palette", "imgsz")


@dataclass(frozen=True)
class Criterion:
    """The number that decides which run is best; greater is better.

    Attributes:
        title: Its name.
        values: Index of a run -> its value.
        level: Confidence level of the intervals, NaN if there are none.
        kind: The IoU type of a COCO evaluation, else empty.
    """

    title: str
    values: dict[int, Estimate]
    level: float = math.nan
    kind: str = ""


def title(column: str, task: str) -> str:
    """Return the title of a column in ``results.csv``, e.g. ``mAP50-95``; with ``(boxes)`` if there are others."""
    name = column.removeprefix("metrics/")
    for end, words in ENDS.items():
        if name.endswith(end):
            return name.removesuffix(end) + (words if task in ("segment", "pose") else "")
    return name


def read_best(run: RunFolder, column: str) -> float:
    """Return a column's value at the epoch of ``best.pt``; NaN if missing or not finite."""
    value = read_known(run, column)[run.best] if column in run.curves else math.nan
    return value if math.isfinite(value) else math.nan


def read_known(run: RunFolder, column: str) -> Sequence[float]:
    """Return a column's values by epoch, with NaN for -1, which means an AP by size without objects of that size.

    With `save_json` Ultralytics writes an AP by size for every epoch, 0 if it has not computed one; such a column
    without positive values counts as unknown.
    """
    values = run.curves[column]
    if column.startswith(BY_SIZE) and not any(value > 0 for value in values):
        return [math.nan] * len(values)
    return [math.nan if value == -1 else value for value in values] if "AP" in column else values


def iou_type(entry: Entry, column: str) -> str:
    """Return the part of a run's COCO evaluation that matches a column; empty if there is none."""
    kinds = entry.coco.parts if entry.coco else {}
    wanted = "segm" if column.endswith("(M)") else "bbox"
    return wanted if wanted in kinds else next(iter(kinds), "")


def criterion(section: Section) -> Criterion:
    """Return COCO's AP if all runs were evaluated on the same images, else the training's value at the best epoch."""
    column = section.entries[0].run.metric
    kinds = {iou_type(entry, column) for entry in section.entries}
    evaluated = [entry.coco for entry in section.entries if entry.coco]
    if len(evaluated) == len(section.entries) and len(kinds) == 1 and not other_data(section):
        kind = kinds.pop()
        parts = [coco.parts[kind] for coco in evaluated]
        on = {(Path(coco.data).name, coco.split, part.images, part.level) for coco, part in zip(evaluated, parts)}
        if len(on) == 1:
            words = {"bbox": "COCO AP", "segm": "COCO AP of masks"}[kind]
            values = {e.index: part.metrics["AP"] for e, part in zip(section.entries, parts)}
            if any(not math.isnan(value.value) for value in values.values()):
                return Criterion(f"{words} on {evaluated[0].split}", values, parts[0].level, kind)
    values = {entry.index: Estimate(read_best(entry.run, column)) for entry in section.entries}
    return Criterion(f"{title(column, section.task)} at the best epoch", values)


def other_data(section: Section) -> dict[str, list[str]]:
    """Return the differing arguments that make the section's metrics incomparable."""
    return find_differing(section.entries, OF_COLOURS if section.task == "colorize" else MEANING)


def columns(entries: Sequence[Entry], start: str) -> list[str]:
    """Return the non-empty columns of any run's ``results.csv`` that begin with ``start``, in order."""
    return list(
        dict.fromkeys(
            name
            for entry in entries
            for name in entry.run.curves
            if name.startswith(start) and any(math.isfinite(value) for value in read_known(entry.run, name))
        )
    )
