"""The tables of a study: one of all runs, one of all cells with mean and spread over the seeds."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tintbox import atomic
from tintbox.run_folder import ARGUMENTS, RESULTS
from tintbox.studies.cells import LOSS, Cell, Result, group_by_cell, group_by_task, mean, numbers, spread, without_seed
from tintbox.studies.outcome import FAILED, FINISHED, STARTED
from tintbox.studies.progress import clock
from tintbox.studies.values import settings_text, texts

EQUAL = "equal"
SHORT = 10.0  # seconds below which a time is shown with a tenth


def spread_text(values: Sequence[float], sign: str = "") -> str:
    """Return ``mean ± standard deviation`` with four decimals, without ± for a single value."""
    if not values:
        return ""
    deviation = spread(values)
    return f"{mean(values):{sign}.4f}" + ("" if math.isnan(deviation) else f" ± {deviation:.4f}")


def duration(seconds: Sequence[float]) -> str:
    """Return the mean of durations as text, "" if there are none."""
    average = mean(seconds) if seconds else math.nan
    return "" if math.isnan(average) else f"{average:.1f} s" if average < SHORT else clock(average)


def difference(cell: Cell, baseline: Cell, column: str) -> str:
    """Return the mean difference to the baseline: paired by seed if they share seeds, else that of the means.

    If all numbers of all epochs agree, it is `EQUAL` rather than a difference of 0.
    """
    one, other = cell.column(column), baseline.column(column)
    if cell is baseline or not one or not other:
        return ""
    if cell.fingerprint == baseline.fingerprint:
        return EQUAL
    if both := [seed for seed in one if seed in other]:
        return spread_text([one[seed] - other[seed] for seed in both], "+")
    return f"{mean([*one.values()]) - mean([*other.values()]):+.4f}"


def rows(group: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
    """Return the header and rows of the table of one task's cells; the first cell is the baseline."""
    keys = list(group[0].settings)
    metric = group[0].example.metric
    name = metric.removeprefix("metrics/")
    # A study with a single cell has no baseline; a run without validation has no loss.
    against = [f"{name}, against the first"] if len(group) > 1 else []
    head = [*keys, "n", name, *against, "validation loss", "best epoch", "time per run"]
    lines = []
    for cell in group:
        values = [cell.shown[key] for key in keys]
        epochs, seconds = cell.column("best_epoch"), cell.column("seconds")
        lines.append([
            *values, str(len(cell.results)), spread_text(list(cell.column(metric).values())),
            *[difference(cell, group[0], metric)] * len(against), spread_text(list(cell.column(LOSS).values())),
            ", ".join(f"{epoch:.0f}" for epoch in epochs.values()), duration(list(seconds.values())),
        ])  # fmt: skip
    return head, lines


def markdown(results: Sequence[Result], cells: Sequence[Cell], title: str) -> str:
    """Return a study's tables as Markdown, one per task, followed by what failed or is missing."""
    groups = group_by_task(cells)
    parts = [f"# {title}"]
    several = any(len(cell.results) > 1 for cell in cells)
    if groups:
        what = "Mean ± standard deviation over the seeds" if several else "One run each"
        parts += ["", f"{what}, at the epoch of `best.pt`."]
    if len(groups) > 1:
        parts += ["", f"These are runs of {len(groups)} tasks, {', '.join(groups)}: a table for each."]
    for task, group in groups.items():
        head, lines = rows(group)
        parts += ["", f"## {task}", ""] if len(groups) > 1 else [""]
        parts.append(markdown_table(head, lines))
    for group in groups.values():
        parts += find_equal(group)
    if len(groups) == 1:
        parts += find_baseline(results, [cell.settings for cell in cells])
    return "\n".join([*parts, *find_lacking(results)]) + "\n"


