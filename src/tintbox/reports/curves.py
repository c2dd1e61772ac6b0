"""The figures of a report: Plotly's JSON, in which a colour such as ``--run-0`` is a variable of the page's style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tintbox.reports import metrics
from tintbox.reports.evaluations import TITLES, Value
from tintbox.reports.gather import Entry, Section
from tintbox.reports.metrics import Ruler
from tintbox.reports.tables import parts_of
from tintbox.reports.verdict import number

COLOURS = 6  # of runs, in the style sheet; beyond that colours come again with other dashes and symbols
DASHES = ("solid", "dash", "longdash", "dashdot", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down")
EACH = 10  # epochs up to which each has its tick
FEW = 30  # epochs up to which each is marked by a point
LEAST_GAIN = 0.05  # AP that the axes of errors and classes reach at least, so that tiny ones look tiny
CLASSES = 40  # in the figure; the table has all


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        title: The heading above it.
        label: What it shows, for those who do not see it.
        data: Plotly's traces; ``meta`` of each is the index of its run.
        layout: Plotly's layout.
        wide: Whether it takes the whole width.
    """

    title: str
    label: str
    data: Sequence[dict[str, Any]]
    layout: dict[str, Any]
    wide: bool = False


def as_json_numbers(values: Sequence[float]) -> list[float | None]:
    """Return numbers as JSON has them, with five digits, None for what is not finite."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values]


def quote(name: str) -> str:
    """Return a text as Plotly shows it, which reads some HTML in texts."""
    return escape(name, quote=False)


def colour(entry: Entry) -> str:
    """Return a run's colour."""
    return f"--run-{entry.place % COLOURS}"


def symbol(entry: Entry) -> str:
    """Return the symbol of a run's points."""
    return SYMBOLS[entry.place % len(SYMBOLS)]


