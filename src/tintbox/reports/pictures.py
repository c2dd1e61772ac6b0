"""The images of a report: ground truth, and each run's predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tintbox import checkpoint_archive
from tintbox.datasets.reading import picture_file
from tintbox.errors import TintboxError, one_line
from tintbox.plugins.detector import load_detector
from tintbox.reports import prediction
from tintbox.reports.boxes import Boxes
from tintbox.reports.entries import Entry
from tintbox.reports.subjects import Subject

SIDE = 480  # maximum pixels of an image's longer side


@dataclass(frozen=True)
class Picture:
    """An image on the page.

    Attributes:
        caption: The text below it.
        alt: Its alternative text.
        pixels: (H, W, 3), uint8 RGB; at its own size, or reduced to SIDE.
        run: The index of the run that predicted it; None for grey and ground truth.
        boxes: The boxes to draw into it.
        classes: The class names that determine the boxes' colours.
    """

    caption: str
    alt: str
    pixels: np.ndarray
    run: int | None = None
    boxes: Boxes | None = None
    classes: Sequence[str] = ()


@dataclass(frozen=True)
class Strip:
    """Images shown side by side, under the file's name."""

    title: str
    pictures: Sequence[Picture]


def strips(subject: Subject, conf: float, imgsz: Any) -> tuple[list[Strip], list[str]]:
    """Return the images of a subject in rows, and notes on unreadable images and runs without predictions.

    With ``imgsz`` None, each model predicts at the size that it was trained at.
    """
    rows: dict[str, list[Picture]] = {}
    notes = []
    for file in subject.files:
        try:
            rows[file] = [limit_boxes(picture) for picture in truth(file, subject)]
        except TintboxError as error:
            notes.append(one_line(error))
    for entry in subject.entries:
        try:
            model = load_model(entry)
            for file in rows:
                rows[file].append(limit_boxes(predict_picture(model, entry, file, subject, conf, imgsz)))
        except TintboxError as error:
            notes.append(f"{entry.name}: no predictions: {one_line(error)}")
    return [Strip(Path(file).name, pictures) for file, pictures in rows.items()], notes


def truth(file: str, subject: Subject) -> Iterator[Picture]:
    """Yield an image's ground truth: with its labelled boxes, or in grey and in colour.

    Raises:
        TintboxError: The file cannot be read.
    """
    name = Path(file).name
    pixels = picture_file.read(file)
    if not subject.boxes:
        pixels, _ = picture_file.shrink(pixels, SIDE)  # first, because the floating-point mean below takes more memory
        grey = np.repeat(pixels.mean(-1, keepdims=True).round().astype(np.uint8), 3, axis=-1)
        yield Picture("grey", f"{name} in grey, as the networks see it", grey)
        yield Picture("truth", f"{name} in its own colours", pixels)
        return
    boxes = subject.truth[file]
    caption = f"truth ({len(boxes.names)})"
    yield Picture(caption, f"{name}: labelled {count_boxes(boxes)}", pixels, None, boxes, subject.classes)


def predict_picture(model: Any, entry: Entry, file: str, subject: Subject, conf: float, imgsz: Any) -> Picture:
    """Return the prediction of a run's model for an image.

    Raises:
        TintboxError: The model cannot be run.
    """
    result = prediction.predict(model, file, conf, imgsz or entry.run.arguments.get("imgsz") or 640)
    name = Path(file).name
    if not subject.boxes:
        return Picture(entry.name, f"{name} in the colours of {entry.name}", result.plot()[..., ::-1], entry.index)
    boxes = prediction.boxes(result)
    return Picture(
        f"{entry.name} ({len(boxes.names)})", f"{name}: {entry.name} finds {count_boxes(boxes)}",
        result.orig_img[..., ::-1], entry.index, boxes, subject.classes,
    )  # fmt: skip


def limit_boxes(picture: Picture) -> Picture:
    """Return an image downscaled to SIDE together with its boxes: many runs' photographs would fill the memory."""
    pixels, zoom = picture_file.shrink(picture.pixels, SIDE)
    if zoom == 1:
        return picture
    boxes = picture.boxes and replace(picture.boxes, corners=picture.boxes.corners * zoom)
    return replace(picture, pixels=pixels, boxes=boxes)


def load_model(entry: Entry) -> Any:
    """Return a run's model.

    Raises:
        TintboxError: There are no weights, or they cannot be loaded.
    """
    weights = entry.run.weights
    if weights is None:
        raise TintboxError(f"neither best.pt nor last.pt in {entry.run.folder / 'weights'}")
    if checkpoint_archive.is_zip(weights):
        with checkpoint_archive.open_checkpoint(weights) as archive:
            archive.pickle()  # checks the limits before PyTorch unpacks whatever the file claims to contain
    return load_detector(weights) if entry.run.task != "colorize" else load_colouriser(weights)


def load_colouriser(weights: Path) -> Any:
    """Return the YOLO model of a colouriser's checkpoint.

    Raises:
        TintboxError: It cannot be loaded, or is not a colouriser.
    """
    from ultralytics import YOLO

    try:
        model = YOLO(str(weights))
    except Exception as error:  # a damaged checkpoint can raise anything
        raise TintboxError(f"{weights} cannot be loaded ({one_line(error)})") from error
    if model.task != "colorize":
        raise TintboxError(f"{weights} is a {model.task} model, not a colouriser")
    return model


def count_boxes(boxes: Boxes) -> str:
    """Return the boxes per class as text, e.g. ``2 apple, 1 pear``."""
    counts = {name: boxes.names.count(name) for name in dict.fromkeys(boxes.names)}
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
