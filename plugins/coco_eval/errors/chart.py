"""A bar chart of the cost of each kind of error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tintbox.plugins.coco_eval.errors.picture import COLOURS, DPI
from tintbox.plugins.coco_eval.errors.tide import KINDS, POS, SPECIALS, Explanation, Loss
from tintbox.plugins.coco_eval.tables import make_legible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 20  # classes in the chart
LONGEST = 24  # maximum length of a class name in characters; longer ones are cut
GREY = "#888888"


def bars(explanation: Explanation) -> Figure:
    """Draw the cost of each kind of error, for all classes together and for the ROWS classes with the lowest AP.

    Each kind has its own column of bars, not stacked, because gains don't add up. All columns have the same scale.
    """
    from tintbox.notebook_figure import NotebookFigure

    known = [loss for loss in explanation.classes if loss.objects]
    shown = sorted(known, key=lambda loss: loss.ap)[:ROWS]
    losses = [explanation.overall, *shown]
    kinds = [*KINDS, *SPECIALS]
    places = np.array([0.0, *(np.arange(len(shown)) + 1.6)])  # a gap between the first row and the classes
    top = max([0.01, *(loss.gain[kind] for loss in losses for kind in kinds if loss.objects)])
    figure = NotebookFigure(figsize=(14, 2.0 + 0.3 * len(losses)), dpi=DPI, layout="constrained")
    grid = figure.subplots(1, 1 + len(kinds), sharey=True)
    measure = f"AP{round(100 * POS)}"
    _bars(grid[0], measure, places, [loss.ap for loss in losses], GREY, 1.0)
    for axes, kind in zip(grid[1:], kinds):
        _bars(axes, kind, places, [loss.gain[kind] for loss in losses], COLOURS[kind], top)
    grid[0].set_yticks(places, [_label(loss) for loss in losses], fontsize=9, parse_math=False)
    grid[0].set_ylim(places[-1] + 0.6, -0.6)
    rest = f"the {len(shown)} of {len(known)} classes with the least {measure}" if len(known) > ROWS else "each class"
    figure.suptitle(
        f"{measure} in percent, and what it would gain without errors of one kind: all classes together and {rest}",
        fontsize=11,
    )
    return figure


def _bars(axes: Any, title: str, places: np.ndarray, values: list[float], colour: str, top: float) -> None:
    """Draw one column of bars with their values in percent."""
    lengths = np.maximum(np.nan_to_num(values), 0.0)
    axes.barh(places, lengths, height=0.75, color=colour, edgecolor="#444444", linewidth=0.4)
    for place, length, value in zip(places, lengths, values):
        number = "n/a" if np.isnan(value) else f"{round(100 * value, 1) + 0.0:.1f}"
        axes.text(length + 0.03 * top, place, number, va="center", fontsize=8)
    axes.set_title(title.replace(" ", "\n"), fontsize=9)
    axes.set_xlim(0, 1.45 * top)
    axes.set_xticks([])
    axes.tick_params(left=False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _label(loss: Loss) -> str:
    """Return a class's name and its number of objects."""
    return f"{make_legible(loss.name, LONGEST)} ({loss.objects})"
