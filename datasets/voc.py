"""Pascal VOC trees, in a folder or a zip file, converted to images with YOLO labels."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np

from tintbox.errors import TintboxError, TintboxFileError, one_line, suggest

SPLITS = ("train", "val", "test")
CORNERS = ("xmin", "xmax", "ymin", "ymax")

Label = tuple[int, float, float, float, float]  # class id, box centre x, y, width, height as shares of the image
Tree = Path | zipfile.Path  # in a folder, or in a zip that is not unpacked


def find(root: Tree) -> Tree | None:
    """Return the Pascal VOC tree at ``root`` or up to two folders below it, or None."""
    level = [root]
    for _ in range(3):
        for folder in level:
            if folder.joinpath("ImageSets").joinpath("Main").is_dir():
                return folder
        level = [sub for folder in level for sub in folder.iterdir() if sub.is_dir()]
    return None


def convert(tree: Tree, target: Path, classes: Sequence[str]) -> None:
    """Convert a Pascal VOC tree: ``ImageSets/Main/<split>.txt``, ``Annotations/*.xml``, ``JPEGImages/*.jpg``.

    The order of the class names gives the class ids.

    Raises:
        TintboxError: If a file is missing or damaged, or an object has another class.
    """
    for split in SPLITS:
        listing = tree.joinpath("ImageSets", "Main", f"{split}.txt")
        stems = _read(listing).decode("utf-8", "replace").split()
        if not stems:
            raise TintboxError(f"{listing}: the list is empty; get the dataset again")
        for kind in ("images", "labels"):
            (target / kind / split).mkdir(parents=True)
        for stem in stems:
            if Path(stem).name != stem:
                raise TintboxError(f"{listing}: '{stem}' is no file name; get the dataset again")
            picture = tree.joinpath("JPEGImages", f"{stem}.jpg")
            content = _read(picture)
            pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
            if pixels is None:
                raise TintboxError(f"{picture}: not a readable image; get the dataset again")
            size = (pixels.shape[1], pixels.shape[0])  # not the XML's, which is 0 in some datasets
            annotation = tree.joinpath("Annotations", f"{stem}.xml")
            labels = parse(_read(annotation), size, classes, where=str(annotation))
            (target / "images" / split / f"{stem}.jpg").write_bytes(content)
            lines = [f"{label} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n" for label, x, y, w, h in labels]
            (target / "labels" / split / f"{stem}.txt").write_text("".join(lines), encoding="utf-8")


def parse(text: bytes, size: tuple[int, int], classes: Sequence[str], *, where: str) -> list[Label]:
    """Return the labels in a Pascal VOC annotation, in the file's order.

    Boxes are clipped to the image; those without area, as annotation tools leave them behind, are left out.

    Args:
        text: The XML.
        size: The image's width and height in pixels.
        classes: Class names.
        where: The annotation's name, for errors.

    Raises:
        TintboxError: If the XML is broken, a box lacks one of its four numbers, or a class is unknown.
    """
    try:
        objects = ElementTree.fromstring(text).findall("object")
    except ElementTree.ParseError as error:
        raise TintboxError(f"{where}: broken XML ({one_line(error)}); get it again") from error
    labels = []
    for number, thing in enumerate(objects, 1):
        name = (thing.findtext("name") or "").strip()
        if name not in classes:
            hint = suggest(name, classes)
            raise TintboxError(f"{where}: object {number} is of no known class: '{name}' ({', '.join(classes)}){hint}")
        corners = [_number(thing.findtext(f"bndbox/{key}"), where, number, key) for key in CORNERS]
        x1, x2 = (min(max(x, 0.0), size[0]) / size[0] for x in corners[:2])
        y1, y2 = (min(max(y, 0.0), size[1]) / size[1] for y in corners[2:])
        if x2 > x1 and y2 > y1:
            labels.append((classes.index(name), (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1))
    return labels


def _number(text: str | None, where: str, number: int, key: str) -> float:
    """Return a coordinate of object ``number`` in pixels."""
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TintboxError(f"{where}: {key} of object {number} is no number ({one_line(text)!r}); get the file again")
    return value


def _read(file: Tree) -> bytes:
    """Return a file's content."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, KeyError):  # a zip raises KeyError for a missing name
        raise TintboxFileError(f"{file}: no such file; get the dataset again") from None
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise TintboxError(f"{file}: cannot be read ({one_line(error)}); get the dataset again") from error
