"""A study's runs with their numbers, and its cells: the runs that differ by the seed alone."""

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
from tintbox.studies.values import text

LOSS = "val/loss"


@dataclass(frozen=True)
class Result:
    """A run that a study asked for, and what came of it.

    Attributes:
        outcome: How it stands, None if it was never started.
        found: Its folder, None if there is nothing to read.
    """

    run: Run
    outcome: Outcome | None
    found: RunFolder | None


def numbers(run: RunFolder, epoch: int) -> dict[str, float]:
    """Return column -> value at an epoch: metrics, losses and their sum ``val/loss``; best epoch, time."""
    curves = {key: values[epoch] for key, values in run.curves.items() if key.startswith(("metrics/", "val/"))}
    loss = {LOSS: run.loss[epoch]} if run.loss else {}
    return {**curves, **loss, "best_epoch": run.best + 1, "epochs": run.epochs, "seconds": run.seconds}


@dataclass(frozen=True)
class Cell:
    """The runs of a study that differ by the seed alone.

    Attributes:
        settings: The value of every varied argument but the seed.
        results: The finished runs' folders, by seed.
    """

    settings: Mapping[str, Any]
    results: dict[Any, RunFolder]

    @property
    def title(self) -> str:
        """Its settings in words."""
        return ", ".join(f"{key}={text(value)}" for key, value in self.settings.items()) or "all runs"

    @property
    def example(self) -> RunFolder:
        """One of its runs: task and metric are those of all."""
        return next(iter(self.results.values()))

    @cached_property
    def fingerprint(self) -> Hashable:
        """What is the same for cells of which every number of every epoch is the same, seed by seed, but the time."""
        return frozenset((seed, run.fingerprint) for seed, run in self.results.items())

    def column(self, name: str) -> dict[Any, float]:
        """Return seed -> a run's value of a column at the epoch of `best.pt`, without those that have none."""
        found = {seed: numbers(run, run.best).get(name, math.nan) for seed, run in self.results.items()}
        return {seed: value for seed, value in found.items() if not math.isnan(value)}


def group_by_cell(results: Sequence[Result]) -> list[Cell]:
    """Return the cells that have a finished run, in the order of the study."""
    cells: dict[tuple[str, ...], Cell] = {}
    for result in results:
        if result.found is not None and result.outcome and result.outcome.state == FINISHED:
            settings = dict(result.run.settings)
            seed = settings.pop(REPLICATE, None)
            cells.setdefault(result.run.cell, Cell(settings, {})).results[seed] = result.found
    return list(cells.values())


def group_by_task(found: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return task -> its cells: metrics of different tasks stand in no common column."""
    groups: dict[str, list[Cell]] = {}
    for cell in found:
        groups.setdefault(cell.example.task, []).append(cell)
    return groups


def spread(values: Sequence[float]) -> float:
    """Return the sample's standard deviation (n - 1), NaN for fewer than two values or one without end."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return math.nan
    try:
        return statistics.stdev(values)
    except OverflowError:
        return math.inf


def mean(values: Sequence[float]) -> float:
    """Return the mean of values; NaN of one without end and its opposite."""
    return statistics.mean(values) if all(map(math.isfinite, values)) else sum(values) / len(values)
