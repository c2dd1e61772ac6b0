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
from tintbox.recipes.labels import Labels
from tintbox.recipes.pictures import Decoded

SPLITS = ("train", "val", "test")
SMALL = 0.1  # quantile of the box sides that counts as small


@dataclass(frozen=True)
class Split:
    """One split of a dataset.

    Attributes:
        files: The images, sorted.
        sizes: ``(P, 2)`` width and height in pixels; 0 for an image that Ultralytics skips.
        labels: Its boxes.
        decoded: Its decoded images, by index.
    """

    files: list[str]
    sizes: np.ndarray
    labels: Labels
    decoded: dict[int, Decoded]

    @cached_property
    def sides(self) -> np.ndarray:
        """The square root of each box's area as a fraction of its image's longer side, for readable images."""
        sizes = self.sizes[self.labels.pictures]
        readable = sizes.all(axis=1)
        sizes = sizes[readable]
        return np.sqrt((self.labels.boxes[readable, 2:] * sizes).prod(axis=1)) / sizes.max(axis=1, initial=1)

    @cached_property
    def small(self) -> float:
        """The side, in the unit of `sides`, below which a box counts as small."""
        return float(np.quantile(self.sides, SMALL))

    @property
    def unreadable(self) -> list[str]:
        """The images that Ultralytics skips because they are damaged or too small."""
        return [file for file, size in zip(self.files, self.sizes) if not size.all()]

    @property
    def used(self) -> int:
        """The number of images that Ultralytics uses."""
        return len(self.files) - len(self.unreadable)

    @property
    def grey(self) -> float:
        """The fraction of its images that are greyscale."""
        return float(np.mean([one.is_grey for one in self.decoded.values()])) if self.decoded else 0.0


@dataclass(frozen=True)
class Survey:
    """The contents of a dataset.

    Attributes:
        splits: Splits by name; train and val always exist.
        shared: Pairs of splits -> the images in both, as pairs of paths.
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


def take(data: str | Path) -> Survey:
    """Inspect a dataset for detect, segment, pose or obb, given by its YAML.

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
    splits, left_out = {}, []
    for name in SPLITS:
        try:
            if described.get(name):
                splits[name] = take_split(described, name, len(names), numbers)
        except TintboxError as error:
            if name != "test":  # training does not need it
                raise
            left_out.append(f"{one_line(error)}; ignored here")
    train = splits["train"]
    if not len(train.sides):
        if not train.used:
            counted = f"every image of its training split ({len(train.files)}) is missing, damaged or under "
            raise TintboxError(f"{data}: {counted}{dataset_files.LEAST_SIDE} pixels, e.g. {train.files[0]}")
        if len(train.labels.classes):
            raise TintboxError(f"{data}: none of the labelled images in its training split can be read")
        raise TintboxError(f"{data}: no labels in its training split, so there is nothing to learn from; label some")
    shared = {}
    for first, second in combinations(splits, 2):
        pairs = pictures.find_shared(splits[first].decoded, splits[second].decoded)
        shared[first, second] = [(splits[first].files[i], splits[second].files[j]) for i, j in pairs]
    colours = pictures.judge_colours(train.decoded, train.labels, len(names))
    return Survey(Path(str(data)).name, names, splits, shared, colours, left_out)


def take_split(described: Mapping[str, Any], name: str, classes: int, numbers: int) -> Split:
    """Return the contents of one split."""
    files = split_pictures(described, name)
    labels = label_files.read(dataset_files.label_files(files), classes, numbers)
    return Split(
        files, np.array([measure(file) for file in files]).reshape(-1, 2), labels, pictures.decode_sample(files)
    )


def measure(file: str) -> tuple[int, int]:
    """Return an image's width and height in pixels, zeros if Ultralytics skips it."""
    try:
        size = dataset_files.picture_size(file)
        dataset_files.check_whole(file)
    except (OSError, SyntaxError, ValueError):
        return 0, 0
    return size if min(size) >= dataset_files.LEAST_SIDE else (0, 0)
