"""The picture that `tintbox show` makes: the truth on the left, a detector's prediction on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tintbox.errors import CheckpointError, TintboxError, TintboxFileError, nearest, one_line

TASKS = ("detect", "segment", "pose", "obb")  # those whose results have boxes
SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf", ".svg")
CROWD = 10  # boxes in a picture from which on labels leave out the class, which the colour tells
COLUMN = 6.4  # width of a picture in inches
DPI = 150


@dataclass(frozen=True)
class Boxes:
    """The boxes in one picture.

    Attributes:
        corners: (n, 4) x1, y1, x2, y2 in pixels of the picture.
        names: n class names.
        scores: n confidences in 0..1, or None for the truth.
    """

    corners: np.ndarray
    names: list[str]
    scores: list[float] | None = None


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
    """Draw pictures of a dataset in rows: the labelled boxes on the left, the predicted ones on the right.

    Oriented boxes, masks and poses are shown by their upright boxes.

    Args:
        model: A checkpoint of a detect, segment, pose or obb model, or what Ultralytics has exported from one.
        data: A dataset YAML, as for training.
        split: "train", "val", "test" or "minival", if the dataset has it.
        n: Number of pictures, drawn from those that have labels.
        conf: Least confidence of a predicted box.
        imgsz: Side in pixels that the model sees.
        seed: What the choice of the pictures depends on.
        images: Names of pictures to show instead, with or without suffix.
        out: The file to write; its suffix tells the format.

    Returns:
        The path of the file.

    Raises:
        TintboxError: Something of the above is not there or makes no sense.
    """
    file = Path(str(out))
    _check(n, conf, imgsz, seed, file)
    detector = load_detector(model)
    truth, classes = read_truth(data, split)
    rows = []
    for picture in choose(truth, n, seed, images, split):
        result = detector.predict(picture, conf=conf, imgsz=imgsz, save=False, verbose=False)[0]
        # obb models have no `boxes`
        found = result.boxes if result.obb is None else result.obb
        names = [result.names[int(c)] for c in found.cls]
        predicted = Boxes(found.xyxy.cpu().numpy().reshape(-1, 4), names, found.conf.tolist())
        rows.append((Path(picture).name, result.orig_img[..., ::-1], truth[picture], predicted))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draw(rows, classes, f"{Path(str(model)).name} on {Path(str(data)).name}, {split}", file)
    except OSError as error:
        raise TintboxError(f"out={out}: cannot be written ({one_line(error)})") from error
    return file


def load_detector(model: str | Path) -> Any:
    """Return the YOLO model of a checkpoint whose task has boxes.

    Raises:
        TintboxError: There is no such file, or it is no detector.
    """
    from tintbox.plugins import autoload

    path = Path(str(model))
    if path.suffix in (".yaml", ".yml"):
        raise TintboxError(f"model={model} is a model's YAML, without trained weights; give a checkpoint, e.g. best.pt")
    autoload.install()
    from ultralytics import YOLO

    try:
        detector = YOLO(str(model))
    except CheckpointError as error:
        raise TintboxError(f"model={model}: cannot be loaded ({one_line(error.__cause__)})") from error
    except TintboxError:
        raise
    except FileNotFoundError as error:
        near = nearest(path.name, (p.name for p in path.parent.glob(f"*{path.suffix}")) if path.suffix else ())
        raise TintboxFileError(f"model={model}: no such file{near}") from error
    except Exception as error:  # a damaged checkpoint raises whatever its pickle leads to
        raise TintboxError(f"model={model}: cannot be loaded ({one_line(error)})") from error
    if detector.task not in TASKS:
        raise TintboxError(
            f"model={model} is a {detector.task} model, which has no boxes; give one of {', '.join(TASKS)}"
        )
    return detector


def read_truth(data: str | Path, split: str) -> tuple[dict[str, Boxes], list[str]]:
    """Return the labelled boxes of a split by the path of the picture, and the dataset's class names.

    Pictures without boxes are left out.

    Args:
        data: A dataset YAML.
        split: The split's name in it.

    Raises:
        TintboxError: There is no such dataset, split or label.
    """
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    from tintbox.plugins.coco_eval.layout import check_split

    try:
        found = check_det_dataset(str(data))
    except TintboxError:
        raise
    except (OSError, SyntaxError, TypeError, ValueError) as error:
        raise TintboxError(f"data={data}: {one_line(error)}") from error
    check_split(found, split, data)
    task = "pose" if "kpt_shape" in found else "detect"  # how the label files are to be read
    try:
        labels = YOLODataset(found[split], data=found, task=task, augment=False, prefix="").labels
    except (OSError, RuntimeError, ValueError) as error:
        raise TintboxError(f"data={data}: split '{split}' cannot be read ({one_line(error)})") from error
    truth = {}
    for label in labels:
        if len(label["cls"]):
            height, width = label["shape"]
            x, y, w, h = (label["bboxes"] * (width, height, width, height)).T  # shares of the picture, xywh
            corners = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1)
            truth[label["im_file"]] = Boxes(corners, [found["names"][int(c)] for c in label["cls"].reshape(-1)])
    if not truth:
        raise TintboxError(f"data={data}: no labels in split '{split}' ({len(labels)} pictures); show needs boxes")
    return truth, list(found["names"].values())


def choose(truth: dict[str, Boxes], n: int, seed: int, images: str | Sequence[str] | None, split: str) -> list[str]:
    """Return the paths of the named pictures, or of ``n`` by chance.

    Raises:
        TintboxError: There are fewer pictures, or none of that name.
    """
    pictures = sorted(truth)
    if images is None:
        if n > len(pictures):
            raise TintboxError(f"n={n}: split '{split}' has {len(pictures)} pictures with labels")
        return [pictures[i] for i in np.random.default_rng(seed).permutation(len(pictures))[:n]]
    by_name = {Path(p).stem: p for p in pictures} | {Path(p).name: p for p in pictures}
    # A name of digits only, such as 000123, is no longer itself once it was read as YAML.
    wanted = [str(name) for name in (images if isinstance(images, (list, tuple)) else [images])]
    for name in wanted:
        if name not in by_name:
            hint = nearest(name, by_name) or "; write it with its suffix"
            raise TintboxError(f"images={name}: no picture with labels of that name in '{split}'{hint}")
    if not wanted:
        raise TintboxError("images=[]: the list is empty; name pictures, or leave it out")
    return [by_name[name] for name in wanted]


def draw(rows: Sequence[tuple[str, np.ndarray, Boxes, Boxes]], classes: Sequence[str], title: str, file: Path) -> None:
    """Save the figure.

    Args:
        rows: Per picture its name, its pixels (H, W, 3) uint8 RGB, the truth and the prediction.
        classes: The dataset's class names; up to 20 keep their colours from picture to picture.
        title: What is above it all.
        file: Where to save it.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = {name for row in rows for boxes in row[2:] for name in boxes.names}
    names = [*dict.fromkeys(classes), *sorted(shown - set(classes))]  # a model may know others than the dataset
    if len(names) > 20:  # more than there are colours
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
            axes.set_title(f"{name}: {what} ({len(boxes.names)})", fontsize=10)
            axes.set_axis_off()
            _draw_boxes(axes, boxes, colours, crowded=crowded)
    figure.suptitle(title, fontsize=11)
    handles = [Patch(color=colour, label=name) for name, colour in colours.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 8), fontsize=10, frameon=False)
    figure.savefig(file, dpi=DPI)


