"""The plots of an evaluation: precision against recall, AP by class, AP by size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tintbox import figures
from tintbox.checks import as_path, is_path, is_word
from tintbox.errors import TintboxError, reason_of, suggest
from tintbox.plugins.coco_eval.bootstrap import is_sure
from tintbox.plugins.coco_eval.errors.chart import bars
from tintbox.plugins.coco_eval.metrics import IOU_THRESHOLDS, KEYS, RECALL_THRESHOLDS, TITLES, column
from tintbox.plugins.coco_eval.tables import digits_of, make_legible, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.evaluation import Evaluation

INK, GREY, BETTER, WORSE = "#2a6fb0", "#9aa3ad", "#1b7f5c", "#b5452c"
NAMED_CURVES = 10  # maximum number of classes distinguished by colour
MOST_CLASSES = 40  # shown in the plot of AP by class: those with the most objects; of more, no curves are distinguished
DPI = 120
LONGEST = 28  # maximum length of a class name in characters; longer ones are cut


def draw(evaluation: Evaluation, folder: Path, suffix: str = "") -> None:
    """Save all plots of an evaluation as ``coco_*.png``."""
    for what, (name, _) in PICTURES.items():
        if what != "errors" or evaluation.errors:
            plot(evaluation, folder / f"coco_{name}{suffix}.png", what)


def plot(evaluation: Evaluation, file: str | Path | None, what: str) -> Figure:
    """Return one plot of an evaluation, and save it if a file is given.

    Raises:
        TintboxError: There is no such plot, or it cannot be saved.
    """
    if not is_word(what, PICTURES):
        raise TintboxError(f"plot: no plot '{what}' ({', '.join(PICTURES)}){suggest(str(what), PICTURES)}")
    return save(PICTURES[what][1](evaluation), file)


def save(figure: Figure, file: str | Path | None) -> Figure:
    """Return the figure, and save it atomically if a file is given; the suffix selects the format, by default PNG.

    Raises:
        TintboxError: It cannot be written.
    """
    if file is not None:
        if not is_path(file):
            raise TintboxError(f"plot: file={file}: give a path, e.g. plot.png")
        path = as_path(file)
        path = path if path.suffix else path.with_name(f"{path.name}.png")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figures.save(figure, path, "figure")
        except (OSError, ValueError) as error:
            raise TintboxError(f"{path} cannot be written ({reason_of(error)})") from error
    return figure


def _figure(width: float, height: float, title: str) -> tuple[Figure, Any]:
    """Return a figure and its axes; the title is the figure's, because an axes title is cut if names are long."""
    from tintbox.notebook_figure import NotebookFigure

    figure = NotebookFigure(figsize=(width, height), dpi=DPI, layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def precision_recall(evaluation: Evaluation) -> Figure:
    """Draw precision against recall for every class at IoU 0.50, and the class mean at 0.50, 0.75 and 0.90.

    Many classes are a band from the 10th to the 90th percentile at each recall.
    """
    from matplotlib import colormaps

    curves = evaluation.curves.precision[..., 0, -1]  # (T, R, K), all sizes, 100 detections
    there = [k for k in range(curves.shape[-1]) if curves[0, 0, k] >= 0]
    several, few, many = len(there) > 1, len(there) <= NAMED_CURVES, len(there) > MOST_CLASSES
    title = f"Precision and recall of {TITLES[evaluation.iou_type]}" + ("; by class at IoU 0.50" if several else "")
    figure, axes = _figure(9.0, 5, title)
    lines: list[Any] = []
    labels = []
    for place, k in enumerate(there if several and not many else []):
        colour = colormaps["tab10"](place) if few else GREY
        lines += axes.plot(RECALL_THRESHOLDS, curves[0, :, k], color=colour, lw=1.4 if few else 0.6)
        labels.append(f"{make_legible(evaluation.names[k], LONGEST)}, AP50 {evaluation.classes[k, 1]:.3f}")
    if many:
        low, high = np.quantile(curves[0][:, there], (0.1, 0.9), axis=1)
        lines = [axes.fill_between(RECALL_THRESHOLDS, low, high, color=GREY, alpha=0.4, lw=0)]
        labels = [f"10th to 90th percentile of {len(there):,} classes"]
    elif not few:
        lines, labels = lines[:1], [f"one of {len(there)} classes"]
    for level, style in ((0, "-"), (5, "--"), (8, ":")) if there else ():
        lines += axes.plot(RECALL_THRESHOLDS, curves[level][:, there].mean(1), style, color="black", lw=2)
        whose = "all classes" if several else make_legible(evaluation.names[there[0]], LONGEST)
        labels.append(f"{whose}, IoU {IOU_THRESHOLDS[level]:.2f}")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    if there:
        # Explicit handles and labels: by default matplotlib leaves out names that begin with an underscore.
        legend = figure.legend(lines, labels, fontsize=8, frameon=False, loc="outside right center")
        for text in legend.get_texts():
            text.set_parse_math(False)  # a $ does not start a formula
    else:
        _say_nothing(axes)
    return figure


def by_class(evaluation: Evaluation) -> Figure:
    """Draw the AP of every class with its interval, best first, and the AP of all classes."""
    counts = np.array(evaluation.truths)
    there = [k for k in np.argsort(-counts, kind="stable") if counts[k]]
    places = sorted(there[:MOST_CLASSES], key=lambda k: evaluation.classes[k, 0])
    labels = [f"{make_legible(evaluation.names[k], LONGEST)} ({counts[k]:,})" for k in places]
    title = "AP by class, in brackets the number of objects"
    if len(there) > MOST_CLASSES:
        title += f"\nthe {MOST_CLASSES} of {len(there)} classes with the most"
    values, bounds = evaluation.classes[places, 0], evaluation.class_intervals[places, 0]
    if len(evaluation.names) > 1:
        values, bounds = np.append(values, evaluation.values[0]), np.append(bounds, evaluation.intervals[:1], axis=0)
        labels.append("all classes")
    return _average_precision(labels, values, bounds, _with_level(title, evaluation))


def by_size(evaluation: Evaluation) -> Figure:
    """Draw AP by object size, with intervals."""
    sizes = {"AP_large": "large, over 96²", "AP_medium": "medium", "AP_small": "small, under 32² pixels", "AP": "all"}
    rows = [column(key) for key in sizes]
    labels = [text + (": none" if np.isnan(evaluation.values[i]) else "") for text, i in zip(sizes.values(), rows)]
    title = _with_level("AP by size of the object", evaluation)
    return _average_precision(labels, evaluation.values[rows], evaluation.intervals[rows], title)


def _with_level(title: str, evaluation: Evaluation) -> str:
    return f"{title}; {100 * evaluation.settings.level:g}% intervals" if evaluation.settings.resamples else title


def _average_precision(labels: list[str], values: np.ndarray, bounds: np.ndarray, title: str) -> Figure:
    """Draw one AP with its interval per line; the last one is on top and in ink."""
    colours = [GREY] * (len(labels) - 1) + [INK]
    figure, axes = _dots(title, labels, values, bounds, colours, [f"{value:.3f}" for value in values])
    axes.set(xlim=(0, 1), xlabel="AP, IoU 0.50:0.95")
    return figure


def _dots(
    title: str, labels: list[str], values: np.ndarray, bounds: np.ndarray, colours: list[str], words: list[str]
) -> tuple[Figure, Any]:
    """Draw one value and its interval per line, from the bottom up, with text on the right; nothing for NaN."""
    figure, axes = _figure(7.5, 1.6 + 0.26 * len(labels), title)
    for place, (value, ends, colour, text) in enumerate(zip(values, bounds, colours, words)):
        if np.isnan(value):
            continue
        if not np.isnan(ends).any():
            axes.plot(ends, [place, place], color=colour, lw=3, alpha=0.6, solid_capstyle="round", clip_on=False)
        axes.plot(value, place, "o", color=colour, ms=6, clip_on=False)  # unclipped at 0
        axes.annotate(text, (1.02, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=9, parse_math=False)
    axes.set_ylim(-0.6, max(len(labels), 1) - 0.4)
    axes.grid(axis="x", alpha=0.3)
    if np.isnan(values).all():
        _say_nothing(axes)
    return figure, axes


def _say_nothing(axes: Any) -> None:
    """Note in the plot that there is nothing to draw."""
    axes.text(0.5, 0.5, "n/a: no objects", transform=axes.transAxes, ha="center", va="center", color=GREY)


def differences(comparison: Comparison) -> Figure:
    """Draw the differences of the twelve numbers with their intervals; those that exclude zero are coloured."""
    rows = np.flatnonzero(~np.isnan(comparison.values))[::-1]
    values, bounds = comparison.values[rows], comparison.intervals[rows]
    settings = comparison.first.settings
    title = f"Difference in {TITLES[comparison.first.iou_type]}"
    if settings.resamples:
        title += f" with {100 * settings.level:g}% intervals (paired bootstrap); grey: may be chance"
    colours = np.where(is_sure(bounds), np.where(values > 0, BETTER, WORSE), GREY).tolist()
    words = [number(value, "+", digits_of(ends)) for value, ends in zip(values, bounds)]
    figure, axes = _dots(title, [KEYS[i] for i in rows], values, bounds, colours, words)
    axes.axvline(0, color="black", lw=1)
    axes.set_xlabel(f"{comparison.names[1]} less {comparison.names[0]}", parse_math=False)
    return figure


def by_error(evaluation: Evaluation) -> Figure:
    """Draw the cost of each kind of error.

    Raises:
        TintboxError: The errors were not explained.
    """
    if evaluation.errors is None:
        raise TintboxError("plot: the errors were not explained; evaluate with explain=True")
    return bars(evaluation.errors)


# plot name -> file name suffix in a run's folder, and the function that draws it
PICTURES = {
    "precision_recall": ("pr", precision_recall),
    "classes": ("classes", by_class),
    "sizes": ("sizes", by_size),
    "errors": ("errors", by_error),
}
