"""The contents of a dataset, split by split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from tintbox.datasets.reading import dataset_files
from tintbox.datasets.reading.description import describe, lacks_validation
from tintbox.datasets.reading.labels import keypoints
from tintbox.datasets.reading.layout import split_pictures
from tintbox.errors import TintboxError, name_file, one_line
from tintbox.recipes import labels as label_files
from tintbox.recipes import pictures
from tintbox.recipes.labels import FAULTS, LARGE, SKIPS, Labels
from tintbox.recipes.pictures import Decoded

SPLITS = ("train", "val", "test")
SMALL = 0.1  # quantile of the box sides that counts as small


@dataclass(frozen=True)
class Split:
    """One split of a dataset.

    Attributes:
        files: The images, sorted.
        sizes: ``(P, 2)`` width and height in pixels; 0 for an image that Ultralytics skips, whatever is wrong.
        labels: Its boxes.
        decoded: Its decoded images, by index.
    """

    files: list[str]
    sizes: np.ndarray
    labels: Labels
    decoded: dict[int, Decoded]

    @cached_property
    def sides(self) -> np.ndarray:
        """The square root of each box's area as a fraction of its image's longer side, for boxes with an area."""
        sides, longer = self._sides
        return sides / longer

    @cached_property
    def pixels(self) -> np.ndarray:
        """The square root of each box's area in pixels, for boxes with an area."""
        return self._sides[0]

    @cached_property
    def _sides(self) -> tuple[np.ndarray, np.ndarray]:
        sizes = self.sizes[self.labels.pictures]
        areas = (self.labels.boxes[:, 2:] * sizes).prod(axis=1)
        return np.sqrt(areas[areas > 0]), sizes[areas > 0].max(axis=1, initial=1)

    @cached_property
    def small(self) -> float:
        """The side, in the unit of `sides`, below which a box counts as small."""
        return float(np.quantile(self.sides, SMALL))

    @property
    def unreadable(self) -> list[str]:
        """The images that Ultralytics skips because they are damaged or too small."""
        mislabelled = self.labels.skipped
        return [
            file for i, (file, size) in enumerate(zip(self.files, self.sizes)) if not (size.all() or i in mislabelled)
        ]

    @property
    def used(self) -> int:
        """The number of images that Ultralytics uses."""
        return int(self.sizes.all(axis=1).sum())

    @property
    def grey(self) -> float:
        """The fraction of its images that are greyscale."""
        return float(np.mean([one.is_grey for one in self.decoded.values()])) if self.decoded else 0.0


@dataclass(frozen=True)
class Survey:
    """The contents of a dataset.

    Attributes:
        splits: Splits by name; train and val always exist.
        shared: Pairs of splits -> the images in both, as pairs of paths: all equal files, and of the decoded images
            those that are nearly equal.
        colours: How well a box's mean colour predicts its class in the training split, from 0 to 1; None if unknown.
        left_out: Remarks on splits that the YAML names but that do not exist.
    """

    title: str
    names: list[str]
    splits: dict[str, Split]
    shared: dict[tuple[str, str], list[tuple[str, str]]]
    colours: float | None
    left_out: list[str] = field(default_factory=list)

    def counts(self, split: str) -> np.ndarray:
        """Return the number of boxes of each class in a split, ``(classes,)``."""
        return self.splits[split].labels.counts(len(self.names))


def take(data: str | Path, *, pose: bool = False) -> Survey:
    """Inspect a dataset for detect, segment, obb or, with ``pose``, for a model of poses, given by its YAML.

    Raises:
        TintboxError: The dataset does not exist, or it has no validation split or no training labels.
    """
    if lacks_validation(data):
        raise TintboxError(
            f"{data}: no val split, and training images cannot measure how good a model is; add split=0.2 to keep a "
            "fifth of them for validation, or name a folder of other images in a line val: images/val"
        )
    described = describe(data)
    names = [str(name) for _, name in sorted(described["names"].items())]
    with name_file(Path(data)):
        numbers = keypoints(described)
        dims = described["kpt_shape"][-1] if pose and numbers else 0
    splits, left_out = {}, []
    for name in SPLITS:
        try:
            if described.get(name):
                splits[name] = take_split(described, name, len(names), numbers, dims)
        except TintboxError as error:
            if name != "test":  # training does not need it
                raise
            left_out.append(f"{one_line(error)}; ignored here")
    train = splits["train"]
    if not len(train.sides):
        raise TintboxError(f"{data}: {explain_lack(train)}")
    shared = {}
    readable = {name: sorted(set(split.files) - set(split.unreadable)) for name, split in splits.items()}
    for first, second in combinations(splits, 2):
        one, other = splits[first], splits[second]
        alike = {(one.files[i], other.files[j]) for i, j in pictures.find_shared(one.decoded, other.decoded)}
        shared[first, second] = sorted(alike | pictures.find_equal(readable[first], readable[second]))
    colours = pictures.judge_colours(train.decoded, train.labels, len(names))
    return Survey(Path(str(data)).name, names, splits, shared, colours, left_out)


def explain_lack(train: Split) -> str:
    """Return why there is nothing to learn from in a training split, and what to do."""
    if len(train.unreadable) == len(train.files):
        many = f"every image of its training split ({len(train.files)}) is missing, damaged or under "
        return f"{many}{dataset_files.LEAST_SIDE} pixels, e.g. {train.files[0]}"
    if train.labels.skipped:
        wrong, rows = next((wrong, rows) for wrong, rows in train.labels.faults.items() if FAULTS[wrong] == SKIPS)
        return (
            f"Ultralytics skips all labelled images of its training split for faults, e.g. {rows[0]}: {wrong}; fix them"
        )
    if large := train.labels.faults.get(LARGE):
        return f"no labels in its training split that could be checked, e.g. {large[0]}: {LARGE}; make the file smaller"
    which = " for the images that can be read" * bool(train.unreadable)
    return f"no labels in its training split{which}, so there is nothing to learn from; label some"


def take_split(described: Mapping[str, Any], name: str, classes: int, numbers: int, dims: int) -> Split:
    """Return the contents of one split."""
    files = split_pictures(described, name)
    sizes = np.array([measure(file) for file in files]).reshape(-1, 2)
    named = zip(dataset_files.label_files(files), sizes)
    labels = label_files.read([file if size.all() else None for file, size in named], classes, numbers, dims)
    sizes[sorted(labels.skipped)] = 0
    return Split(files, sizes, labels, pictures.decode_sample(files))


def measure(file: str) -> tuple[int, int]:
    """Return an image's width and height in pixels, zeros if Ultralytics skips it."""
    try:
        size = dataset_files.picture_size(file)
        dataset_files.check_whole(file)
    except (OSError, SyntaxError, ValueError):
        return 0, 0
    return size if min(size) >= dataset_files.LEAST_SIDE else (0, 0)
