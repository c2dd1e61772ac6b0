"""The folder of an Ultralytics training run, as data."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tintbox import file_bytes, json_file, limits, run_arguments
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, one_line, reason_of, suggest_file

ARGUMENTS, RESULTS, ENVIRONMENT = run_arguments.STOCK, "results.csv", "environment.json"
LARGEST = 3.4e38  # largest 32-bit float, the type that Ultralytics uses; values beyond it count as infinite

# Task -> the columns of results.csv whose sum ranks the epochs: Ultralytics' `fitness`, which best.pt maximises.
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

FITNESS_DIGITS = 5  # decimals to which Ultralytics rounds it, so that epochs that differ in others are equal


@dataclass(frozen=True)
class RunFolder:
    """A training run.

    Attributes:
        folder: Its folder.
        arguments: ``args.yaml`` and ``tintbox.yaml``: the training arguments; tintbox's own only if set.
        curves: ``results.csv``: column -> a value per epoch, NaN if missing.
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
        """Number of epochs trained and recorded."""
        return len(self.curves["epoch"])

    @property
    def metric(self) -> str:
        """The column by which the run is judged (greater is better): the last one of its task's fitness."""
        return next((column for column in reversed(self._fitness) if column in self.curves), self._fitness[0])

    @property
    def _fitness(self) -> tuple[str, ...]:
        return FITNESS.get(self.task, FITNESS["detect"])

    @cached_property
    def best(self) -> int:
        """The index of `best.pt`'s epoch: the last with the greatest fitness, or simply the last with `select=last`."""
        columns = [self.curves[column] for column in self._fitness if column in self.curves]
        if self.arguments.get("select") == "last" or not columns:
            return self.epochs - 1
        sums = [round(sum(values), FITNESS_DIGITS) for values in zip(*columns)]
        known = [(value, epoch) for epoch, value in enumerate(sums) if math.isfinite(value)]
        return max(known)[1] if known else self.epochs - 1

    @cached_property
    def loss(self) -> list[float]:
        """The validation loss per epoch: the sum of the columns `val/...`; empty if there are none."""
        columns = [values for column, values in self.curves.items() if column.startswith("val/")]
        return [sum(values) for values in zip(*columns)]

    @cached_property
    def times(self) -> list[float]:
        """Training time in seconds by epoch, summed over resumptions, at which the column `time` restarts."""
        found, earlier, last = [], 0.0, 0.0
        for time in self.curves.get("time", ()):
            if math.isfinite(time):
                earlier, last = earlier + last * (time < last), time
            found.append(earlier + last)
        return found

    @property
    def seconds(self) -> float:
        """Training time in seconds, 0 if unknown."""
        return self.times[-1] if self.times else 0.0

    @cached_property
    def fingerprint(self) -> Hashable:
        """Equal for runs with the same numbers in every epoch except times: they were the same training.

        An argument in which two such runs differ had no effect, e.g. ``lr0`` with ``optimizer=auto``.
        """
        return frozenset((name, tuple(map(str, values))) for name, values in self.curves.items() if name != "time")

    @property
    def weights(self) -> Path | None:
        """`best.pt`, else `last.pt`, else None; also None if their folder is unreadable."""
        return next(filter(is_there, (self.folder / "weights" / name for name in ("best.pt", "last.pt"))), None)


def missing(folder: Path) -> list[str]:
    """Return which of the files that make a folder a run are missing.

    Raises:
        OSError: The folder is unreadable.
    """
    return [name for name in (ARGUMENTS, RESULTS) if not (folder / name).is_file()]


def suggest_run(path: Path) -> str:
    """Return what to give instead of a run that is not there: the one where Ultralytics keeps its runs, or one like it.

    That is not the working directory, if Ultralytics' environment is in a git repository.
    """
    from ultralytics.utils import SETTINGS

    there = Path(SETTINGS["runs_dir"]).parent / path
    return f"; did you mean '{there}'?" if is_there(there, Path.exists) else suggest_file(path)


def read(folder: str | Path) -> RunFolder:
    """Read a run's folder, of tintbox or of a stock Ultralytics.

    Raises:
        TintboxError: The folder does not exist or is not a run, or its files cannot be read or exceed the limits in
            `tintbox.limits`; the line says which.
    """
    folder = Path(folder)
    try:
        if folder.is_file():
            raise TintboxError(f"{folder} is a file; give a run's folder, the one that has {ARGUMENTS} and {RESULTS}")
        if not folder.is_dir():
            raise TintboxFileError(f"{folder}: no such folder{suggest_run(folder)}")
        lacking = missing(folder)
        if lacking == [RESULTS]:
            raise TintboxFileError(f"{folder} has no finished epoch: {RESULTS} is missing; wait for it, or train again")
        if lacking:
            raise TintboxFileError(f"{folder} is no training run: {' and '.join(lacking)} missing")
        arguments = run_arguments.read(folder)
        curves = read_curves(folder / RESULTS)
    except TintboxError:
        raise
    except OSError as error:
        raise TintboxError(f"{error.filename or folder}: cannot be read ({reason_of(error)})") from error
    except (ValueError, csv.Error) as error:
        raise TintboxError(f"{folder} is no training run: {one_line(error)}") from error
    if not curves.get("epoch"):
        raise TintboxError(f"{folder} has no finished epoch in {RESULTS}; wait for the first one")
    return RunFolder(folder, arguments, curves, read_environment(folder))


def read_curves(file: Path) -> dict[str, list[float]]:
    """Return the columns of a ``results.csv``; for epochs that a resumed run wrote twice, the last row counts.

    With `save_json` and `val=False`, Ultralytics writes metrics in the last row, after the others, that have no column.

    Raises:
        OSError: It cannot be read, or is larger than `tintbox.limits` allows.
        ValueError: A cell is not a number, or there are more cells than it allows.
        csv.Error: A cell is longer than any number.
    """
    raw = file_bytes.read(file, limits.RESULTS_BYTES)
    lines = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    head = [name.strip() for name in next(lines, [])]
    places = {name: place for place, name in enumerate(head) if name}
    after = max((place for name, place in places.items() if name.startswith("metrics/")), default=len(head)) + 1
    if len(places) > limits.RESULTS_COLUMNS:
        raise ValueError(f"{file.name} has {len(places):,} columns, more than {limits.RESULTS_COLUMNS}")
    by_epoch: dict[str, dict[str, str]] = {}
    for count, row in enumerate(lines, start=1):
        if count * len(places) > limits.RESULTS_CELLS:
            raise ValueError(f"{file.name} has more than {limits.RESULTS_CELLS:,} values")
        if len(row) > len(head) and row[-1].strip():
            del row[after : after + len(row) - len(head)]
        cells = {name: row[place] for name, place in places.items() if place < len(row)}
        if len(cells) == len(places) and all(cells.values()):  # a killed process may leave half a line
            by_epoch[cells.get("epoch", "")] = cells
    return {name: [number(cells[name]) for cells in by_epoch.values()] for name in places if by_epoch}


def number(cell: str) -> float:
    """Return a cell's number.

    Raises:
        ValueError: It is not a number.
    """
    value = float(cell)
    return value if not abs(value) > LARGEST else math.copysign(math.inf, value)


def read_environment(folder: Path) -> dict[str, Any]:
    """Return the content of ``environment.json``, {} if missing or unreadable."""
    try:
        found = json_file.read(folder / ENVIRONMENT, limits.ENVIRONMENT_BYTES)
    except TintboxError:
        return {}
    return found if isinstance(found, dict) else {}
