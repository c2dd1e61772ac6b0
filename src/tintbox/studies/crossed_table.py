"""The tables of a study with folds: COCO's AP of every cell over all images, and its difference to the first cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tintbox import atomic
from tintbox.folds.files import Folds
from tintbox.plugins.coco_eval import tables
from tintbox.plugins.coco_eval.metrics import TITLES, column
from tintbox.studies import table
from tintbox.studies.cells import Result, group_by_cell, spread
from tintbox.studies.pooled import CrossedCell, Pools


def save(folder: Path, results: Sequence[Result], pools: Pools) -> None:
    """Write ``study.md``, ``study.csv`` (a row per cell) and ``runs.csv`` (a row per run), each atomically."""
    cells = pools.update(results)
    lines = [f"# {folder.name}", *markdown(cells, pools.folds), *find_single_seeds(cells), *find_incomparable(cells)]
    lines += table.find_baseline(results, [cell.settings for cell in cells])
    lines += table.find_lacking(results)
    lines += [f"- {name}: its folds cannot be put together: {why}" for name, why in pools.problems.items()]
    atomic.write_text(folder / "study.md", "\n".join(lines) + "\n")
    atomic.write_csv(folder / "study.csv", cell_rows(cells))
    atomic.write_csv(folder / "runs.csv", table.run_rows(results, group_by_cell(results)))


def markdown(cells: Sequence[CrossedCell], folds: Folds) -> list[str]:
    """Return the tables of the cells as lines of Markdown, one per kind of IoU; the first cell is the baseline."""
    if not cells:
        return []
    evaluated = [one for cell in cells for one in cell.seeds.values()]
    kinds = [kind for kind in TITLES if all(kind in one for one in evaluated)]
    one = next(iter(evaluated[0].values()))
    said = f"COCO's numbers over all {one.images:,} images, "
    said += f"each predicted by the run of {folds.number} that had not learnt from it"
    if one.settings.resamples:
        drawn = f"{len(set(folds.groups)):,} groups of images" if folds.grouped else "images"
        said += f"; {tables.intervals_text(one, drawn)}"
    if any(len(cell.seeds) > 1 for cell in cells):
        said += "; mean ± standard deviation over the seeds, whose chance is in the intervals of differences, too"
    lines = ["", f"{said}."]
    for kind in kinds:
        head, rows = _rows(cells, kind)
        lines += ["", f"## {TITLES[kind]}", ""] if len(kinds) > 1 else [""]
        lines.append(table.markdown_table(head, rows))
    return lines


def find_single_seeds(cells: Sequence[CrossedCell]) -> list[str]:
    """Return a line below the tables if cells are compared with the first by one seed alone: what that says."""
    compared = [cell for cell in cells[1:] if cell.difference(cells[0], "bbox")]
    single = [cell.title for cell in compared if len(cell.seeds.keys() & cells[0].seeds.keys()) == 1]
    if not single:
        return []
    which = "" if len(single) == len(compared) else f" ({'; '.join(single)})"
    return ["", f"With one seed{which}, a verdict is on these trainings and says nothing about others; add seeds."]


def find_incomparable(cells: Sequence[CrossedCell]) -> list[str]:
    """Return a line below the tables for each cell that is not compared with the first: why it is not."""
    lines = []
    for cell in cells[1:]:
        if cell.difference(cells[0], "bbox") is None:
            common = cell.seeds.keys() & cells[0].seeds.keys()
            why = "the dataset's labels have changed between their runs" if common else "they have no seed in common"
            lines.append(f"- {cell.title} is not compared with the first: {why}.")
    return ["", *lines] if lines else []


def _rows(cells: Sequence[CrossedCell], kind: str) -> tuple[list[str], list[list[str]]]:
    keys = list(cells[0].settings)
    against = ["against the first", "interval of that", "verdict"] if len(cells) > 1 else []
    head = [*keys, "n", "AP", "interval", *against, "AP50", "time of all folds"]
    lines = []
    for cell in cells:
        estimate = cell.estimate(kind)
        compared = [""] * len(against)
        if against and cell is not cells[0] and (gap := cell.difference(cells[0], kind)):
            digits = tables.digits_of(gap.bounds)
            shown = tables.number(gap.value, "+", digits), tables.span(gap.bounds, "+", digits)
            compared = [*shown, tables.verdict(gap.value, gap.bounds)]
        ap50 = tables.number(float(np.mean(cell.values(kind, column("AP50")))))
        lines.append([
            *(cell.shown[key] for key in keys), str(len(cell.seeds)), with_spread(cell.values(kind)),
            tables.span(estimate.bounds), *compared, ap50, table.duration(list(cell.seconds.values())),
        ])  # fmt: skip
    return head, lines


def with_spread(values: Sequence[float]) -> str:
    """Return a mean as text, with the standard deviation if there are several seeds."""
    deviation = spread(values)
    return tables.number(float(np.mean(values))) + ("" if math.isnan(deviation) else f" ± {deviation:.3f}")


def cell_rows(cells: Sequence[CrossedCell]) -> Iterator[Sequence[Any]]:
    """Yield a header, then a row per cell and kind of IoU."""
    keys = list(cells[0].settings) if cells else []
    numbers = [f"{name}{end}" for name in ("AP", "against_first") for end in ("", "_low", "_high")]
    yield [*keys, "iou_type", "n", *numbers, "AP_sd", "AP50", "seconds_mean"]
    for cell in cells:
        for kind in next(iter(cell.seeds.values())):
            own, gap = cell.estimate(kind), None if cell is cells[0] else cell.difference(cells[0], kind)
            found = [own.value, own.low, own.high, *((gap.value, gap.low, gap.high) if gap else [math.nan] * 3)]
            ap50 = float(np.mean(cell.values(kind, column("AP50"))))
            found += [spread(cell.values(kind)), ap50, float(np.mean(list(cell.seconds.values())))]
            shown = ["" if math.isnan(x) else x for x in found]
            yield [*(cell.settings[key] for key in keys), kind, len(cell.seeds), *shown]