def _draw_boxes(axes: Any, boxes: Boxes, colours: dict[str, Any], *, crowded: bool) -> None:
    """Draw boxes with labels into ``axes``, unsure ones first, so that sure ones lie on top."""
    from matplotlib.patches import Rectangle

    scores: Sequence[float | None] = boxes.scores or [None] * len(boxes.names)
    for corners, name, score in reversed(list(zip(boxes.corners.tolist(), boxes.names, scores))):
        x1, y1, x2, y2 = corners
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, linewidth=1.8, edgecolor=colours[name]))
        words = [] if crowded else [name]
        words += [] if score is None else [f"{score:.2f}"]
        if words:
            red, green, blue = colours[name][:3]
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.6  # ITU-R BT.601 luma
            axes.text(
                *(x1, y1, " ".join(words)), fontsize=8, va="top", clip_on=True, color="white" if dark else "black",
                bbox={"facecolor": colours[name], "edgecolor": "none", "pad": 1.0, "alpha": 0.85},
            )  # fmt: skip


def _check(n: Any, conf: Any, imgsz: Any, seed: Any, file: Path) -> None:
    """Raise TintboxError for values that make no sense."""
    for key, value, low in (("n", n, 1), ("imgsz", imgsz, 32), ("seed", seed, 0)):
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise TintboxError(f"{key}={value}: give a whole number of {low} or more")
    if not isinstance(conf, (int, float)) or isinstance(conf, bool) or not 0 <= conf <= 1:
        raise TintboxError(f"conf={conf}: give a number from 0 to 1")
    if file.suffix.lower() not in SUFFIXES:
        raise TintboxError(f"out={file}: the suffix tells the format; give one of {', '.join(SUFFIXES)}")
    if file.is_dir():
        raise TintboxError(f"out={file} is a folder; give a file, e.g. {file / 'show.png'}")
