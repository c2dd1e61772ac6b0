"""The figures of a study: loss and metric against each varied argument, and all training curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tintbox import figures
from tintbox.checks import is_number
from tintbox.studies.cells import LOSS, Cell, group_by_task, mean, spread
from tintbox.studies.values import settings_text

DPI = 150
# Okabe and Ito's colour-blind-safe palette without black and yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STEPS = 8  # ratio of the largest to the smallest value from which the axis is logarithmic


def draw(folder: Path, found: Sequence[Cell]) -> None:
    """Save the figures of a study, separately for each task."""
    groups = group_by_task(found)
    for task, group in groups.items():
        end = f"-{task}" if len(groups) > 1 else ""
        save(folder / f"curves{end}.png", curves, group)
        for key in group[0].settings:
            if len({cell.shown[key] for cell in group}) > 1:
                save(folder / f"{key}{end}.png", effect, group, key)


def save(file: Path, paint: Callable[..., None], *what: Any) -> None:
    """Save the figure into which ``paint`` draws."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    paint(figure, *what)
    figures.save(figure, file, DPI)


def measures(group: Sequence[Cell]) -> dict[str, str]:
    """Return column -> title of the two quantities that are drawn."""
    metric = group[0].example.metric
    return {LOSS: "validation loss", metric: metric.removeprefix("metrics/")}


def effect(figure: Any, group: Sequence[Cell], key: str) -> None:
    """Draw loss and metric against one argument: a line per combination of the others, with the spread shaded."""
    lines: dict[str, list[Cell]] = {}
    for cell in group:
        others = settings_text({k: v for k, v in cell.shown.items() if k != key})
        lines.setdefault(others, []).append(cell)
    values = {cell.shown[key]: cell.settings[key] for cell in group}
    numeric = all(map(is_number, values.values()))
    places = {name: float(value if numeric else i) for i, (name, value) in enumerate(values.items())}
    for axes, (column, title) in zip(figure.subplots(1, 2), measures(group).items()):
        for i, (name, row) in enumerate(lines.items()):
            known = {places[cell.shown[key]]: finite(cell.column(column).values()) for cell in row}
            at = sorted(place for place, numbers in known.items() if numbers)
            means = [mean(known[place]) for place in at]
            deviations = [spread(known[place]) if len(known[place]) > 1 else 0.0 for place in at]
            low, high = ([m + sign * d for m, d in zip(means, deviations)] for sign in (-1, 1))
            colour = COLOURS[i % len(COLOURS)]
            if numeric:
                axes.plot(at, means, "o-", color=colour, label=name or None)
                axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
            else:  # a line would suggest that there are values between the names
                beside = [place + 0.12 * (i - (len(lines) - 1) / 2) for place in at]
                axes.errorbar(beside, means, deviations, fmt="o", capsize=4, color=colour, label=name or None)
        ticks = list(places.values())
        if numeric and min(ticks) > 0 and max(ticks) / min(ticks) >= STEPS:
            axes.set_xscale("log")
            axes.minorticks_off()
        axes.set_xticks(ticks, list(places), rotation=0 if numeric or len(places) < 5 else 20, parse_math=False)
        axes.set_xlabel(key)
        axes.set_title(title)
        axes.grid(alpha=0.3)
        if any(lines):
            take_names_as_they_are(axes.legend(fontsize=8))
    many = max(len(cell.results) for cell in group)
    if many > 1:
        figure.suptitle(f"mean and standard deviation over {many} seeds", fontsize=9)


def take_names_as_they_are(legend: Any) -> None:
    """Take no ``$`` in a legend's names as the beginning of a formula."""
    for text in legend.get_texts():
        text.set_parse_math(False)


def finite(values: Iterable[float]) -> list[float]:
    """Return values with NaN, a gap in the plot, in place of infinities."""
    return [value if math.isfinite(value) else math.nan for value in values]


def has_lone_points(values: Sequence[float]) -> bool:
    """Return whether a curve has points that a line would not show because both neighbours are not finite."""
    known = [math.isfinite(value) for value in values]
    pairs = zip(known, [False, *known[:-1]], [*known[1:], False])
    return any(here and not (before or after) for here, before, after in pairs)


def curves(figure: Any, group: Sequence[Cell]) -> None:
    """Draw loss and metric by epoch for all runs, the seeds of a cell in one colour."""
    from matplotlib.ticker import MaxNLocator

    for axes, (column, title) in zip(figure.subplots(1, 2), measures(group).items()):
        for i, cell in enumerate(group):
            style = ("-", "--", ":", "-.")[i // len(COLOURS) % 4]
            for j, run in enumerate(cell.results.values()):
                values = finite(run.loss if column == LOSS else run.curves.get(column, []))
                label = cell.title if j == 0 else None
                axes.plot(
                    run.curves["epoch"][: len(values)], values, style, color=COLOURS[i % len(COLOURS)],
                    linewidth=1.2, alpha=0.85, label=label, markersize=3,
                    marker="o" if has_lone_points(values) else None,
                )  # fmt: skip
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
        axes.set_title(title)
        axes.grid(alpha=0.3)
    if 1 < len(group) <= 24:
        legend = figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
        take_names_as_they_are(legend)
