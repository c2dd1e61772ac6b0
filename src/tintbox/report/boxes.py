"""Pictures of a dataset with their labelled boxes, and which of them are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tintbox.errors import TintboxError, nearest, one_line

CROWD = 10  # boxes in a picture from which on labels leave out the class, which the colour tells


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

    from tintbox.plugins.coco_eval.data.layout import check_split

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
