"""The files of an evaluation: ``coco.json``, ``coco.csv`` and plots, each written atomically."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tintbox
from tintbox import atomic
from tintbox.limits import CURVE_CLASSES
from tintbox.plugins.coco_eval import pictures as drawings
from tintbox.plugins.coco_eval.bootstrap import is_sure
from tintbox.plugins.coco_eval.metrics import IOU_THRESHOLDS, KEYS, RECALL_THRESHOLDS, SUFFIXES
from tintbox.plugins.coco_eval.tables import NONE

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.evaluation import Evaluation


def as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain data, with None for "n/a"."""
    errors = evaluation.errors
    area, limit = 0, -1  # all sizes, 100 detections
    levels = slice(None if len(evaluation.names) <= CURVE_CLASSES else 1)  # of 5,000 classes, ten would be 150 MB
    precision = evaluation.curves.precision[levels, ..., area, limit]  # (T, R, K)
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
        "errors": {"iou_type": evaluation.iou_type, **errors.as_dict()} if errors else None,
        "precision_recall": {
            "iou": IOU_THRESHOLDS[levels].round(2).tolist(),
            "recall": RECALL_THRESHOLDS.round(2).tolist(),
            "precision": {
                name: None if (precision[..., k] < 0).any() else precision[..., k].tolist()
                for k, name in enumerate(_keys(evaluation.names))
            },
        },
    }


def _keys(names: Sequence[str]) -> list[str]:
    """Return unique names, so that no class is lost if two have the same name.

    Each of these gets its number appended, ``a (0)``, repeatedly if another class already has that name.
    """
    counts = Counter(names)
    keys, taken = [], {name for name in names if counts[name] == 1}
    for i, name in enumerate(names):
        key = name
        while counts[name] > 1 and (key == name or key in taken):
            key += f" ({i})"
        taken.add(key)
        keys.append(key)
    return keys


def _numbers(values: np.ndarray, bounds: np.ndarray) -> dict[str, dict[str, Any]]:
    return {
        key: {"value": as_json_number(value), "low": as_json_number(low), "high": as_json_number(high)}
        for key, value, (low, high) in zip(KEYS, values, bounds)
    }


def as_json_number(value: float) -> float | None:
    """Return a number for JSON, None for NaN."""
    return None if math.isnan(value) else float(value)


def save(folder: Path, found: Mapping[str, Evaluation], about: Mapping[str, Any], *, pictures: bool = True) -> None:
    """Write ``coco.json``, which tells what it is ``about``, ``coco.csv`` and the plots of evaluations by IoU type."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"tintbox": tintbox.__version__, **about, **{kind: as_dict(e) for kind, e in found.items()}}
    atomic.write_text(folder / "coco.json", json.dumps(content, indent=1))
    columns = [f"{key}{end}" for key in KEYS for end in ("", "_low", "_high")]
    rows: list[Sequence[Any]] = [["iou_type", "class", "objects", *columns]]
    for kind, e in found.items():
        rows.append([kind, "all", sum(e.truths), *_cells(e.values, e.intervals)])
        for name, objects, values, bounds in zip(e.names, e.truths, e.classes, e.class_intervals):
            rows.append([kind, name, objects, *_cells(values, bounds)])
    atomic.write_csv(folder / "coco.csv", rows)
    remove_drawings(folder)
    if pictures:
        for kind, evaluation in found.items():
            drawings.draw(evaluation, folder, SUFFIXES[kind])


def remove_drawings(folder: Path) -> None:
    """Remove the drawings of an earlier evaluation, which would seem to belong to this one."""
    for end in SUFFIXES.values():
        plots = [folder / f"coco_{name}{end}.png" for name, _ in drawings.PICTURES.values()]
        for file in (*plots, *(folder / f"worst{end}").glob("[0-9][0-9]*_*.jpg")):
            file.unlink(missing_ok=True)


def _cells(values: np.ndarray, bounds: np.ndarray) -> list[Any]:
    return [NONE if math.isnan(v) else float(v) for value, pair in zip(values, bounds) for v in (value, *pair)]


def comparison_dict(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data; differences are second - first."""

    def rows(first: np.ndarray, second: np.ndarray, difference: np.ndarray, bounds: np.ndarray) -> dict[str, Any]:
        return {
            key: {
                "first": as_json_number(a), "second": as_json_number(b), "difference": as_json_number(d),
                "low": as_json_number(pair[0]), "high": as_json_number(pair[1]), "distinguishable": bool(is_sure(pair)),
            }
            for key, a, b, d, pair in zip(KEYS, first, second, difference, bounds)
        }  # fmt: skip

    one, two = comparison.first, comparison.second
    return {
        "first": comparison.names[0],
        "second": comparison.names[1],
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
    """Write comparisons by IoU type, in the format of ``comparison_dict``, as a CSV table."""
    columns = ("first", "second", "difference", "low", "high", "distinguishable")
    rows: list[Sequence[Any]] = [["iou_type", "class", "metric", *columns]]
    for kind, compared in content.items():
        for name, numbers in [("all", compared["metrics"]), *compared["classes"].items()]:
            for key, row in numbers.items():
                rows.append([kind, name, key, *(NONE if row[c] is None else row[c] for c in columns)])
    atomic.write_csv(file, rows)
