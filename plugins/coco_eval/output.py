"""What an evaluation leaves behind: tables in the log, ``coco.json``, ``coco.csv`` and pictures in the run's folder."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import tintbox
from tintbox.plugins.coco_eval import pictures as drawings
from tintbox.plugins.coco_eval.comparison import ROUNDING, Comparison, is_sure
from tintbox.plugins.coco_eval.errors.tide import Explanation
from tintbox.plugins.coco_eval.evaluation import TITLES, Evaluation
from tintbox.plugins.coco_eval.metrics import IOU_THRESHOLDS, KEYS, METRICS, RECALL_THRESHOLDS, Metric, column
from tintbox.plugins.coco_eval.settings import Settings

NONE = "n/a"
CLASS_COLUMNS = ("AP", "AP50", "AP75", "AR100")  # of the table in the log; the files have all twelve


def meaning(metric: Metric) -> str:
    """Return what a metric is, e.g. ``IoU 0.50:0.95, small, 100 detections``."""
    levels = IOU_THRESHOLDS[[0, -1] if metric.iou is None else [metric.iou]]
    iou = ":".join(f"{level:.2f}" for level in levels)
    many = f"{metric.max_detections} detection{'s' if metric.max_detections > 1 else ''}"
    return f"IoU {iou}, {metric.area}, {many}"


def number(value: float, sign: str = "") -> str:
    """Return a metric's value with three digits, ``n/a`` for NaN."""
    return NONE if math.isnan(value) else f"{round(float(value), 3) + 0.0:{sign}.3f}"  # no -0.000


def span(bounds: np.ndarray, sign: str = "") -> str:
    """Return an interval as ``[low, high]``, or an empty text for none."""
    return "" if np.isnan(bounds).any() else f"[{', '.join(number(bound, sign) for bound in bounds)}]"


def text(found: Mapping[str, Evaluation], *, classes: bool = True) -> str:
    """Return the tables of evaluations by IoU type, those of the classes among them if ``classes``."""
    parts = []
    for evaluation in found.values():
        head = f"COCO evaluation of {TITLES[evaluation.iou_type]}: {evaluation.images:,} images, "
        head += f"{sum(evaluation.truths):,} objects"
        if evaluation.settings.resamples:
            head += f"; {intervals_text(evaluation.settings)}"
        rows: list[Sequence[str]] = [
            (metric.key, meaning(metric), number(value), span(bounds))
            for metric, value, bounds in zip(METRICS, evaluation.values, evaluation.intervals)
        ]
        parts += [head, table(("metric", "over", "value", "interval"), rows, left=2) + "\n"]
        if classes and len(evaluation.names) > 1:
            parts.append(_class_table(evaluation) + "\n")
        if evaluation.errors:
            parts.append(_error_table(evaluation.errors) + "\n")
    return "\n" + "\n".join(parts)


def intervals_text(settings: Settings) -> str:
    """Return what the intervals are made of."""
    return f"{100 * settings.level:g}% intervals from {settings.resamples:,} resamples of the images"


def _class_table(evaluation: Evaluation) -> str:
    columns = [column(key) for key in CLASS_COLUMNS]
    rows = [
        (name, f"{count:,}", span(bounds[0]), *(number(values[i]) for i in columns))
        for name, count, values, bounds in zip(
            evaluation.names, evaluation.truths, evaluation.classes, evaluation.class_intervals
        )
    ]
    return table(("class", "objects", "AP interval", *CLASS_COLUMNS), rows)


def _error_table(errors: Explanation) -> str:
    loss = errors.overall
    rows = [(kind, number(gain), f"{loss.count[kind]:,}") for kind, gain in loss.gain.items()]
    return table((f"error (AP50 {number(loss.ap)})", "AP50 to gain", "errors"), rows)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return rows as lines of text in columns, the first ``left`` of them aligned left."""
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for i, heading in enumerate(headings):
        shown.add_column(heading, justify="left" if i < left else "right", no_wrap=True)
    for row in rows:
        shown.add_row(*map(escape, row))
    stream = io.StringIO()
    Console(file=stream, width=200, color_system=None).print(shown)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain data; None stands for "n/a"."""
    errors = evaluation.errors
    area, limit = 0, -1  # all sizes, 100 detections
    precision = evaluation.curves.precision[..., area, limit]  # (T, R, K)
    return {
        "images": evaluation.images,
        "resamples": evaluation.settings.resamples,
        "level": evaluation.settings.level,
        "seed": evaluation.settings.seed,
        "metrics": _numbers(evaluation.values, evaluation.intervals),
        "classes": {
            name: {"objects": count, "metrics": _numbers(values, bounds)}
            for name, count, values, bounds in zip(
                _keys(evaluation.names), evaluation.truths, evaluation.classes, evaluation.class_intervals
            )
        },
        "errors": errors.as_dict() if errors else None,
        "precision_recall": {
            "iou": IOU_THRESHOLDS.round(2).tolist(),
            "recall": RECALL_THRESHOLDS.round(2).tolist(),
            "precision": {
                name: None if (precision[..., k] < 0).any() else precision[..., k].tolist()
                for k, name in enumerate(_keys(evaluation.names))
            },
        },
    }


