"""A study's runs with their numbers, and its cells: groups of runs that differ only in the seed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tintbox.run_folder import RunFolder
from tintbox.studies.grid import REPLICATE, Run
from tintbox.studies.outcome import FINISHED, Outcome
from tintbox.studies.values import settings_text, texts

LOSS = "val/loss"


@dataclass(frozen=True)
class Result:
    """A run of a study, and its result so far.

    Attributes:
        outcome: Its state, None if it was never started.
        found: Its folder, None if there is nothing to read.
    """

    run: Run
    outcome: Outcome | None
    found: RunFolder | None


def numbers(run: RunFolder, epoch: int) -> dict[str, float]:
    """Return column -> value at an epoch: metrics, losses and their sum ``val/loss``; plus best epoch and time."""
    curves = {key: values[epoch] for key, values in run.curves.items() if key.startswith(("metrics/", "val/"))}
    loss = {LOSS: run.loss[epoch]} if run.loss else {}
    return {**curves, **loss, "best_epoch": run.best + 1, "epochs": run.epochs, "seconds": run.seconds}


@dataclass(frozen=True)
class Group:
    """The runs of a study that differ only in the seed.

    Attributes:
        settings: The value of every varied argument except the seed.
        shown: The same as text; see `values.texts`.
    """

    settings: Mapping[str, Any]
    shown: Mapping[str, str]

    @property
    def title(self) -> str:
        """Its settings as text."""
        return settings_text(self.shown) or "all runs"


def without_seed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without the argument in which the runs of a cell differ."""
    return {key: value for key, value in settings.items() if key != REPLICATE}


@dataclass(frozen=True)
class Cell(Group):
    """A cell of a study without folds.

    Attributes:
        results: The finished runs' folders, by seed.
    """

    results: dict[Any, RunFolder]

    @property
    def example(self) -> RunFolder:
        """One of its runs; all have the same task and metric."""
        return next(iter(self.results.values()))

    @cached_property
    def fingerprint(self) -> Hashable:
        """Equal for cells whose runs, seed by seed, agree in every number of every epoch except times."""
        return frozenset((seed, run.fingerprint) for seed, run in self.results.items())

    @cached_property
    def numbers(self) -> dict[Any, dict[str, float]]:
        """Seed -> a run's numbers at the epoch of `best.pt`."""
        return {seed: numbers(run, run.best) for seed, run in self.results.items()}

    def column(self, name: str) -> dict[Any, float]:
        """Return seed -> a run's value of a column at the epoch of `best.pt`; runs without a value are left out."""
        found = {seed: own.get(name, math.nan) for seed, own in self.numbers.items()}
        return {seed: value for seed, value in found.items() if not math.isnan(value)}


def group_by_cell(results: Sequence[Result]) -> list[Cell]:
    """Return the cells that have a finished run, in the study's order."""
    cells: dict[tuple[str, ...], Cell] = {}
    for result, shown in zip(results, texts([result.run.settings for result in results])):
        if result.found is not None and result.outcome and result.outcome.state == FINISHED:
            settings = result.run.settings
            cell = cells.setdefault(result.run.cell, Cell(without_seed(settings), without_seed(shown), {}))
            cell.results[settings.get(REPLICATE)] = result.found
    return list(cells.values())


def group_by_task(found: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return task -> its cells: different tasks have different metrics, so they share no columns."""
    groups: dict[str, list[Cell]] = {}
    for cell in found:
        groups.setdefault(cell.example.task, []).append(cell)
    return groups


def spread(values: Sequence[float]) -> float:
    """Return the sample standard deviation (n - 1), NaN for fewer than two values or non-finite ones."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return math.nan
    try:
        return statistics.stdev(values)
    except OverflowError:
        return math.inf


def mean(values: Sequence[float]) -> float:
    """Return the mean of values, which may be infinite; NaN if they include both infinities."""
    return statistics.mean(values) if all(map(math.isfinite, values)) else sum(values) / len(values)
