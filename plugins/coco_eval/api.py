"""COCO evaluation from Python: `tintbox.evaluate` and `tintbox.compare`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from tintbox.checks import as_path, as_python, is_path, is_word
from tintbox.errors import TintboxError, suggest
from tintbox.plugins.coco_eval import evaluation
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.content import read_detections, read_truth
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import Evaluation
from tintbox.plugins.coco_eval.metrics import TITLES
from tintbox.plugins.coco_eval.settings import check, settings

__all__ = ["Comparison", "Evaluation", "compare", "evaluate"]


def evaluate(
    truth: str | os.PathLike[str] | Mapping[str, Any],
    detections: str | os.PathLike[str] | Sequence[Mapping[str, Any]] | Mapping[str, Any],
    *,
    iou_type: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    explain: bool = False,
) -> Evaluation:
    """Return COCO's twelve numbers for detections, equal to pycocotools' to 1e-9, each with a bootstrap interval.

    Arrays may be NumPy arrays, torch tensors or lists. The arguments are not modified.

    Example:
        >>> import tintbox
        >>> truth = {"image_id": [1, 1, 2], "category_id": [1, 1, 1],
        ...          "bbox": [[10, 10, 50, 50], [80, 20, 40, 60], [5, 5, 90, 40]]}
        >>> detections = {"image_id": [1, 2], "category_id": [1, 1],
        ...               "bbox": [[11, 10, 50, 50], [5, 5, 90, 40]], "score": [0.9, 0.8]}
        >>> result = tintbox.evaluate(truth, detections)
        >>> round(result["AP50"], 3)
        0.663
        >>> result
        <boxes of 2 images: AP=0.663, AP50=0.663, AP75=0.663, AR100=0.667>

    Args:
        truth: The path of a COCO JSON, its content as a dict, or arrays: ``image_id`` (N,), ``category_id`` (N,),
            ``bbox`` (N, 4) x, y, width, height in pixels; optionally ``iscrowd`` (N,), ``area`` (N,) in square pixels,
            ``images`` (all image ids, needed if some have no objects) and ``categories`` (all ids, or names by id).
        detections: The path of a file in COCO's result format, its content as a list of dicts, or arrays:
            ``image_id`` (M,), ``category_id`` (M,), ``bbox`` (M, 4), ``score`` (M,) 0..1.
        iou_type: ``"bbox"`` or ``"segm"``; None for masks if all of truth and detections have them, else boxes.
        resamples: Number of bootstrap resamples of the images for the intervals; 0 for no intervals.
        seed: Random seed of the resamples.
        level: Confidence level of the intervals, between 0 and 1.
        explain: Whether to compute what each kind of error costs as well.

    Returns:
        The numbers: ``result["AP"]``, all of them by ``dict(result)``, ``.intervals`` (12, 2), ``.to_dict()``,
            ``.plot()``; a notebook shows tables.

    Raises:
        TintboxError: An argument is invalid; the message says what and where.
    """
    chosen = as_python({"resamples": resamples, "seed": seed, "level": level, "explain": explain})
    if wrong := check(chosen):
        raise TintboxError(f"evaluate: {wrong}")
    if iou_type is not None and not is_word(iou_type, TITLES):
        raise TintboxError(f"iou_type={iou_type}: give one of {', '.join(TITLES)}{suggest(str(iou_type), TITLES)}")
    known = _truth(truth)
    found = _detections(detections, known)
    kind = iou_type or evaluation.iou_types(known, found)[-1]
    return evaluation.evaluate(known, found, kind, settings(chosen))


def compare(a: Evaluation, b: Evaluation) -> Comparison:
    """Return how much better b is than a, with intervals of the differences from a paired bootstrap.

    Hard images are hard for both, so this is far more precise than two separate intervals.

    Example:
        >>> import tintbox
        >>> truth = {"image_id": [1, 1, 2], "category_id": [1, 1, 1],
        ...          "bbox": [[10, 10, 50, 50], [80, 20, 40, 60], [5, 5, 90, 40]]}
        >>> found = {"image_id": [1, 2], "category_id": [1, 1],
        ...          "bbox": [[11, 10, 50, 50], [5, 5, 90, 40]], "score": [0.9, 0.8]}
        >>> less = {key: column[:1] for key, column in found.items()}
        >>> comparison = tintbox.compare(tintbox.evaluate(truth, less), tintbox.evaluate(truth, found))
        >>> round(comparison["AR100"], 3)
        0.333

    Args:
        a: The baseline evaluation.
        b: The evaluation to compare with it, on the same truth and with the same settings.

    Returns:
        The differences b - a: ``comparison["AP"]``, ``.intervals`` (12, 2), ``.to_dict()``, ``.plot()``; a
        notebook shows tables.

    Raises:
        TintboxError: The two differ in images, objects, classes or settings.
    """
    for name, value in (("a", a), ("b", b)):
        if not isinstance(value, Evaluation):
            raise TintboxError(f"compare: {name} is of type {type(value).__name__}; give what tintbox.evaluate returns")
    return Comparison(a, b, ("a", "b"))


def _truth(given: Any) -> Truth:
    """Read ground truth from a path, a COCO dict or arrays by name."""
    if is_path(given):
        return Truth.read(as_path(given))
    if isinstance(given, Mapping):
        return Truth.of(read_truth(given), "truth")
    raise TintboxError(
        f"truth is of type {type(given).__name__}; give the path of a COCO JSON, its content, or arrays by name"
    )


def _detections(given: Any, truth: Truth) -> Detections:
    """Read detections from a path, rows of COCO's result format or arrays by name."""
    if is_path(given):
        return Detections.read(as_path(given), truth)
    if isinstance(given, (Mapping, list, tuple)):
        return Detections.of(read_detections(given), "detections", truth)
    raise TintboxError(
        f"detections is of type {type(given).__name__}; give the path of a result file, its rows, or arrays by name"
    )
