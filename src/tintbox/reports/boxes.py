"""Images of a dataset with their labelled boxes, and the choice of those to show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tintbox.datasets.reading import dataset_files, labels, layout, picture_file
from tintbox.errors import TintboxError, one_line, reason_of, suggest

CROWD = 10  # number of boxes per image from which labels omit the class, which the colour shows


@dataclass(frozen=True)
class Boxes:
    """The boxes in one image.

    Attributes:
        corners: (n, 4) x1, y1, x2, y2 in pixels of the image.
        names: n class names.
        scores: n confidences in 0..1, or None for ground truth.
    """

    corners: np.ndarray
    names: list[str]
    scores: list[float] | None = None

    def labelled(self, *, named: bool) -> Iterator[tuple[np.ndarray, str, str]]:
        """Yield corners, class and label of each box, least confident first, so that confident ones are drawn on top.

        The label is the score, if there is one, preceded by the class if ``named``.
        """
        scores: Sequence[float | None] = self.scores or [None] * len(self.names)
        for corners, name, score in reversed(list(zip(self.corners, self.names, scores))):
            words = [name] * named + ([] if score is None else [f"{score:.2f}"])
            yield corners, name, " ".join(words)


def read_truth(data: Mapping[str, Any], split: str) -> tuple[dict[str, Boxes], list[str], list[str]]:
    """Return the labelled boxes of a split by image path, the class names, and what was left out and why.

    Images without boxes are left out, as are those that Ultralytics skips: damaged ones and those with invalid labels.
    No file is changed, whereas Ultralytics' own reader rewrites images that it considers damaged.

    Raises:
        TintboxError: The split does not exist, or has no images or no labels.
    """
    name = layout.title(data)
    pictures = layout.split_pictures(data, split)
    classes = [str(one) for one in data["names"].values()]
    truth, left_out = {}, []
    for picture, label in zip(pictures, map(Path, dataset_files.label_files(pictures))):
        try:
            if not label.is_file():
                continue
            found = labels.read_labels(label, len(classes), labels.keypoints(data))
            if found.classes:
                width, height = picture_file.size(picture)
                corners = found.boxes * (width, height, width, height)
                truth[picture] = Boxes(corners, [classes[index] for index in found.classes])
        except TintboxError as error:
            left_out.append(one_line(error))
        except OSError as error:
            left_out.append(f"{label}: cannot be read ({reason_of(error)})")
    if not truth:
        why = f"; left out: {left_out[0]}" if left_out else ""
        raise TintboxError(f"{name}: no labels in split '{split}' ({len(pictures)} images); show needs boxes{why}")
    return truth, classes, left_out


def choose(pictures: Iterable[str], n: int, seed: int, images: Any, split: str) -> list[str]:
    """Return the paths of the named images, or of ``n`` random ones.

    Raises:
        TintboxError: There are fewer images, or none of that name.
    """
    pictures, wanted = sorted(pictures), picture_names(images)
    if wanted is None:
        if n > len(pictures):
            raise TintboxError(f"n={n}: split '{split}' has {len(pictures)} labelled images")
        return [pictures[i] for i in np.random.default_rng(seed).permutation(len(pictures))[:n]]
    named = by_name(pictures)
    for name in wanted:
        if name not in named:
            hint = suggest(name, named) or "; write it with its suffix"
            raise TintboxError(f"images={name}: no labelled image of that name in '{split}'{hint}")
    return [named[name] for name in wanted]


def picture_names(images: Any) -> list[str] | None:
    """Return the image names in ``images=``, one or several; None if it is not given.

    Beware that a name of digits only, such as 000123, changes in a list that is read as YAML.

    Raises:
        TintboxError: The list is empty.
    """
    if images is None:
        return None
    names = [str(name) for name in (images if isinstance(images, (list, tuple)) else [images])]
    if not names:
        raise TintboxError("images=[]: the list is empty; name images, or leave it out")
    return names


def by_name(pictures: Sequence[str]) -> dict[str, str]:
    """Return image paths by file name, with and without suffix."""
    return {Path(path).stem: path for path in pictures} | {Path(path).name: path for path in pictures}
