"""The folder that a training run of Ultralytics leaves behind, as data."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tintbox import run_arguments
from tintbox.errors import TintboxError, TintboxFileError, nearest_file, one_line

ARGUMENTS, RESULTS, ENVIRONMENT = run_arguments.STOCK, "results.csv", "environment.json"

# Task -> the columns of results.csv whose sum ranks the epochs: Ultralytics' `fitness`, of which best.pt is the best.
FITNESS = {
    "detect": ("metrics/mAP50-95(B)",),
    "obb": ("metrics/mAP50-95(B)",),
    "segment": ("metrics/mAP50-95(B)", "metrics/mAP50-95(M)"),
    "pose": ("metrics/mAP50-95(B)", "metrics/mAP50-95(P)"),
    "classify": ("metrics/accuracy_top5", "metrics/accuracy_top1"),
    "semantic": ("metrics/mIoU",),
    "depth": ("metrics/delta1",),
    "colorize": ("metrics/accuracy",),
}


@dataclass(frozen=True)
class RunFolder:
    """A training run.

    Attributes:
        folder: Where it is.
        arguments: ``args.yaml`` and ``tintbox.yaml``: the training arguments; of tintbox's those that were set.
        curves: ``results.csv``: column -> a value per epoch, NaN where there is none.
        environment: ``environment.json``: versions and hardware; empty for a run without tintbox.
    """

    folder: Path
    arguments: Mapping[str, Any]
    curves: Mapping[str, Sequence[float]]
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

    @property
    def task(self) -> str:
        """The task, e.g. ``detect``."""
        return str(self.arguments.get("task", "detect"))

    @property
    def epochs(self) -> int:
        """How many epochs were trained and written down."""
        return len(self.curves["epoch"])

    @property
    def metric(self) -> str:
        """The column that stands for the run, greater being better: the last one of its task's fitness."""
        return next((column for column in reversed(self._fitness) if column in self.curves), self._fitness[0])

    @property
    def _fitness(self) -> tuple[str, ...]:
        return FITNESS.get(self.task, FITNESS["detect"])

    @cached_property
    def best(self) -> int:
        """The index of `best.pt`'s epoch: the first of the greatest fitness, or the last by `select=last`."""
        columns = [self.curves[column] for column in self._fitness if column in self.curves]
        if self.arguments.get("select") == "last" or not columns:
            return self.epochs - 1
        sums = [sum(values) for values in zip(*columns)]
        known = [value for value in sums if not math.isnan(value)]
        return sums.index(max(known)) if known else self.epochs - 1

    @cached_property
    def loss(self) -> list[float]:
        """The validation loss per epoch: the sum of the columns `val/...`; empty if there are none."""
        columns = [values for column, values in self.curves.items() if column.startswith("val/")]
        return [sum(values) for values in zip(*columns)]

    @property
    def seconds(self) -> float:
        """How long it trained; `time` begins anew where a run was resumed."""
        times = self.curves.get("time", ())
        ends = [now for now, after in zip(times, [*times[1:], -math.inf]) if after < now]
        return sum(ends)

    @property
    def weights(self) -> Path | None:
        """`best.pt`, else `last.pt`, else None."""
        files = [self.folder / "weights" / name for name in ("best.pt", "last.pt")]
        return next((file for file in files if file.is_file()), None)


def missing(folder: Path) -> list[str]:
    """Return which of the files that make a folder a run are not there."""
    return [name for name in (ARGUMENTS, RESULTS) if not (folder / name).is_file()]


def read(folder: str | Path) -> RunFolder:
    """Read a run's folder, of tintbox or of a stock Ultralytics.

    Raises:
        TintboxError: There is no such folder, it is no run, or its files cannot be read; the line says which.
    """
    folder = Path(folder)
    if folder.is_file():
        raise TintboxError(f"{folder} is a file; give a run's folder, the one that has {ARGUMENTS} and {RESULTS}")
    if not folder.is_dir():
        raise TintboxFileError(f"{folder}: no such folder{nearest_file(folder)}")
    if lacking := missing(folder):
        raise TintboxFileError(f"{folder} is no training run: {' and '.join(lacking)} missing")
    try:
        arguments = run_arguments.read(folder)
        curves = read_curves(folder / RESULTS)
    except (OSError, ValueError) as error:
        raise TintboxError(f"{folder} is no training run: {one_line(error)}") from error
    if not curves.get("epoch"):
        raise TintboxError(f"{folder} has no finished epoch in {RESULTS}; wait for the first one")
    return RunFolder(folder, arguments, curves, read_environment(folder))


def read_curves(file: Path) -> dict[str, list[float]]:
    """Return the columns of a ``results.csv``; an epoch that a resumed run wrote twice counts as it came last.

    Raises:
        ValueError: A cell is no number.
    """
    with file.open(newline="", encoding="utf-8") as stream:
        rows = [{key.strip(): value for key, value in row.items() if key} for row in csv.DictReader(stream)]
    whole = [row for row in rows if all(row.values())]  # a process that is killed may leave half a line
    if not whole:
        return {}
    by_epoch = {row.get("epoch", ""): row for row in whole}
    return {column: [float(row[column]) for row in by_epoch.values()] for column in whole[0]}


def read_environment(folder: Path) -> dict[str, Any]:
    """Return what ``environment.json`` says, or nothing."""
    try:
        found = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
