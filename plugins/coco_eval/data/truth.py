"""The ground truth of a split, in COCO's terms."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tintbox import atomic
from tintbox.errors import TintboxError, one_line
from tintbox.limits import COCO_CLASSES
from tintbox.plugins.coco_eval.data import dataset_files
from tintbox.plugins.coco_eval.data.correspondence import match_classes, match_pictures
from tintbox.plugins.coco_eval.data.labels import (
    Labels,
    check_orphans,
    check_side,
    keypoints,
    objects,
    read_labels,
    size_of,
)
from tintbox.plugins.coco_eval.data.layout import annotation_file, image_ids, split_pictures, title
from tintbox.plugins.coco_eval.data.rows import Rows, parse, pause_collection, read_bytes

LISTS = ("images", "annotations", "categories")
GROUP = "tintbox_group"  # of an image: those of a group, as frames of a video, are drawn together for intervals


@dataclass(frozen=True)
class Truth:
    """Ground truth as COCO's JSON has it: valid input for pycocotools.

    Attributes:
        images: ``{"id": int, "file_name": str, "width": int, "height": int}`` each; without masks a file may leave
            out all but the id.
        annotations: ``{"id", "image_id", "category_id", "bbox": [x, y, width, height] in pixels, "area", "iscrowd"}``
            each, and ``"segmentation"`` where there are masks (polygons or run lengths).
        categories: ``{"id": int, "name": str}`` each.
    """

    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    categories: list[dict[str, Any]]

    @classmethod
    @pause_collection()
    def read(cls, file: str | Path) -> Truth:
        """Read COCO's JSON.

        Raises:
            TintboxError: It is no such file, or a row is wrong; the line says which.
        """
        return cls.of(parse(read_bytes(file), file), file)

    @classmethod
    def of(cls, content: Any, file: str | Path) -> Truth:
        """Return the truth that the content of a COCO JSON is; it becomes the truth's own, and is completed in place.

        What an annotation lacks is put in: an id from 1 on, ``iscrowd`` 0, and the box's area for ``area``, also where
        there is a mask. An annotation's id 0 becomes another one: pycocotools counts the match with it as none.

        Raises:
            TintboxError: It is no ground truth, or a row is wrong; the line says which.
        """
        if isinstance(content, list):
            raise TintboxError(f"{file}: a list [...], not an object with {', '.join(LISTS)}; is it the predictions?")
        if lacking := [key for key in LISTS if not isinstance(content, dict) or key not in content]:
            raise TintboxError(f"{file}: no {', '.join(lacking)} in it; COCO's JSON has {', '.join(LISTS)}")
        images, annotations, categories = (Rows(file, key, content[key]) for key in LISTS)
        ids = {}
        for rows in (images, categories):
            ids[rows.name] = rows.integers("id")
            rows.check_unique("id", ids[rows.name])
            for row, row_id in zip(rows.rows, ids[rows.name].tolist()):
                row["id"] = row_id
            if not rows.rows:
                raise TintboxError(f"{file}: '{rows.name}' is empty: there is nothing to evaluate")
        if len(categories.rows) > COCO_CLASSES:
            raise TintboxError(f"{file}: {len(categories.rows):,} categories; tintbox evaluates up to {COCO_CLASSES:,}")
        _check_pictures(images)
        names = [category.get("name", category["id"]) for category in categories.rows]
        categories.refuse(
            [type(name) not in (str, int, float) for name in names], "has name {}, which is no text", names
        )
        for category, name in zip(categories.rows, names):
            category["name"] = str(name)
        _complete(annotations, ids)
        return cls(images.rows, annotations.rows, categories.rows)

    def save(self, file: str | Path) -> None:
        """Write COCO's JSON, with every digit.

        Raises:
            OSError: The file cannot be written.
        """
        content = {"info": {}, "licenses": [], **{key: getattr(self, key) for key in LISTS}}
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        try:
            raw = msgspec.json.encode(content)
        except (OverflowError, RecursionError, ValueError) as error:  # in a field that no evaluation reads
            raise TintboxError(f"{file}: cannot be written as JSON ({one_line(error)})") from error
        atomic.write_bytes(file, raw)


def _check_pictures(images: Rows) -> None:
    """Check what else is said of pictures: their files' names, and their sizes in pixels, 0 for unknown."""
    names = [image.get("file_name", "") for image in images.rows]
    images.refuse([type(name) not in (str, int, float) for name in names], "has file_name {}, which is no text", names)
    for key in ("width", "height"):
        there = [image for image in images.rows if image.get(key) is not None]
        sides = [0 if image.get(key) is None else image[key] for image in images.rows]
        wrong = [type(side) not in (int, float) or not (0 <= side < 2**31 and side == int(side)) for side in sides]
        images.refuse(wrong, f"has {key} {{}}, which is no number of pixels", sides)
        for image in there:
            image[key] = int(image[key])


