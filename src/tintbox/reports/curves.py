"""The training curves of a report, as Plotly's JSON; colours such as ``--run-0`` are CSS variables of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tintbox.reports import metrics
from tintbox.reports.entries import Entry, Section
from tintbox.reports.figures import Figure, as_json_numbers, layout, trace

EACH = 10  # number of epochs up to which every epoch has a tick


def curves(section: Section) -> list[Figure]:
    """Return the figures of a section's ``results.csv``: main metric, other metrics, losses, learning rate."""
    entries, main = section.entries, section.entries[0].run.metric
    figures = [main_figure(section, main)]
    for column in metrics.columns(entries, "metrics/"):
        if column != main:
            figures.append(column_figure(entries, column, metrics.title(column, section.task)))
    names = [*metrics.columns(entries, "val/"), *metrics.columns(entries, "train/")]
    for loss in dict.fromkeys(name.split("/", 1)[1] for name in names):
        figures.append(loss_figure(entries, loss))
    for column in metrics.columns(entries, "lr/")[:1]:
        figures.append(column_figure(entries, column, f"learning rate ({column.removeprefix('lr/')})"))
    for figure in figures:
        widen_range(figure)
    return [figure for figure in figures if figure.data]


def widen_range(figure: Figure) -> None:
    """Give an axis on which all values are equal a sensible range: Plotly's default is 1 below to 1 above."""
    for axis in ("x", "y"):
        values = [value for trace in figure.data for value in coordinates(trace, axis) if isinstance(value, float)]
        if not values or max(values) - min(values) > 1e-6 * max(map(abs, values)):
            continue
        one = values[0]
        if axis == "x" and "dtick" in figure.layout["xaxis"]:  # an epoch
            figure.layout["xaxis"]["range"] = [one - 1, one + 1]
        else:
            figure.layout[f"{axis}axis"]["range"] = sorted((0.0, 2 * one or 1.0))


def coordinates(line: Mapping[str, Any], axis: str) -> Sequence[float | None]:
    """Return a trace's values on an axis, where Plotly may count them."""
    return line[axis] if axis in line else [line["x0"] + i for i in range(len(line["y"]))]


def main_figure(section: Section, column: str) -> Figure:
    """Return the large figure, with a legend and the best epochs marked."""
    found = [entry for entry in section.entries if column in entry.run.curves]
    data = [curve(entry, column) for entry in found]
    for entry in found:
        x, y = (as_json_numbers([entry.run.curves[name][entry.run.best]]) for name in ("epoch", column))
        point = trace(entry, x, y, mode="markers", showlegend=False, hoverinfo="skip")
        data.append({**point, "marker": {**point["marker"], "size": 13, "line": {"color": "--paper", "width": 2}}})
    name = metrics.title(column, section.task)
    shape = epoch_layout(
        section.entries, 380, showlegend=len(section.entries) > 1, margin={"l": 44, "r": 12, "t": 36, "b": 40}
    )
    return Figure(f"{name} (large mark: the best epoch)", describe(name, section.entries), data, shape, wide=True)


def curve(entry: Entry, column: str) -> dict[str, Any]:
    """Return the curve of a column in a run's ``results.csv``."""
    epochs = entry.run.curves["epoch"]
    line = trace(entry, as_json_numbers(epochs), shorten(metrics.read_known(entry.run, column)))
    if math.isfinite(epochs[0]) and list(epochs) == [epochs[0] + i for i in range(len(epochs))]:
        line["x0"] = line.pop("x")[0]  # from which Plotly counts on by one
    return line


def shorten(values: Sequence[float]) -> list[float | None]:
    """Return numbers for JSON, with four significant digits if that is a 500th of their range or less, else five.

    A 500th is less than a pixel.
    """
    known = [value for value in values if math.isfinite(value)]
    wide = known and 2 * (max(known) - min(known)) >= max(map(abs, known))
    return as_json_numbers(values, 4 if wide else 5)


def epoch_layout(entries: Sequence[Entry], height: int, **more: Any) -> dict[str, Any]:
    """Return the layout of a figure over epochs, which are integers."""
    shape = layout("epoch", height, **more)
    if max((entry.run.epochs for entry in entries), default=0) <= EACH:
        shape["xaxis"]["dtick"] = 1
    return shape


def column_figure(entries: Sequence[Entry], column: str, name: str) -> Figure:
    """Return the small figure of one column."""
    found = [entry for entry in entries if column in entry.run.curves]
    data = [curve(entry, column) for entry in found]
    return Figure(name, describe(name, found), data, epoch_layout(entries, 250))


def loss_figure(entries: Sequence[Entry], loss: str) -> Figure:
    """Return the small figure of a loss: solid for validation, dotted for training."""
    data, kinds = [], []
    for kind, words in (("val", "validation"), ("train", "training")):
        for entry in entries:
            if (column := f"{kind}/{loss}") in entry.run.curves:
                line = curve(entry, column)
                line["name"] += f", {words}"
                if kind == "train":
                    line["line"] = {**line["line"], "dash": "dot", "width": 1.5}
                    line["mode"] = "lines" if len(line["y"]) > 1 else "markers"
                data.append(line)
                kinds.append(words)
    both = "solid: validation, dotted: training" if len(set(kinds)) > 1 else "".join(kinds[:1])
    return Figure(f"{loss} ({both})", describe(loss, entries), data, epoch_layout(entries, 250))


def describe(name: str, entries: Sequence[Entry]) -> str:
    """Return a text description of a figure of curves."""
    return f"Curves of {name} by epoch for {', '.join(entry.name for entry in entries)}"
