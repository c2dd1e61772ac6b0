"""Images as WebP for the page, within a byte budget."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tintbox.luma import luma
from tintbox.reports.boxes import CROWD, Boxes
from tintbox.reports.pictures import SIDE, Picture, Strip
from tintbox.reports.subjects import Subject

TINY = 64  # pixels of the longer side up to which an image is encoded losslessly
SIDES = (SIDE, 360, 280, 200)  # tried in turn until the images fit
QUALITY, LOSSLESS = 80, 101  # WebP qualities as OpenCV defines them
# RGB colours of boxes by class, reused cyclically: Okabe and Ito's colour-blind-safe ones without black, and two more.
CLASS_COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
    (120, 28, 80), (160, 160, 160),
)  # fmt: skip


@dataclass(frozen=True)
class Encoded:
    """An image in the form that the template needs."""

    caption: str
    alt: str
    source: str
    width: int
    height: int
    run: int | None


def fit(rows: Sequence[Strip], room: int) -> tuple[list[tuple[str, list[Encoded]]], str]:
    """Return images as data URLs of at most ``room`` bytes, downscaled or dropped if needed, and a note if dropped."""
    encoded: list[tuple[str, list[Encoded]]] = []
    for side in SIDES:
        encoded = [(strip.title, [encode(picture, side) for picture in strip.pictures]) for strip in rows]
        if weight(encoded) <= room:
            return encoded, ""
    while encoded and weight(encoded) > room:
        encoded = encoded[:-1]
    return encoded, (
        f"Shown are {len(encoded)} of {len(rows)} images, so that the page stays under its limit; compare fewer runs "
        "to see more."
    )


def weight(encoded: Sequence[tuple[str, Sequence[Encoded]]]) -> int:
    """Return how many bytes the images take on the page."""
    return sum(len(picture.source) for _, pictures in encoded for picture in pictures)


def encode(picture: Picture, side: int) -> Encoded:
    """Return an image as a data URL: small ones are enlarged with sharp pixels, large ones reduced."""
    longest = max(picture.pixels.shape[:2])
    zoom = side // longest if longest <= side else side / longest
    how = cv2.INTER_NEAREST if zoom >= 1 else cv2.INTER_AREA
    size = [max(1, round(zoom * length)) for length in picture.pixels.shape[1::-1]]
    pixels = np.ascontiguousarray(cv2.resize(picture.pixels, size, interpolation=how))
    if picture.boxes is not None:
        draw(pixels, picture.boxes, zoom, picture.classes)
    quality = LOSSLESS if longest <= TINY and picture.boxes is None else QUALITY
    _, data = cv2.imencode(".webp", pixels[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, quality])
    source = "data:image/webp;base64," + base64.b64encode(data.tobytes()).decode()
    return Encoded(picture.caption, picture.alt, source, size[0], size[1], picture.run)


def draw(pixels: np.ndarray, boxes: Boxes, zoom: float, classes: Sequence[str]) -> None:
    """Draw boxes into an image, (H, W, 3) uint8 RGB, whose scale relative to the boxes' coordinates is ``zoom``.

    The order of the dataset's class names determines the colours; other names follow.
    """
    from ultralytics.utils.plotting import Annotator

    order = {name: i for i, name in enumerate(dict.fromkeys([*classes, *boxes.names]))}
    annotator = Annotator(pixels, line_width=2)
    annotator.sf, annotator.tf = 0.45, 1  # font scale and thickness
    for corners, name, label in boxes.labelled(named=len(boxes.names) < CROWD):
        colour = CLASS_COLOURS[order[name] % len(CLASS_COLOURS)]
        ink = (255, 255, 255) if luma(*colour) < 140 else (0, 0, 0)
        annotator.box_label((corners * zoom).tolist(), label, colour, ink)
    pixels[:] = annotator.result()


def key(subject: Subject) -> list[tuple[str, str]]:
    """Return the class names of a dataset with their box colours as CSS."""
    colours = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in CLASS_COLOURS]
    return [(name, colours[i % len(colours)]) for i, name in enumerate(subject.classes)]
