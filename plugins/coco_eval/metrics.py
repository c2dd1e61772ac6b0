"""COCO's twelve numbers, computed from precision and recall arrays as pycocotools' ``summarize`` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)  # pycocotools' own expression, so that the floats are the same
RECALL_THRESHOLDS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = (1, 10, 100)  # per image and class
# name -> smallest and largest area in square pixels, both included
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
TITLES = {"bbox": "boxes", "segm": "masks"}  # IoU type -> what overlaps
SUFFIXES = {"bbox": "", "segm": "_segm"}  # IoU type -> end of its files' names


@dataclass(frozen=True)
class Metric:
    """One of COCO's numbers.

    Attributes:
        key: Its name in tables and files.
        precision: True for average precision, False for average recall.
        iou: Index of its IoU threshold, or None for the mean over all ten.
        area: Name of the object size range.
        max_detections: Maximum number of detections per image and class, those with the highest scores.
    """

    key: str
    precision: bool
    iou: int | None = None
    area: str = "all"
    max_detections: int = 100


METRICS = (
    Metric("AP", True),
    Metric("AP50", True, iou=0),
    Metric("AP75", True, iou=5),
    Metric("AP_small", True, area="small"),
    Metric("AP_medium", True, area="medium"),
    Metric("AP_large", True, area="large"),
    Metric("AR1", False, max_detections=1),
    Metric("AR10", False, max_detections=10),
    Metric("AR100", False),
    Metric("AR_small", False, area="small"),
    Metric("AR_medium", False, area="medium"),
    Metric("AR_large", False, area="large"),
)
KEYS = tuple(metric.key for metric in METRICS)


def column(key: str) -> int:
    """Return the index of a metric among the twelve.

    Raises:
        KeyError: There is no metric of this name; the message lists them.
    """
    if key not in KEYS:
        raise KeyError(f"no metric '{key}' ({', '.join(KEYS)})")
    return KEYS.index(key)


def frozen(array: np.ndarray) -> np.ndarray:
    """Return an array made read-only, so that nobody changes a result in place."""
    array.setflags(write=False)
    return array


class Numbers:
    """A result as a mapping: ``dict(result)``, ``"AP" in result``. Its ``values`` are an array, so no `Mapping`."""

    @cached_property
    def values(self) -> np.ndarray:
        """The twelve numbers, ``(12,)``."""
        raise NotImplementedError

    def __getitem__(self, key: str) -> float:
        """Return one of the twelve numbers, e.g. ``result["AP50"]``; NaN for "n/a"."""
        return float(self.values[column(key)])

    def __iter__(self) -> Iterator[str]:
        return iter(KEYS)

    def __len__(self) -> int:
        return len(KEYS)

    def keys(self) -> Sequence[str]:
        """Return the names of the twelve numbers."""
        return KEYS


@dataclass(frozen=True)
class Curves:
    """The output of COCOeval's ``accumulate``: T IoU thresholds, R recall thresholds, K classes, A areas, M limits.

    Attributes:
        precision: ``(T, R, K, A, M)``, 0..1; -1 where a class has no truth of that size.
        recall: ``(T, K, A, M)``, likewise.
    """

    precision: np.ndarray
    recall: np.ndarray

    def __post_init__(self) -> None:
        frozen(self.precision)
        frozen(self.recall)


def per_class(curves: Curves) -> np.ndarray:
    """Return ``(K, 12)`` the numbers of every class, NaN where it has no truth of that size."""
    columns = []
    for metric in METRICS:
        area, limit = list(AREAS).index(metric.area), MAX_DETECTIONS.index(metric.max_detections)
        values = curves.precision[..., area, limit] if metric.precision else curves.recall[..., area, limit]
        if metric.iou is not None:
            values = values[[metric.iou]]
        values = np.moveaxis(values, -1, 0).reshape(values.shape[-1], -1)  # (K, T * R) or (K, T)
        # A class has truth of a size at all thresholds or at none, so either all of its values are -1 or none is.
        columns.append(np.where(values[:, 0] < 0, np.nan, values.mean(1)))
    return np.stack(columns, axis=1)


def overall(classes: np.ndarray) -> np.ndarray:
    """Return the mean over the classes that have a value, NaN where none has.

    This equals pycocotools' mean over its whole array, in which every class has the same number of entries.

    Args:
        classes: ``(..., K, 12)``.

    Returns:
        ``(..., 12)``.
    """
    valid = ~np.isnan(classes)
    count = valid.sum(-2)
    total = np.where(valid, classes, 0.0).sum(-2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
