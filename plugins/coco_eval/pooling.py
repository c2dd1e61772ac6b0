"""Predictions for parts of a dataset's pictures, put together: what the runs of cross-validation say of them all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tintbox import atomic, json_file
from tintbox.errors import TintboxError
from tintbox.limits import PREDICTIONS_BYTES
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.rows import list_values
from tintbox.plugins.coco_eval.data.truth import GROUP, Truth
from tintbox.plugins.coco_eval.outcome import ANNOTATIONS, IMAGE_IDS, PREDICTIONS, save_json

MARK = "pooled.json"  # in a folder whose predictions several runs have made: their names


@dataclass(frozen=True)
class Pooled:
    """Truth and detections of pictures that several runs have predicted, each its own.

    Attributes:
        truth: The truth of all; a picture's id is its place among the sorted paths, from 1 on.
        detections: The detections of all.
        image_ids: Path of a picture -> its id.
    """

    truth: Truth
    detections: Detections
    image_ids: dict[str, int]

    def save(self, folder: Path, runs: Sequence[str]) -> None:
        """Write COCO's JSON as `save_json` does, and which runs have predicted it."""
        save_json(folder, self.truth, self.detections, self.image_ids)
        atomic.write_text(folder / MARK, json.dumps({"runs": list(runs)}, indent=1))


def pool(folders: Sequence[Path], groups: Mapping[str, str] | None = None) -> Pooled:
    """Return what runs have left that were validated on different pictures of one dataset.

    Args:
        folders: Their folders, with what `save_json` writes.
        groups: Path of a picture -> its group, where pictures of a group are no independent ones.

    Raises:
        TintboxError: A file is missing or wrong, runs have different classes, or a picture is in two of them.
    """
    parts = [_read(folder) for folder in folders]
    categories = parts[0].truth.categories
    files: dict[str, Path] = {}
    for folder, part in zip(folders, parts):
        if part.truth.categories != categories:
            raise TintboxError(f"{folder}: evaluated on other classes than {folders[0]}; pool runs of one dataset")
        for file in part.image_ids:
            if file in files:
                raise TintboxError(f"{folder}: {file} is in {files[file]} too; pool runs on different pictures")
            files[file] = folder
    image_ids = {file: i for i, file in enumerate(sorted(files), start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    detections = []
    for part in parts:
        new = {old: image_ids[file] for file, old in part.image_ids.items()}
        images += [{**image, "id": new[image["id"]]} for image in part.truth.images]
        annotations += [{**row, "image_id": new[row["image_id"]]} for row in part.truth.annotations]
        own = part.detections
        renamed = np.array([new[i] for i in own.image_id.tolist()], dtype=np.int64)
        detections.append(replace(own, image_id=renamed))
    images.sort(key=lambda image: image["id"])
    if groups:  # the ids follow the paths
        images = [{**image, GROUP: groups.get(file, file)} for image, file in zip(images, sorted(files))]
    annotations.sort(key=lambda row: row["image_id"])  # stable: in a picture as they were
    annotations = [{**row, "id": i} for i, row in enumerate(annotations, start=1)]
    return Pooled(Truth(images, annotations, categories), Detections.join(detections), image_ids)


def _read(folder: Path) -> Pooled:
    truth = Truth.read(folder / ANNOTATIONS)
    ids = json_file.read(folder / IMAGE_IDS, PREDICTIONS_BYTES)
    known = sorted(image["id"] for image in truth.images)
    own = list(ids.values()) if isinstance(ids, dict) else []
    if set(map(type, own)) != {int} or sorted(own) != known:
        raise TintboxError(f"{folder / IMAGE_IDS}: not the pictures of {ANNOTATIONS} beside it; validate again")
    return Pooled(truth, Detections.read(folder / PREDICTIONS, truth), ids)


def stand_for(run: str) -> str:
    """Return what a run's name stands for: of a study with folds that has one setting, what its folds say together.

    Raises:
        TintboxError: It has several.
    """
    folder = Path(run)
    try:
        if not folder.is_dir() or has_files(folder):
            return run
        pooled = sorted(path.parent for path in folder.glob(f"*/{MARK}") if has_files(path.parent))
    except (OSError, ValueError):
        return run  # whoever reads it says why
    if len(pooled) > 1:
        names = list_values((path.name for path in pooled), most=6)
        raise TintboxError(f"{run}: a study of several settings or seeds ({names}); name one, e.g. {pooled[0]}")
    return str(pooled[0]) if pooled else run


def has_files(folder: Path) -> bool:
    """Return whether a folder has truth and predictions in COCO's JSON.

    Raises:
        TintboxError: It may be listed, but not entered.
    """
    try:
        return all((folder / name).is_file() for name in (ANNOTATIONS, PREDICTIONS))
    except OSError as error:
        raise TintboxError(f"{folder}: cannot be read ({error.strerror})") from error
