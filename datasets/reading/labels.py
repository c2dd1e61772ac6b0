"""Label files in YOLO's format, read like Ultralytics does, but in double precision and with every error reported.

Ultralytics' own reader rounds to single precision, drops an image with an invalid label after a warning, which changes
what is evaluated, and rewrites images that it considers corrupt. The tests compare the two readers.
"""

from __future__ import annotations

import glob
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask

from tintbox import file_bytes, label_rows, link_loops
from tintbox.datasets.reading import dataset_files
from tintbox.errors import TintboxError, counted, list_values, one_line, reason_of

TOLERANCE = 0.01  # outside 0..1: Ultralytics accepts and clips values this far out
BOX, POLYGON = "'class x y width height'", "'class x1 y1 x2 y2 x3 y3 ...'"


@dataclass(frozen=True)
class Labels:
    """The objects of one image.

    Attributes:
        classes: N class indices.
        boxes: ``(N, 4)`` float64 x1, y1, x2, y2 relative to the image's width and height, within 0..1.
        polygons: N polygons ``(P, 2)`` likewise, or None if the rows are boxes.
    """

    classes: list[int]
    boxes: np.ndarray
    polygons: list[np.ndarray] | None


def read_labels(file: str | Path, classes: int, keypoints: int = 0) -> Labels:
    """Read a label file; an empty file means an image without objects.

    As in Ultralytics' COCO evaluation, duplicate rows are dropped and boxes are clipped to the image. The box of a
    polygon is the one around its points. In a row of pose labels, the ``keypoints`` numbers after the box are ignored.

    Raises:
        TintboxError: A row is invalid; the message names the file, the line and the value.
    """
    try:
        rows = label_rows.read(file)
    except (OSError, UnicodeDecodeError) as error:
        raise TintboxError(f"{file}: cannot be read ({reason_of(error)})") from error
    if keypoints:
        rows = [(number, words[:5] if len(words) == 5 + keypoints else words) for number, words in rows]
    segments = any(len(words) > 6 for _, words in rows)
    # Ultralytics compares rows in single precision.
    unique: dict[bytes, list[float]] = {}
    for number, words in rows:
        row = _read_row(f"{file}:{number}", words, classes, segments=segments)
        unique.setdefault((np.array(row, dtype=np.float32) + 0.0).tobytes(), row)  # -0.0 is 0.0
    found = list(unique.values())
    indices = [int(row[0]) for row in found]
    if segments:
        polygons = [np.clip(np.array(row[1:]).reshape(-1, 2), 0, 1) for row in found]
        corners = np.array([[*polygon.min(axis=0), *polygon.max(axis=0)] for polygon in polygons])
        return Labels(indices, corners, polygons)
    x, y, width, height = np.array([row[1:] for row in found], dtype=np.float64).reshape(-1, 4).T
    corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
    return Labels(indices, np.clip(corners, 0, 1), None)


def keypoints(data: Mapping[str, Any]) -> int:
    """Return how many numbers follow the box in a row of pose labels, 0 for other labels."""
    shape = data.get("kpt_shape") or [0]
    whole = isinstance(shape, list) and all(isinstance(side, int) and 0 <= side < 10_000 for side in shape)
    if not whole:
        raise TintboxError(f"kpt_shape: {one_line(shape)[:40]} is no [number of keypoints, numbers of each]")
    return math.prod(shape)


def _read_row(place: str, words: list[str], classes: int, *, segments: bool) -> list[float]:
    """Return a row's numbers, starting with the class."""
    if segments and (len(words) < 7 or len(words) % 2 == 0):
        hint = "boxes and polygons do not go into one file" if len(words) == 5 else f"a row is {POLYGON}"
        raise TintboxError(f"{place}: {len(words)} numbers are no polygon; {hint}")
    if not segments and len(words) != 5:
        raise TintboxError(f"{place}: {len(words)} numbers are no box; a row is {BOX} or {POLYGON}")
    row = []
    for word in words:
        try:
            row.append(float(word))
        except ValueError:
            raise TintboxError(f"{place}: '{word}' is no number; a row is {POLYGON if segments else BOX}") from None
    if not (0 <= row[0] < classes and row[0].is_integer()):
        raise TintboxError(f"{place}: class {words[0]} is not among the dataset's {classes} classes, 0..{classes - 1}")
    for word, value in zip(words[1:], row[1:]):
        if not -TOLERANCE <= value <= 1 + TOLERANCE:  # NaN as well
            raise TintboxError(
                f"{place}: {word} is outside 0..1; coordinates are shares of the image's width and height"
            )
    if not segments and min(row[3:]) < 0:
        raise TintboxError(f"{place}: a box of width {words[3]} and height {words[4]}; neither may be negative")
    return row


