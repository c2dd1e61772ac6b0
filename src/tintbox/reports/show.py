"""The figure of `tintbox show`: ground truth on the left, a detector's prediction on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tintbox import figures
from tintbox.checks import is_there
from tintbox.datasets.reading.description import describe
from tintbox.errors import TintboxError, explain_refusal
from tintbox.luma import luma
from tintbox.plugins.detector import load_detector
from tintbox.reports import prediction
from tintbox.reports.boxes import CROWD, Boxes, choose, read_truth

SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf", ".svg")
COLUMN = 6.4  # width of an image in inches
DPI = 150


def show(
    model: str | Path,
    data: str | Path,
    split: str = "val",
    n: int = 2,
    conf: float = 0.25,
    imgsz: int = 640,
    seed: int = 0,
    images: str | Sequence[str] | None = None,
    out: str | Path = "show.png",
) -> Path:
    """Draw images of a dataset in rows: the labelled boxes on the left, the predicted ones on the right.

    Oriented boxes, masks and poses are shown by their axis-aligned boxes. `tintbox show -h` explains the arguments.

    Raises:
        TintboxError: An argument is invalid, or something that it names is missing.
    """
    file = Path(str(out))
    _check(n, conf, imgsz, seed, file)
    detector = load_detector(model)
    truth, classes, _ = read_truth(describe(data), split)
    rows = []
    for picture in choose(truth, n, seed, images, split):
        result = prediction.predict(detector, picture, conf, imgsz)
        rows.append((Path(picture).name, result.orig_img[..., ::-1], truth[picture], prediction.boxes(result)))
    with explain_refusal(f"out={out}: cannot be written"):
        file.parent.mkdir(parents=True, exist_ok=True)
        draw(rows, classes, f"{Path(str(model)).name} on {Path(str(data)).name}, {split}", file)
    return file


def draw(rows: Sequence[tuple[str, np.ndarray, Boxes, Boxes]], classes: Sequence[str], title: str, file: Path) -> None:
    """Save the figure: each row is an image's name, its pixels (H, W, 3) uint8 RGB, its ground truth and prediction.

    Up to 20 classes of the dataset have the same colours whatever is drawn.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = {name for row in rows for boxes in row[2:] for name in boxes.names}
    names = [*dict.fromkeys(classes), *sorted(shown - set(classes))]  # a model may know other classes than the dataset
    if len(names) > 20:  # more classes than colours
        names = [name for name in names if name in shown]
    colour_map = colormaps["tab10" if len(names) <= 10 else "tab20"]
    colours = {name: colour_map(i % colour_map.N) for i, name in enumerate(names) if name in shown}
    heights = [COLUMN * picture.shape[0] / picture.shape[1] + 0.3 for _, picture, _, _ in rows]
    figure = Figure(figsize=(2 * COLUMN, sum(heights) + 0.8), layout="constrained")
    grid = figure.subplots(len(rows), 2, squeeze=False, height_ratios=heights)
    for pair, (name, picture, *both) in zip(grid, rows):
        crowded = max(len(boxes.names) for boxes in both) >= CROWD
        for axes, what, boxes in zip(pair, ("truth", "prediction"), both):
            axes.imshow(picture)
            axes.set_title(f"{name}: {what} ({len(boxes.names)})", fontsize=10, parse_math=False)  # a $ is no formula
            axes.set_axis_off()
            _draw_boxes(axes, boxes, colours, crowded=crowded)
    figure.suptitle(title, fontsize=11, parse_math=False)
    handles = [Patch(color=colour) for colour in colours.values()]
    # Explicit labels: by default matplotlib leaves out names that begin with an underscore.
    legend = figure.legend(
        handles, list(colours), loc="outside lower center", ncols=min(len(handles), 8), fontsize=10, frameon=False
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    figures.save(figure, file, DPI)


def _draw_boxes(axes: Any, boxes: Boxes, colours: dict[str, Any], *, crowded: bool) -> None:
    """Draw boxes with labels into ``axes``."""
    from matplotlib.patches import Rectangle

    for corners, name, label in boxes.labelled(named=not crowded):
        x1, y1, x2, y2 = corners.tolist()
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, linewidth=1.8, edgecolor=colours[name]))
        if label:
            dark = luma(*colours[name][:3]) < 0.6
            axes.text(
                *(x1, y1, label), fontsize=8, va="top", clip_on=True, color="white" if dark else "black",
                parse_math=False, bbox={"facecolor": colours[name], "edgecolor": "none", "pad": 1.0, "alpha": 0.85},
            )  # fmt: skip


def _check(n: Any, conf: Any, imgsz: Any, seed: Any, file: Path) -> None:
    """Raise TintboxError for invalid values."""
    if isinstance(imgsz, (list, tuple)):
        raise TintboxError(f"imgsz={imgsz}: give a whole number")
    prediction.check_size(imgsz)
    prediction.check_choice(n, seed, conf)
    if file.suffix.lower() not in SUFFIXES:
        raise TintboxError(f"out={file}: the suffix tells the format; give one of {', '.join(SUFFIXES)}")
    if is_there(file, Path.is_dir):
        raise TintboxError(f"out={file} is a folder; give a file, e.g. {file / 'show.png'}")