def _keys(names: Sequence[str]) -> list[str]:
    """Return names of which none is there twice: of two classes called alike none is to be lost."""
    return [f"{name} ({i})" if names.count(name) > 1 else name for i, name in enumerate(names)]


def _numbers(values: np.ndarray, bounds: np.ndarray) -> dict[str, dict[str, Any]]:
    return {
        key: {"value": plain(value), "low": plain(low), "high": plain(high)}
        for key, value, (low, high) in zip(KEYS, values, bounds)
    }


def plain(value: float) -> float | None:
    """Return a number as JSON has it: None for NaN."""
    return None if math.isnan(value) else float(value)


def save(folder: Path, found: Mapping[str, Evaluation], about: Mapping[str, Any], *, pictures: bool = True) -> None:
    """Write ``coco.json``, ``coco.csv`` and the pictures of evaluations by IoU type.

    Args:
        folder: Where to, made if need be.
        found: The evaluations.
        about: What was evaluated, put into the JSON.
        pictures: Whether to draw.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = {"tintbox": tintbox.__version__, **about, **{kind: as_dict(e) for kind, e in found.items()}}
    (folder / "coco.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    with (folder / "coco.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        columns = [f"{key}{end}" for key in KEYS for end in ("", "_low", "_high")]
        rows.writerow(["iou_type", "class", "objects", *columns])
        for kind, e in found.items():
            rows.writerow([kind, "all", sum(e.truths), *_cells(e.values, e.intervals)])
            for row in zip(e.names, e.truths, e.classes, e.class_intervals):
                rows.writerow([kind, row[0], row[1], *_cells(*row[2:])])
    if pictures:
        for kind, evaluation in found.items():
            drawings.draw(evaluation, folder, "" if kind == "bbox" else f"_{kind}")


def _cells(values: np.ndarray, bounds: np.ndarray) -> list[Any]:
    return [NONE if math.isnan(v) else float(v) for value, pair in zip(values, bounds) for v in (value, *pair)]


def comparison_text(comparison: Comparison, names: tuple[str, str]) -> str:
    """Return the table of two evaluations by what they were called."""
    first, second = comparison.first, comparison.second
    head = f"\n{names[1]} against {names[0]}, {TITLES[first.iou_type]}: {first.images:,} images"
    if first.settings.resamples:
        head += "; " + intervals_text(first.settings).replace("intervals", "intervals of the difference")
    rows = [
        (key, number(a), number(b), number(d, "+"), span(bounds, "+"), verdict(d, bounds))
        for key, a, b, d, bounds in zip(KEYS, first.values, second.values, comparison.values, comparison.intervals)
    ]
    parts = [head, table(("metric", *names, "difference", "interval", "verdict"), rows) + "\n"]
    if len(first.names) > 1:
        class_rows = [
            (name, number(a[0]), number(b[0]), number(d[0], "+"), span(bounds[0], "+"), verdict(d[0], bounds[0]))
            for name, a, b, d, bounds in zip(
                first.names, first.classes, second.classes, comparison.classes, comparison.class_intervals
            )
        ]
        parts.append(table(("AP of class", *names, "difference", "interval", "verdict"), class_rows))
    return "\n".join(parts)


def verdict(difference: float, bounds: np.ndarray) -> str:
    """Return in a word whether a difference is distinguishable from zero; an empty text where that is unknown."""
    if np.isnan(bounds).any():
        return ""
    if np.abs([difference, *bounds]).max() <= ROUNDING:
        return "equal"
    if not is_sure(bounds):
        return "may be chance"
    return "better" if difference > 0 else "worse"


def comparison_dict(comparison: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    """Return a comparison as plain data; differences are second - first."""

    def rows(first: np.ndarray, second: np.ndarray, difference: np.ndarray, bounds: np.ndarray) -> dict[str, Any]:
        return {
            key: {
                "first": plain(a), "second": plain(b), "difference": plain(d),
                "low": plain(pair[0]), "high": plain(pair[1]), "distinguishable": bool(is_sure(pair)),
            }
            for key, a, b, d, pair in zip(KEYS, first, second, difference, bounds)
        }  # fmt: skip

    one, two = comparison.first, comparison.second
    return {
        "first": names[0],
        "second": names[1],
        "images": one.images,
        "resamples": one.settings.resamples,
        "level": one.settings.level,
        "seed": one.settings.seed,
        "metrics": rows(one.values, two.values, comparison.values, comparison.intervals),
        "classes": {
            name: rows(one.classes[k], two.classes[k], comparison.classes[k], comparison.class_intervals[k])
            for k, name in enumerate(_keys(one.names))
        },
    }


def save_comparison_csv(file: Path, content: Mapping[str, Any]) -> None:
    """Write comparisons by IoU type, as ``comparison_dict`` gives them, as a table."""
    columns = ("first", "second", "difference", "low", "high", "distinguishable")
    with file.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["iou_type", "class", "metric", *columns])
        for kind, compared in content.items():
            for name, numbers in {"all": compared["metrics"], **compared["classes"]}.items():
                for key, row in numbers.items():
                    rows.writerow([kind, name, key, *(NONE if row[c] is None else row[c] for c in columns)])
