"""The pictures of an evaluation: precision against recall, AP by class, AP by size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tintbox.plugins.coco_eval.comparison import Comparison, is_sure
from tintbox.plugins.coco_eval.error_chart import bar_chart
from tintbox.plugins.coco_eval.evaluation import TITLES, Evaluation
from tintbox.plugins.coco_eval.metrics import IOU_THRESHOLDS, KEYS, RECALL_THRESHOLDS

INK, GREY, BETTER, WORSE = "#2a6fb0", "#9aa3ad", "#1b7f5c", "#b5452c"
NAMED_CURVES = 10  # up to as many classes are told apart by colour
MOST_CLASSES = 40  # in the picture of AP by class: those with the most objects
DPI = 120


def draw(evaluation: Evaluation, folder: Path, suffix: str = "") -> None:
    """Save all pictures of an evaluation as ``coco_*.png``."""
    precision_recall(evaluation, folder / f"coco_pr{suffix}.png")
    by_class(evaluation, folder / f"coco_classes{suffix}.png")
    by_size(evaluation, folder / f"coco_sizes{suffix}.png")
    if evaluation.errors:
        bar_chart(evaluation.errors, folder / f"coco_errors{suffix}.png")


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def precision_recall(evaluation: Evaluation, file: Path) -> None:
    """Draw precision against recall of every class at IoU 0.50, and their mean at 0.50, 0.75 and 0.90."""
    from matplotlib import colormaps

    figure, axes = _figure(7.5, 5)
    curves = evaluation.curves.precision[..., 0, -1]  # (T, R, K) of all sizes, 100 detections
    there = [k for k in range(curves.shape[-1]) if curves[0, 0, k] >= 0]
    few = len(there) <= NAMED_CURVES
    if len(there) > 1:
        for place, k in enumerate(there):
            label = f"{evaluation.names[k]}, AP50 {evaluation.classes[k, 1]:.3f}" if few else None
            colour = colormaps["tab10"](place) if few else GREY
            axes.plot(RECALL_THRESHOLDS, curves[0, :, k], color=colour, label=label, lw=1.4 if few else 0.6)
    if there:
        for level, style in ((0, "-"), (5, "--"), (8, ":")):
            mean = curves[level][:, there].mean(1)
            label = ("all classes, " if len(there) > 1 else "") + f"IoU {IOU_THRESHOLDS[level]:.2f}"
            axes.plot(RECALL_THRESHOLDS, mean, style, color="black", lw=2, label=label)
        axes.legend(fontsize=8, frameon=False, loc="lower left")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title(f"Precision and recall of {TITLES[evaluation.iou_type]}; by class at IoU 0.50", fontsize=11)
    figure.savefig(file, dpi=DPI)


def by_class(evaluation: Evaluation, file: Path) -> None:
    """Draw the AP of every class with its interval, best first, and that of all."""
    places = [k for k in np.argsort(-np.array(evaluation.truths), kind="stable") if evaluation.truths[k]][:MOST_CLASSES]
    places.sort(key=lambda k: evaluation.classes[k, 0])
    values = np.append(evaluation.classes[places, 0], evaluation.values[0])
    bounds = np.concatenate([evaluation.class_intervals[places, 0], evaluation.intervals[:1]])
    labels = [f"{evaluation.names[k]} ({evaluation.truths[k]:,})" for k in places] + ["all classes"]
    title = "AP by class, in brackets the number of objects"
    if sum(map(bool, evaluation.truths)) > MOST_CLASSES:
        title += f"; the {MOST_CLASSES} classes with the most"
    _dots(labels, values, bounds, "AP, IoU 0.50:0.95", _with_level(title, evaluation), file)


def by_size(evaluation: Evaluation, file: Path) -> None:
    """Draw AP by the size of objects, with intervals."""
    sizes = {"AP_large": "large, over 96²", "AP_medium": "medium", "AP_small": "small, under 32² pixels", "AP": "all"}
    rows = [KEYS.index(key) for key in sizes]
    labels = [text + (": none" if np.isnan(evaluation.values[i]) else "") for text, i in zip(sizes.values(), rows)]
    title = _with_level("AP by size of the object", evaluation)
    _dots(labels, evaluation.values[rows], evaluation.intervals[rows], "AP, IoU 0.50:0.95", title, file)


def _with_level(title: str, evaluation: Evaluation) -> str:
    return f"{title}; {100 * evaluation.settings.level:g}% intervals" if evaluation.settings.resamples else title


def _dots(labels: list[str], values: np.ndarray, bounds: np.ndarray, axis: str, title: str, file: Path) -> None:
    """Draw a value with its interval per line, the last one on top and in ink."""
    figure, axes = _figure(7.5, 1.5 + 0.26 * len(labels))
    colours = [GREY] * (len(labels) - 1) + [INK]
    for place, (value, (low, high), colour) in enumerate(zip(values, bounds, colours)):
        if not np.isnan(low):
            axes.plot([low, high], [place, place], color=colour, lw=3, alpha=0.6, solid_capstyle="round")
        axes.plot(value, place, "o", color=colour, ms=6)
        if not np.isnan(value):
            axes.annotate(f"{value:.3f}", (1.01, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.set(xlim=(0, 1), ylim=(-0.6, len(labels) - 0.4), xlabel=axis)
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(title, fontsize=11)
    figure.savefig(file, dpi=DPI)


def differences(comparison: Comparison, names: tuple[str, str], file: Path) -> None:
    """Draw the differences of the twelve numbers with their intervals: what leaves out zero is coloured."""
    keys = [key for key, value in zip(KEYS, comparison.values) if not np.isnan(value)]
    figure, axes = _figure(7.5, 1.5 + 0.26 * len(keys))
    for place, key in enumerate(reversed(keys)):
        value, bounds = comparison[key], comparison.intervals[KEYS.index(key)]
        colour = (BETTER if value > 0 else WORSE) if is_sure(bounds) else GREY
        axes.plot(bounds, [place, place], color=colour, lw=3, alpha=0.6, solid_capstyle="round")
        axes.plot(value, place, "o", color=colour, ms=6)
        axes.annotate(f"{value:+.3f}", (1.01, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.axvline(0, color="black", lw=1)
    axes.set_yticks(range(len(keys)), keys[::-1], fontsize=9)
    axes.set(ylim=(-0.6, len(keys) - 0.4), xlabel=f"{names[1]} less {names[0]}")
    axes.grid(axis="x", alpha=0.3)
    level = f"{100 * comparison.first.settings.level:g}%"
    axes.set_title(f"Difference with {level} intervals (paired bootstrap); grey: may be chance", fontsize=11)
    figure.savefig(file, dpi=DPI)
