"""A drawing of one image with its objects and detections, coloured by kind of error."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tintbox import figures
from tintbox.datasets.reading import picture_file
from tintbox.errors import TintboxError
from tintbox.luma import luma

# Okabe and Ito's colour-blind safe palette
COLOURS = {
    "true positive": "#009E73",
    "classification": "#0072B2",
    "localisation": "#E69F00",
    "both": "#F0E442",
    "duplicate": "#56B4E9",
    "background": "#D55E00",
    "missed": "#CC79A7",
    "ignored": "#999999",
    "false positives": "#555555",
    "false negatives": "#555555",
}
SIDE = 1280  # maximum length of an image's longer side in pixels
PANEL = 6.4, 8.0  # maximum width and height of a panel in inches
WIDE = 1.8  # aspect ratio above which panels are stacked vertically
CROWD = 12  # number of boxes from which correct ones get no label
DPI = 150


@dataclass(frozen=True)
class Box:
    """A box to draw.

    Attributes:
        box: x, y, width, height in pixels.
        kind: The kind that determines its colour.
        words: Its label.
        lost: Whether it is an object that was not found.
        faint: Whether its kind is due to a detection that is not drawn.
        other: The box of the object that a detection concerns.
    """

    box: tuple[float, ...]
    kind: str
    words: str
    lost: bool = False
    faint: bool = False
    other: tuple[float, ...] | None = None


def census(boxes: list[Box], right: str) -> str:
    """Return the number of boxes of each kind as text."""
    named = [right if box.kind == "true positive" else box.kind for box in boxes]
    counts = [f"{named.count(kind)} {kind}" for kind in [right, *COLOURS] if kind in named]
    return ", ".join(counts) or "none"


def read_picture(file: str | Path | None, image: dict[str, Any], boxes: list[Box]) -> tuple[np.ndarray, int, int]:
    """Return an image, RGB uint8, scaled down to at most SIDE pixels, and its original width and height.

    If the file cannot be read, the image is grey, with the size given in the truth or else needed by the boxes.
    """
    picture = None
    if file is not None:
        with contextlib.suppress(TintboxError):
            picture = picture_file.read(file)
    if picture is None:
        ends = np.array([box.box for box in boxes])
        far = np.ceil(ends[:, :2] + ends[:, 2:]).max(0).clip(1, 2**31).astype(int)
        width, height = int(image.get("width") or far[0]), int(image.get("height") or far[1])
        return np.full((1, 1, 3), 225, np.uint8), width, height
    height, width = picture.shape[:2]
    return picture_file.shrink(picture, SIDE)[0], width, height


def draw(
    picture: np.ndarray, width: int, height: int, panels: Mapping[str, list[Box]], faint: str, title: str, file: Path
) -> None:
    """Draw and save the panels, with a legend of the kinds that occur in them."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    stacked = width > WIDE * height
    rows, columns = (2, 1) if stacked else (1, 2)
    scale = min((2 * PANEL[0] if stacked else PANEL[0]) / width, PANEL[1] / height)
    size = max(columns * width * scale, 8.0), rows * (height * scale + 0.35) + 0.9
    figure = Figure(figsize=size, layout="constrained")
    for axes, (words, boxes) in zip(figure.subplots(rows, columns), panels.items()):
        axes.imshow(picture, extent=(0, width, height, 0))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_title(words, fontsize=9, wrap=True, parse_math=False)
        axes.set_axis_off()
        for box in boxes:
            _draw_box(axes, box, crowded=len(boxes) >= CROWD)
    figure.suptitle(title, fontsize=11, wrap=True, parse_math=False)  # a $ does not start a formula
    drawn = [box for boxes in panels.values() for box in boxes]
    kinds = {box.kind for box in drawn}
    handles = [Line2D([], [], color=COLOURS[kind], linewidth=4, label=kind) for kind in COLOURS if kind in kinds]
    if any(box.lost for box in drawn):
        handles.append(Line2D([], [], color="black", linestyle="--", label="object not found"))
    if any(box.other for box in drawn):
        handles.append(Line2D([], [], color="black", linestyle=":", label="object concerned"))
    if any(box.faint for box in drawn):
        handles.append(Line2D([], [], color="black", linewidth=0.7, label=faint))
    figure.legend(handles=handles, loc="outside lower center", ncols=int(size[0] / 2.3), fontsize=9, frameon=False)
    figures.save(figure, file, DPI)


def _draw_box(axes: Any, box: Box, *, crowded: bool) -> None:
    """Draw one box, with a dark rim so that it stands out from any background."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    colour, width = COLOURS[box.kind], 0.7 if box.faint else 1.6
    outlines = [(box.box, "--" if box.lost else "-", width)]
    outlines += [] if box.other is None else [(box.other, ":", 1.2)]
    for (x, y, w, h), style, thick in outlines:
        rim = [withStroke(linewidth=thick + 1.2, foreground="black", alpha=0.6)]
        axes.add_patch(Rectangle((x, y), w, h, fill=False, lw=thick, ls=style, edgecolor=colour, path_effects=rim))
    if not crowded or box.kind not in ("true positive", "ignored"):
        dark = luma(*to_rgb(colour)) < 0.6
        x, y = max(box.box[0], 0.0), max(box.box[1], 0.0)
        room = y > 0.04 * axes.get_ylim()[0]  # otherwise the label goes inside the box
        axes.text(
            *(x, y, box.words), fontsize=6 if crowded else 8, va="bottom" if room else "top",
            color="white" if dark else "black", clip_on=True, parse_math=False,
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8, "alpha": 0.85},
        )  # fmt: skip
