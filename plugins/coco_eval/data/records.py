"""Conversion of a validation's images and predictions to ground truth and detections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tintbox.datasets.reading.dataset_files import LEAST_SIDE, ONE_CLASS
from tintbox.errors import counted, list_values
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Split, Truth


def keep_validated(split: Split, files: set[str]) -> Split:
    """Return the validated part of a split, after a warning about images that Ultralytics left out."""
    from ultralytics.utils import LOGGER

    image_ids = {file: i for file, i in split.image_ids.items() if file in files}
    part = Split.part_of(split.truth, image_ids, split.category_ids)
    if lost := [Path(file).name for file in split.image_ids if file not in files]:
        objects = counted(len(split.truth.annotations) - len(part.truth.annotations), "object")
        LOGGER.warning(
            f"coco_eval: {len(lost)} of {len(split.image_ids)} images left out with their {objects}, as in Ultralytics "
            f"(damaged, a side under {LEAST_SIDE} pixels, or beyond fraction=): {list_values(lost)}"
        )
    return part


def keep_classes(split: Split, classes: set[int]) -> Split:
    """Return a split with only these class indices, because Ultralytics drops the labels of other classes."""
    category_ids = {index: i for index, i in split.category_ids.items() if index in classes}
    return Split.part_of(split.truth, split.image_ids, category_ids)


def single_class(split: Split) -> Split:
    """Return a split with all objects in one class, as with `single_cls=True`."""
    annotations = [{**annotation, "category_id": 1} for annotation in split.truth.annotations]
    truth = Truth(split.truth.images, annotations, [{"id": 1, "name": ONE_CLASS}])
    return Split(truth, split.image_ids, {0: 1})


def collect(records: Mapping[str, Mapping[str, Any]], split: Split, *, masks: bool) -> Detections:
    """Convert recorded predictions to Detections, dropping classes that are not in the split.

    Args:
        records: Per image file ``bbox`` (n, 4) x, y, width, height in pixels, ``score`` (n,), ``class`` (n,), and with
            masks ``segmentation``, n run-length encodings.
        split: The split of the files.
        masks: Whether there are masks.
    """
    parts = [replace(Detections.empty(), segmentation=[] if masks else None)]
    indices = list(split.category_ids)
    for file, record in records.items():
        kept = np.isin(record["class"], indices)
        part = Detections(
            image_id=np.full(kept.sum(), split.image_ids[file], dtype=np.int64),
            category_id=np.array([split.category_ids[c] for c in record["class"][kept].tolist()], dtype=np.int64),
            bbox=record["bbox"][kept],
            score=record["score"][kept],
            segmentation=[mask for mask, keep in zip(record["segmentation"], kept) if keep] if masks else None,
        )
        parts.append(part)
    return Detections.join(parts)
