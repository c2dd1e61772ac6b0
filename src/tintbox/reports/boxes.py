"""Pictures of a dataset with their labelled boxes, and which of them are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tintbox.errors import TintboxError, one_line, suggest
from tintbox.limits import LABEL_BYTES
from tintbox.plugins.coco_eval.data import dataset_files, labels, layout
from tintbox.reports import picture_file

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

    def labelled(self, *, named: bool) -> Iterator[tuple[np.ndarray, str, str]]:
        """Yield corners, class and label of each box, unsure ones first, so that sure ones are drawn on top.

        The label is the score, if there is one, after the class if it is to be named.
        """
        scores: Sequence[float | None] = self.scores or [None] * len(self.names)
        for corners, name, score in reversed(list(zip(self.corners, self.names, scores))):
            words = [name] * named + ([] if score is None else [f"{score:.2f}"])
            yield corners, name, " ".join(words)


def read_truth(data: Mapping[str, Any], split: str) -> tuple[dict[str, Boxes], list[str], list[str]]:
    """Return the labelled boxes of a split by the path of the picture, the class names, and what was left out and why.

    Pictures without boxes are left out, and so are those that Ultralytics leaves out: damaged ones, or with a label
    that is none. No file is changed, which Ultralytics' own reader does to pictures that it thinks damaged.

    Raises:
        TintboxError: There is no such split, no picture in it, or no label.
    """
    name = layout.title(data)
    pictures = layout.split_pictures(data, split)
    classes = [str(one) for one in data["names"].values()]
    truth, left_out = {}, []
    for picture, label in zip(pictures, map(Path, dataset_files.label_files(pictures))):
        try:
            if not label.is_file():
                continue
            if label.stat().st_size > LABEL_BYTES:
                raise TintboxError(f"{label}: larger than {LABEL_BYTES >> 20} MiB")
            found = labels.read_labels(label, len(classes), labels.keypoints(data))
            if found.classes:
                width, height = picture_file.size(picture)
                corners = found.boxes * (width, height, width, height)
                truth[picture] = Boxes(corners, [classes[index] for index in found.classes])
        except TintboxError as error:
            left_out.append(one_line(error))
        except OSError as error:
            left_out.append(f"{label}: cannot be read ({error.strerror})")
    if not truth:
        why = f"; left out: {left_out[0]}" if left_out else ""
        raise TintboxError(f"{name}: no labels in split '{split}' ({len(pictures)} pictures); show needs boxes{why}")
    return truth, classes, left_out


def choose(pictures: Iterable[str], n: int, seed: int, images: Any, split: str) -> list[str]:
    """Return the paths of the named pictures, or of ``n`` by chance.

    Raises:
        TintboxError: There are fewer pictures, or none of that name.
    """
    pictures, wanted = sorted(pictures), picture_names(images)
    if wanted is None:
        if n > len(pictures):
            raise TintboxError(f"n={n}: split '{split}' has {len(pictures)} pictures with labels")
        return [pictures[i] for i in np.random.default_rng(seed).permutation(len(pictures))[:n]]
    named = by_name(pictures)
    for name in wanted:
        if name not in named:
            hint = suggest(name, named) or "; write it with its suffix"
            raise TintboxError(f"images={name}: no picture with labels of that name in '{split}'{hint}")
    return [named[name] for name in wanted]


def picture_names(images: Any) -> list[str] | None:
    """Return the pictures that ``images=`` names, a name or several; None if it names none.

    A name of digits only, such as 000123, is no longer itself once it was read as YAML.

    Raises:
        TintboxError: It is an empty list.
    """
    if images is None:
        return None
    names = [str(name) for name in (images if isinstance(images, (list, tuple)) else [images])]
    if not names:
        raise TintboxError("images=[]: the list is empty; name pictures, or leave it out")
    return names


def by_name(pictures: Sequence[str]) -> dict[str, str]:
    """Return the paths of pictures by their names, with and without suffix."""
    return {Path(path).stem: path for path in pictures} | {Path(path).name: path for path in pictures}
