"""The ground truth of a split, in COCO's format."""

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
from tintbox.datasets.reading import dataset_files
from tintbox.datasets.reading.labels import (
    Labels,
    check_orphans,
    check_side,
    keypoints,
    objects,
    read_labels,
    size_of,
)
from tintbox.datasets.reading.layout import annotation_file, image_ids, split_pictures, title
from tintbox.errors import TintboxError, one_line
from tintbox.limits import COCO_CLASSES
from tintbox.path_names import as_text
from tintbox.plugins.coco_eval.data.correspondence import match_classes, match_pictures
from tintbox.plugins.coco_eval.data.rows import Rows, parse, pause_collection, read_bytes

LISTS = ("images", "annotations", "categories")
GROUP = "tintbox_group"  # key of an image's group: images of a group, such as video frames, are resampled together


@dataclass(frozen=True)
class Truth:
    """Ground truth in the format of COCO's JSON: valid input for pycocotools.

    Attributes:
        images: ``{"id": int, "file_name": str, "width": int, "height": int}`` each; in a file without masks, only the
            id is required.
        annotations: ``{"id", "image_id", "category_id", "bbox": [x, y, width, height] in pixels, "area", "iscrowd"}``
            each, plus ``"segmentation"`` for masks (polygons or run lengths).
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
            TintboxError: It is not such a file, or a row is invalid; the message says which.
        """
        return cls.of(parse(read_bytes(file), file), file)

    @classmethod
    def of(cls, content: Any, file: str | Path) -> Truth:
        """Convert the content of a COCO JSON to truth, which takes ownership of it and completes it in place.

        Missing fields of annotations are added: an id from 1, ``iscrowd`` 0, and the box's area as ``area``, even with
        a mask. Annotation id 0 is replaced, because pycocotools treats a match with it as no match.

        Raises:
            TintboxError: It is not ground truth, or a row is invalid; the message says which.
        """
        if isinstance(content, list):
            raise TintboxError(f"{file}: a list [...], not an object with {', '.join(LISTS)}; is it the predictions?")
        if lacking := [key for key in LISTS if not isinstance(content, dict) or key not in content]:
            raise TintboxError(f"{file}: no {', '.join(lacking)} in it; COCO's JSON has {', '.join(LISTS)}")
        images, annotations, categories = (Rows(file, key, content[key]) for key in LISTS)
        ids = {}
        for rows in (images, categories):
            ids[rows.name] = rows.integers("id")
            rows.check_unique(ids[rows.name])
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
        """Write COCO's JSON in full precision.

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
    """Check the other fields of images: file name, and width and height in pixels (0 if unknown)."""
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
    """Check annotations and add missing fields."""
    rows = annotations.rows
    references = {}
    for key, kind in (("image_id", "images"), ("category_id", "categories")):
        references[key] = annotations.integers(key)
        annotations.check_known(key, references[key], ids[kind].tolist(), f"'{kind}' has {len(ids[kind])} others")
    boxes = annotations.boxes()
    inverted = (boxes[:, 2:] < 0).any(axis=1)
    annotations.refuse(inverted, "has bbox {}; width and height must be 0 or more", annotations.column("bbox"))
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
    named.check_unique(own)
    used = set(own.tolist())
    first = max(used, default=0) + 1
    free = (i for i in count(first if 0 < first < 2**62 else 1) if i not in used)
    given = iter(own.tolist())
    for row, image, category in zip(rows, references["image_id"].tolist(), references["category_id"].tolist()):
        row["id"] = (next(given) if row.get("id") is not None else 0) or next(free)
        row.update(image_id=image, category_id=category, iscrowd=int(bool(row.get("iscrowd"))))


@dataclass(frozen=True)
class Split:
    """The ground truth of a dataset's split, and the numbering of its images and classes.

    Attributes:
        truth: The ground truth.
        image_ids: Image path, as in Ultralytics' ``im_file`` -> image id.
        category_ids: Class index of the dataset -> category id.
    """

    truth: Truth
    image_ids: dict[str, int]
    category_ids: dict[int, int]

    @classmethod
    def part_of(cls, truth: Truth, image_ids: dict[str, int], category_ids: dict[int, int]) -> Split:
        """Return the split with only these images and categories of the truth."""
        images, categories = set(image_ids.values()), set(category_ids.values())
        part = Truth(
            [image for image in truth.images if image["id"] in images],
            [row for row in truth.annotations if row["image_id"] in images and row["category_id"] in categories],
            [category for category in truth.categories if category["id"] in categories],
        )
        return cls(part, image_ids, category_ids)


def for_dataset(data: Mapping[str, Any], split: str) -> Split:
    """Return the ground truth of a split: from a COCO JSON if there is one, else from the labels.

    The dataset's YAML names the JSON under ``annotations:``, relative to the dataset's path, e.g. ``annotations: {val:
    annotations/val.json}``; for COCO itself it is ``annotations/instances_val2017.json`` by default. ``data`` is the
    dataset as `describe` returns it.

    Raises:
        TintboxError: The dataset has no such split, or its labels or JSON are invalid.
    """
    pictures = split_pictures(data, split)
    file = annotation_file(data, split)
    if file is None:
        return from_labels(data, split, pictures)
    # The JSON may contain more than the split: images that are not among its files and categories that are not among
    # its classes are left out with their annotations.
    truth = Truth.read(file)
    image_ids = match_pictures(file, pictures, truth.images)
    return Split.part_of(truth, image_ids, match_classes(file, data["names"], truth.categories))


def from_labels(data: Mapping[str, Any], split: str, pictures: list[str] | None = None) -> Split:
    """Return ground truth built from label files of boxes or polygons, read like Ultralytics does.

    Image ids are the file names if all are distinct numbers, else 1, 2, ... in the order of the paths. Category ids are
    COCO's official ones if the split is COCO's own, else class index + 1. Boxes are in pixels of the decoded image. The
    area is the box's; for polygons it is the number of pixels that pycocotools fills, correct even if the parts of an
    object wind in different directions. As in Ultralytics, polygons are dropped if the split has labels of both kinds.

    ``data`` is the dataset as `describe` returns it; ``pictures`` are the split's image files, if already known.

    Raises:
        TintboxError: There is no such split, or a label is invalid; the message says which.
    """
    pictures = split_pictures(data, split) if pictures is None else pictures
    names = {int(index): str(name) for index, name in sorted(data["names"].items())}
    files = dataset_files.label_files(pictures)
    there = {picture: file for picture, file in zip(pictures, files) if Path(file).is_file()}
    check_orphans(data[split], pictures)
    if not there:
        raise TintboxError(
            f"{title(data)}: no label file for any of the {len(pictures)} images in split '{split}', e.g. {files[0]}; "
            "put them there"
        )
    numbers = keypoints(data)
    nothing = Labels([], np.zeros((0, 4)), None)
    with ThreadPoolExecutor() as pool:
        size = dict(zip(pictures, pool.map(size_of, pictures)))
    ids = image_ids(pictures)
    pictures = check_side(size, title(data))
    labels = [read_labels(there[p], len(names), numbers) if p in there else nothing for p in pictures]
    masks = all(label.polygons is not None for label in labels if label.classes)

    category_ids, official = {index: index + 1 for index in names}, dataset_files.coco_category_ids()
    if dataset_files.is_coco(data[split]) and len(names) == len(official):
        category_ids = dict(enumerate(official))
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for picture, label in zip(pictures, labels):
        width, height = size[picture]
        images.append({"id": ids[picture], "file_name": as_text(Path(picture).name), "width": width, "height": height})
        for fields in objects(label, width, height, masks=masks):
            category = category_ids[fields.pop("class")]
            row = {"id": len(annotations) + 1, "image_id": ids[picture], "category_id": category, **fields}
            annotations.append(row)
    categories = [{"id": category_ids[index], "name": label} for index, label in names.items()]
    return Split(Truth(images, annotations, categories), {p: ids[p] for p in pictures}, category_ids)
