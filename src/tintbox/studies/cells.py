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
from tintbox.studies.outcome import Outcome
from tintbox.studies.values import text

LOSS = "val/loss"


@dataclass(frozen=True)
class Result:
    """A run that a study asked for, and what came of it.

    Attributes:
        run: The run.
        outcome: How it stands, None if it was never started.
        found: Its folder, None if there is nothing to read.
    """

    run: Run
    outcome: Outcome | None
    found: RunFolder | None

    def values(self, epoch: int | None = None) -> dict[str, float]:
        """Return column -> value at an epoch, by default that of `best.pt`: metrics, losses, best epoch, time.

        The sum of the validation losses is ``val/loss``.
        """
        if self.found is None:
            return {}
        best = self.found.best if epoch is None else epoch
        curves = {k: v for k, v in self.found.curves.items() if k.startswith(("metrics/", "val/"))}
        losses = {LOSS: self.found.loss} if self.found.loss else {}
        numbers = {key: values[best] for key, values in {**curves, **losses}.items()}
        return {
            **numbers,
            "best_epoch": self.found.best + 1,
            "epochs": self.found.epochs,
            "seconds": self.found.seconds,
        }


@dataclass(frozen=True)
class Cell:
    """The runs of a study that differ by the seed alone.

    Attributes:
        settings: The value of every varied argument but the seed.
        results: The finished runs, by seed.
    """

    settings: Mapping[str, Any]
    results: Mapping[Any, Result]

    @property
    def title(self) -> str:
        """Its settings in words."""
        return ", ".join(f"{key}={text(value)}" for key, value in self.settings.items()) or "all runs"

    @cached_property
    def fingerprint(self) -> Hashable:
        """What is the same for cells of which every number of every epoch is the same, seed by seed, but the time."""
        return tuple(
            (seed, key, tuple(map(str, values)))
            for seed, result in sorted(self.results.items(), key=lambda item: str(item[0]))
            for key, values in (result.found.curves if result.found else {}).items()
            if key != "time"
        )

    def column(self, name: str) -> dict[Any, float]:
        """Return seed -> a run's value of a column, without those that have none."""
        found = {seed: result.values().get(name, math.nan) for seed, result in self.results.items()}
        return {seed: value for seed, value in found.items() if not math.isnan(value)}


def group_by_cell(results: Sequence[Result]) -> list[Cell]:
    """Return the cells that have a finished run, in the order of the study."""
    by_settings: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        if result.found is not None and result.outcome and result.outcome.state == "finished":
            by_settings.setdefault(result.run.cell, []).append(result)
    return [
        Cell(
            {key: value for key, value in runs[0].run.settings.items() if key != REPLICATE},
            {result.run.settings.get(REPLICATE): result for result in runs},
        )
        for runs in by_settings.values()
    ]


def group_by_task(found: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return task -> its cells: metrics of different tasks stand in no common column."""
    groups: dict[str, list[Cell]] = {}
    for cell in found:
        task = next(iter(cell.results.values())).found.task  # type: ignore[union-attr]
        groups.setdefault(task, []).append(cell)
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
