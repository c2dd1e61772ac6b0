"""Pooling of predictions for different images of a dataset, as the runs of a cross-validation make them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tintbox import atomic, json_file
from tintbox.errors import TintboxError, explain_refusal, list_values
from tintbox.limits import PREDICTIONS_BYTES
from tintbox.path_names import as_text
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import GROUP, Truth
from tintbox.plugins.coco_eval.outcome import ANNOTATIONS, IMAGE_IDS, PREDICTIONS, Predictions

MARK = "pooled.json"  # marks a folder of pooled predictions and names their runs


def pool(folders: Sequence[Path], groups: Mapping[str, str] | None = None) -> Predictions:
    """Pool the predictions of runs that were validated on different images of one dataset, as `save_json` wrote them.

    Image ids number the sorted paths from 1. ``groups`` has the group of each image path, if images of a group are not
    independent.

    Raises:
        TintboxError: A file is missing or invalid, runs have different classes, or an image is in two of them.
    """
    parts = [_read(folder) for folder in folders]
    categories = parts[0].truth.categories
    files: dict[str, Path] = {}
    for folder, part in zip(folders, parts):
        if part.truth.categories != categories:
            raise TintboxError(f"{folder}: evaluated on other classes than {folders[0]}; pool runs of one dataset")
        for file in part.image_ids:
            if file in files:
                raise TintboxError(
                    f"{folder}: {file} is in {files[file]} too; only runs on different images can be pooled"
                )
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
        images = [{**image, GROUP: as_text(groups.get(file, file))} for image, file in zip(images, sorted(files))]
    annotations.sort(key=lambda row: row["image_id"])  # stable: keeps the order within an image
    annotations = [{**row, "id": i} for i, row in enumerate(annotations, start=1)]
    return Predictions(Truth(images, annotations, categories), Detections.join(detections), image_ids)


def save(folder: Path, pooled: Predictions, runs: Sequence[str]) -> None:
    """Write pooled predictions as those of a run, and the names of the runs that they are from."""
    pooled.save(folder)
    atomic.write_text(folder / MARK, json.dumps({"runs": list(runs)}, indent=1))


def is_whole(folder: Path) -> bool:
    """Return whether the predictions of a run, and the truth and the image ids beside them, can be read."""
    try:
        _read(folder)
    except (TintboxError, OSError):
        return False
    return True


def _read(folder: Path) -> Predictions:
    found = Predictions.read(folder)
    ids = json_file.read(folder / IMAGE_IDS, PREDICTIONS_BYTES)
    known = sorted(image["id"] for image in found.truth.images)
    own = list(ids.values()) if isinstance(ids, dict) else []
    if set(map(type, own)) != {int} or sorted(own) != known:
        raise TintboxError(f"{folder / IMAGE_IDS}: not the images of {ANNOTATIONS} beside it; validate again")
    return replace(found, image_ids=ids)


def rename_images(folder: Path, moved: Mapping[str, str]) -> None:
    """Replace the paths in a run's image ids by those that the images have moved to, given by the old ones."""
    try:
        ids = json_file.read(folder / IMAGE_IDS, PREDICTIONS_BYTES)
    except TintboxError:
        return  # reported when it is pooled
    if isinstance(ids, dict):
        renamed = {moved.get(file, file): i for file, i in ids.items()}
        atomic.write_text(folder / IMAGE_IDS, json.dumps(renamed, indent=1))


def find_folder(run: str) -> str:
    """Return the folder to compare for a run's name: for a study with folds, its pooled folder; else the run itself.

    Raises:
        TintboxError: The study has several settings or seeds.
    """
    folder = Path(run)
    try:
        if not folder.is_dir() or has_files(folder):
            return run
        pooled = sorted(path.parent for path in folder.glob(f"*/{MARK}") if has_files(path.parent))
    except (OSError, ValueError):
        return run  # reported when it is read
    if len(pooled) > 1:
        names = list_values((path.name for path in pooled), most=6)
        raise TintboxError(f"{run}: a study of several settings or seeds ({names}); name one, e.g. {pooled[0]}")
    return str(pooled[0]) if pooled else run


def has_files(folder: Path) -> bool:
    """Return whether a folder has truth and predictions in COCO's JSON.

    Raises:
        TintboxError: Its files cannot be accessed.
    """
    with explain_refusal(f"{folder}: cannot be read"):
        return all((folder / name).is_file() for name in (ANNOTATIONS, PREDICTIONS))
