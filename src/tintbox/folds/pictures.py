"""The labelled images that folds are made of: those of the training and validation splits, never the test split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tintbox.datasets.reading.description import describe, describe_without_validation, lacks_validation
from tintbox.datasets.reading.layout import split_pictures, title
from tintbox.errors import TintboxError, counted
from tintbox.path_names import can_be_listed
from tintbox.plugins.coco_eval.data.truth import from_labels

POOLED = ("train", "val")
KEPT = ("names", "channels", "kpt_shape", "kpt_names", "flip_idx")  # keys of a dataset's YAML other than its splits


@dataclass(frozen=True)
class Pictures:
    """P images with their labels; K classes.

    Attributes:
        data: The dataset, as the user named it.
        files: The images' absolute paths, sorted.
        splits: Each image's split of the dataset, the first one if it is in several.
        counts: ``(P, K)`` number of objects of each class.
        kept: What else a YAML of these images needs, by key.
        annotated: Whether the dataset names COCO JSON files, which folds do not use.
    """

    data: str
    files: list[str]
    splits: list[str]
    counts: np.ndarray
    kept: Mapping[str, Any]
    annotated: bool


def gather(data: str | Path) -> Pictures:
    """Return the labelled images of a dataset's training and validation splits; the latter may be missing.

    Says first how many labels it reads, which takes a minute for 50,000 images.

    Raises:
        TintboxError: The dataset does not exist or has no labels, or a label or image is invalid; the line says which.
    """
    described = describe_without_validation(data) if lacks_validation(data) else describe(data)
    classes = len(described["names"])
    found: dict[str, tuple[str, np.ndarray]] = {}
    listed = {split: split_pictures(described, split) for split in POOLED if described.get(split)}
    print(f"reading the labels of {counted(sum(map(len, listed.values())), 'image')} ...", flush=True)
    for split, own in listed.items():
        truth = from_labels(described, split, own)
        places = {image: i for i, image in enumerate(truth.image_ids.values())}
        counts = np.zeros((len(places), classes), dtype=np.int64)
        indices = {category: index for index, category in truth.category_ids.items()}
        for row in truth.truth.annotations:
            counts[places[row["image_id"]], indices[row["category_id"]]] += 1
        for file, image in truth.image_ids.items():
            found.setdefault(str(Path(file).absolute()), (split, counts[places[image]]))
    files = sorted(found)
    if odd := next((file for file in files if not can_be_listed(file)), None):
        raise TintboxError(
            f"{title(described)}: {odd!a}: no list of images can have this name, with a line break or bytes that "
            "are not UTF-8; rename the file"
        )
    counts = np.array([found[file][1] for file in files]).reshape(-1, classes)
    if not counts.any():
        raise TintboxError(f"{title(described)}: no labels for its images ({', '.join(POOLED)}); label some")
    kept = {key: described[key] for key in KEPT if described.get(key) is not None}
    return Pictures(
        str(data), files, [found[file][0] for file in files], counts, kept, bool(described.get("annotations"))
    )