def _complete(annotations: Rows, ids: Mapping[str, np.ndarray]) -> None:
    """Check annotations, and put in what they lack."""
    rows = annotations.rows
    references = {}
    for key, kind in (("image_id", "images"), ("category_id", "categories")):
        references[key] = annotations.integers(key)
        annotations.check_known(key, references[key], ids[kind].tolist(), f"'{kind}' has {len(ids[kind])} others")
    boxes = annotations.boxes()
    for row, area in zip(rows, (boxes[:, 2] * boxes[:, 3]).tolist()):
        if row.get("area") is None:
            row["area"] = area
        if not row.get("segmentation"):
            row.pop("segmentation", None)
    areas = annotations.numbers("area")
    wrong = ~(np.isfinite(areas) & (areas >= 0))
    annotations.refuse(wrong, "has area {}, which is no finite number of 0 or more", areas)
    crowds = [row.get("iscrowd") for row in rows]
    annotations.refuse([crowd not in (None, 0, 1) for crowd in crowds], "has iscrowd {}, neither 0 nor 1", crowds)

    named = Rows(annotations.file, annotations.name, [row for row in rows if row.get("id") is not None])
    own = named.integers("id")
    named.check_unique("id", own)
    used = set(own.tolist())
    first = max(used, default=0) + 1
    free = (i for i in count(first if 0 < first < 2**62 else 1) if i not in used)
    given = iter(own.tolist())
    for row, image, category in zip(rows, references["image_id"].tolist(), references["category_id"].tolist()):
        row["id"] = (next(given) if row.get("id") is not None else 0) or next(free)
        row.update(image_id=image, category_id=category, iscrowd=int(bool(row.get("iscrowd"))))


@dataclass(frozen=True)
class Split:
    """The ground truth of a dataset's split, and how its pictures and classes are numbered.

    Attributes:
        truth: The ground truth.
        image_ids: Path of a picture, as Ultralytics has it in ``im_file`` -> image id.
        category_ids: Class index of the dataset -> category id.
    """

    truth: Truth
    image_ids: dict[str, int]
    category_ids: dict[int, int]

    @classmethod
    def part_of(cls, truth: Truth, image_ids: dict[str, int], category_ids: dict[int, int]) -> Split:
        """Return the split of these images and categories; what else the truth has is left out."""
        images, categories = set(image_ids.values()), set(category_ids.values())
        part = Truth(
            [image for image in truth.images if image["id"] in images],
            [row for row in truth.annotations if row["image_id"] in images and row["category_id"] in categories],
            [category for category in truth.categories if category["id"] in categories],
        )
        return cls(part, image_ids, category_ids)


def for_dataset(data: Mapping[str, Any], split: str) -> Split:
    """Return the ground truth of a split: from a COCO JSON if there is one, else from the labels.

    The JSON is the one that ``annotations:`` in the dataset's YAML names for the split, e.g. ``annotations: {val:
    annotations/val.json}``, relative to the dataset's path, or COCO's own ``annotations/instances_val2017.json``.

    Args:
        data: What Ultralytics' `check_det_dataset` returns.
        split: The split's name.

    Raises:
        TintboxError: The dataset has no such split, or labels or JSON are wrong.
    """
    pictures = split_pictures(data, split)
    file = annotation_file(data, split)
    return from_labels(data, split, pictures) if file is None else from_json(file, pictures, data["names"])


def from_json(file: str | Path, pictures: list[str], names: Mapping[int, str]) -> Split:
    """Return the ground truth of a dataset's split from a COCO JSON.

    A split that is a part of the JSON is evaluated as that part: images that are not among its pictures are left out,
    and so are categories that are not among its classes, all with their annotations.

    Raises:
        TintboxError: The JSON is wrong, or lacks a picture or class.
    """
    truth = Truth.read(file)
    image_ids = match_pictures(file, pictures, truth.images)
    category_ids = match_classes(file, names, truth.categories)
    return Split.part_of(truth, image_ids, category_ids)


def from_labels(data: Mapping[str, Any], split: str, pictures: list[str] | None = None) -> Split:
    """Return ground truth built from label files, of boxes or polygons, as Ultralytics reads them.

    Image ids are the numbers that the pictures are named by, if all are and differ, else 1 and on in the order of the
    paths. Category ids are COCO's official ones if the split is COCO's own, else class index + 1. Boxes are in pixels
    of the picture as it is decoded. The area is the box's; for polygons it is the number of pixels that pycocotools
    fills, right also where the parts of an object wind in different directions. As in Ultralytics, polygons are left
    out if the split has labels of both kinds.

    Args:
        data: What Ultralytics' `check_det_dataset` returns.
        split: The split's name.
        pictures: The split's pictures, if they are known.

    Raises:
        TintboxError: There is no such split, or a label is wrong; the line says which.
    """
    pictures = split_pictures(data, split) if pictures is None else pictures
    names = {int(index): str(name) for index, name in sorted(data["names"].items())}
    files = dataset_files.label_files(pictures)
    there = {picture: file for picture, file in zip(pictures, files) if Path(file).is_file()}
    check_orphans(data[split], pictures)
    if not there:
        raise TintboxError(
            f"{title(data)}: no label file for any of the {len(pictures)} pictures in split '{split}', e.g. {files[0]}"
        )
    numbers = keypoints(data)
    nothing = Labels([], np.zeros((0, 4)), None)
    with ThreadPoolExecutor() as pool:
        size = dict(zip(pictures, pool.map(size_of, pictures)))
    ids = image_ids(pictures)
    pictures = check_side(size, title(data))
    labels = [read_labels(there[p], len(names), numbers) if p in there else nothing for p in pictures]
    masks = all(label.polygons is not None for label in labels if label.classes)

    category_ids = {index: index + 1 for index in names}
    if dataset_files.is_coco(data[split]) and len(names) == len(dataset_files.coco_category_ids()):
        category_ids = dict(enumerate(dataset_files.coco_category_ids()))
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for picture, label in zip(pictures, labels):
        width, height = size[picture]
        images.append({"id": ids[picture], "file_name": Path(picture).name, "width": width, "height": height})
        for fields in objects(label, width, height, masks=masks):
            category = category_ids[fields.pop("class")]
            row = {"id": len(annotations) + 1, "image_id": ids[picture], "category_id": category, **fields}
            annotations.append(row)
    categories = [{"id": category_ids[index], "name": label} for index, label in names.items()]
    return Split(Truth(images, annotations, categories), {p: ids[p] for p in pictures}, category_ids)
