"""What columns of ``results.csv`` are called, and by which number the runs of a section are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tintbox.reports.evaluations import Value
from tintbox.reports.gather import Entry, Section, find_differing
from tintbox.run_folder import RunFolder

ENDS = {"(B)": " (boxes)", "(M)": " (masks)", "(P)": " (keypoints)"}
BY_SIZE = ("metrics/mAP_small", "metrics/mAP_medium", "metrics/mAP_large")
# The arguments on which the meaning of a metric depends: figures of runs that differ in one are not to be compared.
MEANING = ("data", "split", "single_cls", "classes", "conf", "iou", "max_det")
OF_COLOURS = ("data", "split", "palette", "imgsz")


@dataclass(frozen=True)
class Ruler:
    """The number that says which run is best; greater is better.

    Attributes:
        title: What it is called.
        values: By the runs' indices.
        level: Confidence level of the intervals, NaN where there are none.
        kind: The IoU type of a COCO evaluation, else empty.
    """

    title: str
    values: dict[int, Value]
    level: float = math.nan
    kind: str = ""


def title(column: str, task: str) -> str:
    """Return what a column of ``results.csv`` is called, e.g. ``mAP50-95``; with ``(boxes)`` where there are others."""
    name = column.removeprefix("metrics/")
    for end, words in ENDS.items():
        if name.endswith(end):
            return name.removesuffix(end) + (words if task in ("segment", "pose") else "")
    return name


def read_best(run: RunFolder, column: str) -> float:
    """Return a column's value in the epoch that ``best.pt`` is of; NaN if there is none, or no finite one."""
    value = read_known(run, column)[run.best] if column in run.curves else math.nan
    return value if math.isfinite(value) else math.nan


def read_known(run: RunFolder, column: str) -> Sequence[float]:
    """Return a column's values by epoch; NaN for -1, an AP by size without an object of that size.

    With `save_json` Ultralytics writes an AP by size for every epoch, and 0 where it has not computed one; a column
    without any other number is of these.
    """
    values = run.curves[column]
    if column.startswith(BY_SIZE) and not any(value > 0 for value in values):
        return [math.nan] * len(values)
    return [math.nan if value == -1 else value for value in values] if "AP" in column else values


def main_metric(section: Section) -> str:
    """Return the column of ``results.csv`` that stands for the section's runs."""
    return section.entries[0].run.metric


def iou_type(entry: Entry, column: str) -> str:
    """Return which part of a run's COCO evaluation goes with a column; empty if there is none."""
    kinds = entry.coco.parts if entry.coco else {}
    wanted = "segm" if column.endswith("(M)") else "bbox"
    return wanted if wanted in kinds else next(iter(kinds), "")


def ruler(section: Section) -> Ruler:
    """Return COCO's AP where all runs were evaluated on the same images, else the best epoch's value of training."""
    column = main_metric(section)
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
                return Ruler(f"{words} on {evaluated[0].split}", values, parts[0].level, kind)
    values = {entry.index: Value(read_best(entry.run, column)) for entry in section.entries}
    return Ruler(f"{title(column, section.task)} at the best epoch", values)


def other_data(section: Section) -> dict[str, list[str]]:
    """Return the arguments by which the section's metrics mean different things from run to run."""
    return find_differing(section.entries, OF_COLOURS if section.task == "colorize" else MEANING)


def columns(entries: Sequence[Entry], start: str) -> list[str]:
    """Return the columns of any run's ``results.csv`` that begin with ``start`` and are not empty, in their order."""
    return list(
        dict.fromkeys(
            name
            for entry in entries
            for name in entry.run.curves
            if name.startswith(start) and any(math.isfinite(value) for value in read_known(entry.run, name))
        )
    )