def find_lacking(results: Sequence[Result]) -> list[str]:
    """Return the lines below the table: which runs failed and why, and how many are missing."""
    parts: list[str] = []
    failed = [r for r in results if r.outcome and r.outcome.state == FAILED]
    unread = [r for r in results if r.found is None and r.outcome and r.outcome.state == FINISHED]
    lacking = [r for r in results if r.outcome is None or r.outcome.state == STARTED]
    if failed:
        parts += ["", *(f"- {r.run.name} failed: {r.outcome.reason}" for r in failed if r.outcome)]
    if unread:
        wrong = f"is finished, but its {RESULTS} or {ARGUMENTS} cannot be read; delete its folder to train it again"
        parts += ["", *(f"- {r.run.name} {wrong}" for r in unread)]
    if lacking:
        parts += ["", f"{len(lacking)} of {len(results)} runs are not there yet."]
    return parts


def find_baseline(results: Sequence[Result], shown: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines that say that the study's first setting, the baseline, is not in the table.

    Args:
        results: The results of all runs, in the study's order.
        shown: The settings in the table, without seed and fold; differences are to the first of them.
    """
    if not shown:
        return []
    runs = [{key: result.run.settings[key] for key in shown[0]} for result in results]
    if runs[0] in shown:
        return []
    described = list(map(settings_text, texts(runs)))
    lacking, instead = described[0], described[runs.index(dict(shown[0]))]
    against = f"; differences are against {instead} in its place" * (len(shown) > 1)
    return ["", f"The first setting, {lacking}, has no result{against}."]


def find_equal(group: Sequence[Cell]) -> list[str]:
    """Return a line for each set of cells with identical numbers: their differing arguments had no effect."""
    same: dict[Hashable, list[str]] = {}
    for cell in group:
        same.setdefault(cell.fingerprint, []).append(cell.title)
    sets = [titles for titles in same.values() if len(titles) > 1]
    lines = [f"- Equal in every number of every epoch: {'; '.join(titles)}. None of them is better." for titles in sets]
    return ["", *lines] if lines else []


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, with ``|`` escaped in the cells."""
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *escaped))


def save(folder: Path, results: Sequence[Result]) -> None:
    """Write ``study.md``, ``study.csv`` (a row per cell) and ``runs.csv`` (a row per run), each atomically."""
    cells = group_by_cell(results)
    atomic.write_text(folder / "study.md", markdown(results, cells, folder.name))
    atomic.write_csv(folder / "study.csv", cell_rows(results, cells))
    atomic.write_csv(folder / "runs.csv", run_rows(results, cells))


def cell_rows(results: Sequence[Result], cells: Sequence[Cell]) -> Iterator[Sequence[Any]]:
    """Yield a header, then a row per cell with mean and standard deviation of all columns."""
    keys = list(without_seed(results[0].run.settings)) if results else []
    columns = columns_of(cells)
    yield [*keys, "n", *(f"{c}{end}" for c in columns for end in ("_mean", "_sd"))]
    for cell in cells:
        numbers = [list(cell.column(c).values()) for c in columns]
        pairs = [(mean(v), spread(v)) if v else (math.nan, math.nan) for v in numbers]
        flat = ["" if math.isnan(value) else value for pair in pairs for value in pair]
        yield [*(cell.settings[key] for key in keys), len(cell.results), *flat]


def columns_of(cells: Sequence[Cell]) -> list[str]:
    """Return the columns that any run of the cells has."""
    return list(dict.fromkeys(c for cell in cells for run in cell.results.values() for c in numbers(run, -1)))


def run_rows(results: Sequence[Result], cells: Sequence[Cell]) -> Iterator[Sequence[Any]]:
    """Yield a header, then a row per run with its numbers at the best and at the last epoch."""
    keys = list(results[0].run.settings) if results else []
    columns = columns_of(cells)
    yield ["run", *keys, "state", "reason", *columns, *(f"{c}_last" for c in columns if "/" in c)]
    for result in results:
        found = result.found
        best, last = (numbers(found, found.best), numbers(found, -1)) if found else ({}, {})
        how = [result.outcome.state, result.outcome.reason] if result.outcome else ["waiting", ""]
        numbers_last = [last.get(c, "") for c in columns if "/" in c]
        settings = [result.run.settings[key] for key in keys]
        yield [result.run.name, *settings, *how, *(best.get(c, "") for c in columns), *numbers_last]