def trace(entry: Entry, x: Sequence[Any], y: Sequence[Any], **more: Any) -> dict[str, Any]:
    """Return a line of a run."""
    line = {"color": colour(entry), "width": 2, "dash": DASHES[entry.place // COLOURS % len(DASHES)]}
    return {
        "type": "scatter", "mode": "lines+markers" if len(x) <= FEW else "lines", "name": quote(entry.name),
        "meta": entry.index, "legendgroup": str(entry.index), "x": x, "y": y, "line": line,
        "marker": {"color": colour(entry), "symbol": symbol(entry), "size": 5}, **more,
    }  # fmt: skip


def layout(x: str, height: int, **more: Any) -> dict[str, Any]:
    """Return what figures have in common."""
    axis = {"gridcolor": "--rule", "linecolor": "--rule", "zerolinecolor": "--rule", "automargin": True}
    return {
        "height": height,
        "margin": {"l": 44, "r": 12, "t": 10, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "--ink", "size": 12},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "--paper", "bordercolor": "--rule", "font": {"color": "--ink"}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {**axis, "title": {"text": x, "standoff": 8}},
        "yaxis": {**axis, "exponentformat": "e"},
        **more,
    }


def curves(section: Section, ruler: Ruler) -> list[Figure]:
    """Return the figures of a section's ``results.csv``: the main metric, then the others, the losses and the rate."""
    entries, main = section.entries, metrics.main_metric(section)
    figures = [main_figure(section, main, ruler)]
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
    """Give an axis on which all points have one place a range around it: Plotly's own reaches from 1 below to 1 above.

    Args:
        figure: A figure whose axes are Plotly's own.
    """
    for axis in ("x", "y"):
        values = [value for trace in figure.data for value in trace[axis] if isinstance(value, float)]
        if not values or max(values) - min(values) > 1e-6 * max(map(abs, values)):
            continue
        one = values[0]
        if axis == "x" and "dtick" in figure.layout["xaxis"]:  # an epoch
            figure.layout["xaxis"]["range"] = [one - 1, one + 1]
        else:
            figure.layout[f"{axis}axis"]["range"] = sorted((0.0, 2 * one or 1.0))


def main_figure(section: Section, column: str, ruler: Ruler) -> Figure:
    """Return the large figure, with a legend and the best epochs marked."""
    data = []
    for entry in section.entries:
        if column not in entry.run.curves:
            continue
        x, y = as_json_numbers(entry.run.curves["epoch"]), as_json_numbers(metrics.read_known(entry.run, column))
        data.append(trace(entry, x, y))
    for entry in section.entries:
        if column in entry.run.curves:
            at = [as_json_numbers([entry.run.curves[name][entry.run.best]]) for name in ("epoch", column)]
            point = trace(entry, at[0], at[1], mode="markers", showlegend=False, hoverinfo="skip")
            data.append({**point, "marker": {**point["marker"], "size": 13, "line": {"color": "--paper", "width": 2}}})
    name = metrics.title(column, section.task)
    shape = epoch_layout(
        section.entries, 380, showlegend=len(section.entries) > 1, margin={"l": 44, "r": 12, "t": 36, "b": 40}
    )
    return Figure(f"{name} (large mark: the best epoch)", describe(name, section.entries), data, shape, wide=True)


def epoch_layout(entries: Sequence[Entry], height: int, **more: Any) -> dict[str, Any]:
    """Return the layout of a figure over epochs, which are whole numbers."""
    shape = layout("epoch", height, **more)
    if max((entry.run.epochs for entry in entries), default=0) <= EACH:
        shape["xaxis"]["dtick"] = 1
    return shape


def column_figure(entries: Sequence[Entry], column: str, name: str) -> Figure:
    """Return the small figure of one column."""
    found = [entry for entry in entries if column in entry.run.curves]
    data = [
        trace(e, as_json_numbers(e.run.curves["epoch"]), as_json_numbers(metrics.read_known(e.run, column)))
        for e in found
    ]
    return Figure(name, describe(name, found), data, epoch_layout(entries, 250))


def loss_figure(entries: Sequence[Entry], loss: str) -> Figure:
    """Return the small figure of a loss, solid on the validation split, dotted in training."""
    data, kinds = [], []
    for kind, words in (("val", "validation"), ("train", "training")):
        for entry in entries:
            if (column := f"{kind}/{loss}") in entry.run.curves:
                line = trace(
                    entry,
                    as_json_numbers(entry.run.curves["epoch"]),
                    as_json_numbers(metrics.read_known(entry.run, column)),
                )
                line["name"] += f", {words}"
                if kind == "train":
                    line["line"] = {**line["line"], "dash": "dot", "width": 1.5}
                    line["mode"] = "lines" if len(line["x"]) > 1 else "markers"
                data.append(line)
                kinds.append(words)
    both = "solid: validation, dotted: training" if len(set(kinds)) > 1 else "".join(kinds[:1])
    return Figure(f"{loss} ({both})", describe(loss, entries), data, epoch_layout(entries, 250))


def describe(name: str, entries: Sequence[Entry]) -> str:
    """Return what a figure of curves shows, in words."""
    return f"Curves of {name} by epoch for {', '.join(entry.name for entry in entries)}"


def class_figure(entries: Sequence[Entry], kind: str) -> Figure | None:
    """Return AP by class: a point per run with its interval; None where no run has a COCO evaluation."""
    found = parts_of(entries, kind)
    counts = {name: count for _, part in found for name, (count, _) in part.classes.items() if count}
    names = sorted(counts, key=lambda name: -counts[name])[:CLASSES]
    names = [name for name in counts if name in names]
    if not names:
        return None
    data = []
    for place, (entry, part) in enumerate(found):
        shift = (place - (len(found) - 1) / 2) * 0.6 / len(found)
        values = [part.classes[name][1] if name in part.classes else Value(math.nan) for name in names]
        bars = {
            "type": "data", "symmetric": False, "color": colour(entry), "thickness": 1.5, "width": 0,
            "array": as_json_numbers([max(v.high - v.value, 0.0) for v in values]),
            "arrayminus": as_json_numbers([max(v.value - v.low, 0.0) for v in values]),
        }  # fmt: skip
        y = [index + shift for index in range(len(names))]
        point = trace(entry, as_json_numbers([v.value for v in values]), y, mode="markers", error_x=bars)
        point["marker"] = {**point["marker"], "size": 8}
        texts = [f"{quote(name)}: {number(value.value)}" for name, value in zip(names, values)]
        data.append({**point, "text": texts, "hovertemplate": "%{text}"})
    shape = layout(
        f"AP of {TITLES[kind]}", 90 + len(names) * max(24, 9 * len(found)), hovermode="closest",
        showlegend=len(found) > 1, margin={"l": 44, "r": 12, "t": 36, "b": 40},
    )  # fmt: skip
    ticks = {"tickvals": list(range(len(names))), "ticktext": [quote(name) for name in names]}
    shape["yaxis"] |= {**ticks, "range": [len(names) - 0.5, -0.5], "zeroline": False}
    highs = [v.high if v.bounded else v.value for _, part in found for _, v in part.classes.values()]
    if not max((high for high in highs if math.isfinite(high)), default=0.0) > LEAST_GAIN:
        shape["xaxis"]["range"] = [0, LEAST_GAIN]  # nothing is found; Plotly's own range would reach from -1 to 1
    rest = f", the {CLASSES} with most objects" if len(counts) > CLASSES else ""
    label = f"AP of each class for {', '.join(entry.name for entry, _ in found)}; the table below has the numbers"
    return Figure(f"AP of {TITLES[kind]} by class{rest}", label, data, shape)


def error_figure(entries: Sequence[Entry], kind: str) -> Figure | None:
    """Return bars of what each kind of error costs; None where no run has that."""
    found = [(entry, part) for entry, part in parts_of(entries, kind) if part.errors]
    if not found:
        return None
    kinds = list(dict.fromkeys(error for _, part in found for error in part.errors))
    data = [
        {
            "type": "bar", "orientation": "h", "name": quote(entry.name), "meta": entry.index,
            "legendgroup": str(entry.index), "marker": {"color": colour(entry)}, "y": [quote(k) for k in kinds],
            "x": as_json_numbers([part.errors.get(error, (math.nan, 0))[0] for error in kinds]),
        }
        for entry, part in found
    ]  # fmt: skip
    measure = found[0][1].measure
    shape = layout(f"{measure} to gain", 110 + len(kinds) * max(24, 10 * len(found)), hovermode="closest")
    shape["yaxis"] |= {"autorange": "reversed"}
    most = max([LEAST_GAIN, *(gain for _, part in found for gain, _ in part.errors.values() if math.isfinite(gain))])
    shape["xaxis"] |= {"range": [0, 1.05 * most], "tickformat": "~g"}
    label = f"{measure} to gain without errors of a kind for {', '.join(entry.name for entry, _ in found)}"
    return Figure("What each kind of error costs", label, data, shape)


def precision_figure(entries: Sequence[Entry], kind: str) -> Figure | None:
    """Return precision by recall at IoU 0.5, the mean over the classes; None where no run has that."""
    found = [(entry, part) for entry, part in parts_of(entries, kind) if part.precision]
    if not found:
        return None
    data = [trace(e, as_json_numbers(part.recall), as_json_numbers(part.precision), mode="lines") for e, part in found]
    shape = layout("recall", 320)
    shape["yaxis"] |= {"range": [0, 1.02]}
    label = f"Precision by recall for {', '.join(entry.name for entry, _ in found)}"
    return Figure("Precision by recall, IoU 0.5, mean over classes", label, data, shape)


def as_json(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return figures by the id of their element, as the page's script reads them."""
    return {name: {"data": list(figure.data), "layout": figure.layout} for name, figure in figures.items()}