def objects(labels: Labels, width: int, height: int, *, masks: bool) -> list[dict[str, Any]]:
    """Return one image's objects, in pixels."""
    corners = labels.boxes * (width, height, width, height)
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    areas = boxes[:, 2] * boxes[:, 3]
    found = [
        {"class": index, "bbox": box, "area": area, "iscrowd": 0}
        for index, box, area in zip(labels.classes, boxes.tolist(), areas.tolist())
    ]
    if masks and labels.polygons:
        outlines = [(polygon * (width, height)).reshape(-1).tolist() for polygon in labels.polygons]
        filled = mask.area(mask.frPyObjects(outlines, height, width))
        for fields, outline, area in zip(found, outlines, filled.tolist()):
            fields.update(segmentation=[outline], area=float(area))
    return found


def size_of(picture: str) -> tuple[int, int]:
    """Return an image's width and height in pixels.

    Raises:
        TintboxError: The file does not exist or is corrupt.
    """
    try:
        return dataset_files.picture_size(picture)
    except (OSError, SyntaxError, ValueError) as error:  # raised for a corrupt header
        reason = "no such file" if isinstance(error, FileNotFoundError) else "not an image, or a damaged one"
        raise TintboxError(f"{picture}: {reason}; repair or remove it, Ultralytics would leave it out") from error


def check_side(sizes: Mapping[str, tuple[int, int]], place: str) -> list[str]:
    """Return the images that Ultralytics evaluates, after a warning about those it drops for a side under 10 pixels.

    Raises:
        TintboxError: No image is left.
    """
    from ultralytics.utils import LOGGER

    least = dataset_files.LEAST_SIDE
    kept = [picture for picture, size in sizes.items() if min(size) >= least]
    small = [picture for picture, size in sizes.items() if min(size) < least]
    if not kept:
        raise TintboxError(
            f"{place}: every image ({len(small)}) has a side under {least} pixels; Ultralytics leaves them out"
        )
    if small:
        names = list_values(Path(picture).name for picture in small)
        LOGGER.warning(
            f"coco_eval: {len(small)} of {len(sizes)} images left out with their objects for a side under {least} "
            f"pixels, as in Ultralytics: {names}"
        )
    return kept


def check_orphans(split: str | list[str], pictures: Iterable[str]) -> None:
    """Refuse label files without an image, whose objects would silently be missing from the truth.

    Images outside the split count too, because a list may name only some of a folder; so does any file of that stem.
    A split is folders or text files, as in the dataset's YAML.

    Raises:
        TintboxError: There are such files.
    """
    roots = [Path(path) for path in (split if isinstance(split, list) else [split]) if Path(path).is_dir()]
    beside = {Path(picture).parent for picture in pictures}
    listed_only = [folder for folder in beside if not any(folder.is_relative_to(root) for root in roots)]
    expected: set[str] = set()
    there: set[Path] = set()
    for folder, pattern in [*((r, "**/*") for r in roots), *((f, "*") for f in listed_only)]:
        files = [str(file) for file in _list(folder, pattern) if file.suffix not in ("", ".txt", ".cache", ".npy")]
        expected.update(dataset_files.label_files(files))
        labels = Path(dataset_files.label_files([str(folder / "any.jpg")])[0]).parent
        if labels.is_dir():
            there.update(_list(labels, f"{pattern}.txt"))
    lost = sorted(file for file in there if str(file) not in expected and _has_rows(file))
    if lost:
        names = list_values(file.name for file in lost)
        raise TintboxError(
            f"{lost[0].parent}: {counted(len(lost), 'label file')} without an image: {names}; "
            "add the image or remove the labels"
        )


def _list(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a pattern through symbolic links, like Ultralytics; `Path.glob` does not follow them."""
    if "**" in pattern:
        link_loops.check(folder)
    found = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    return [folder / file for file in found]


def _has_rows(file: Path) -> bool:
    """Return whether a text file begins with a label row; such folders also hold classes.txt and the like."""
    try:
        file_bytes.check_regular(file)
        with file.open(encoding="utf-8-sig") as lines:
            words = next((line.split() for line in lines if line.strip()), [])
            return len(words) >= 5 and bool([float(word) for word in words])
    except (OSError, ValueError):  # class names, or not text
        return False
