"""Figures as Plotly's JSON, in which colours such as ``--run-0`` are CSS variables of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tintbox.errors import escape_controls
from tintbox.reports.entries import Entry

COLOURS = 6  # run colours in the style sheet; further runs reuse them with other dashes and symbols
DASHES = ("solid", "dash", "longdash", "dashdot", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down")
FEW = 30  # number of epochs up to which each is marked by a point


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        title: The heading above it.
        label: Text description, for accessibility.
        data: Plotly's traces; ``meta`` of each is the index of its run.
        layout: Plotly's layout.
        wide: Whether it spans the full width.
    """

    title: str
    label: str
    data: Sequence[dict[str, Any]]
    layout: dict[str, Any]
    wide: bool = False


def as_json_numbers(values: Sequence[float], digits: int = 5) -> list[float | None]:
    """Return numbers for JSON, with so many significant digits, None for non-finite ones."""
    return [float(f"{value:.{digits}g}") if math.isfinite(value) else None for value in values]


def quote(name: str) -> str:
    """Escape a text for Plotly, which interprets some HTML in texts."""
    return escape(escape_controls(name), quote=False)


def colour(entry: Entry) -> str:
    """Return a run's colour."""
    return f"--run-{entry.place % COLOURS}"


def trace(entry: Entry, x: Sequence[Any], y: Sequence[Any], **more: Any) -> dict[str, Any]:
    """Return a run's line as a Plotly trace."""
    line = {"color": colour(entry), "width": 2, "dash": DASHES[entry.place // COLOURS % len(DASHES)]}
    symbol = SYMBOLS[entry.place % len(SYMBOLS)]
    return {
        "type": "scatter", "mode": "lines+markers" if len(x) <= FEW else "lines", "name": quote(entry.name),
        "meta": entry.index, "legendgroup": str(entry.index), "x": x, "y": y, "line": line,
        "marker": {"color": colour(entry), "symbol": symbol, "size": 5}, **more,
    }  # fmt: skip


def layout(x: str, height: int, **more: Any) -> dict[str, Any]:
    """Return the layout that all figures share."""
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


def as_json(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return figures by element id, in the form that the page's script reads."""
    return {name: {"data": list(figure.data), "layout": figure.layout} for name, figure in figures.items()}
