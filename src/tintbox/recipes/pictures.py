"""What the pixels of a dataset show: greyscale images, images in two splits, colours that predict classes."""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from tintbox import file_bytes
from tintbox.limits import PICTURE_BYTES
from tintbox.recipes.labels import Labels

MOST = 2_000  # images decoded per split; an even sample
SIDE = 128  # pixels: longer side to which images are reduced
GREY = 3.0  # largest mean difference between the channels of a greyscale image, of 255
THUMB = 64  # pixels: side of the square thumbnails that are compared
WHOLE = 512  # pixels: an image with a smaller longer side is not decoded at half its size
# Largest difference between the thumbnails of an image saved twice, of 255, and relative to their standard deviation.
# Measured in docs/recipe.md.
ALIKE, CONTRAST = 20, 0.6
NEAREST = 5  # images that are compared with each
LEAST_SAMPLES = 8  # boxes that a class needs to be judged by colour


@dataclass(frozen=True)
class Decoded:
    """What is kept of a decoded image.

    Attributes:
        small: ``(h, w, 3)`` uint8 BGR, the longer side SIDE pixels.
        thumb: ``(THUMB, THUMB, 3)`` uint8 BGR, blurred, so that saving and resizing leave no trace.
    """

    small: np.ndarray
    thumb: np.ndarray

    @cached_property
    def contrast(self) -> float:
        """The standard deviation of its values, of 255, in the channel where that is largest."""
        return float(cv2.meanStdDev(self.thumb)[1].max())

    @property
    def is_grey(self) -> bool:
        """Whether the image is greyscale."""
        return float((self.small.max(axis=2) - self.small.min(axis=2)).mean()) <= GREY


def decode(file: str) -> Decoded | None:
    """Decode an image; return None if that fails."""
    try:
        content = file_bytes.read(Path(file), PICTURE_BYTES)
        coded = np.frombuffer(content, np.uint8)
        picture = cv2.imdecode(coded, cv2.IMREAD_REDUCED_COLOR_2) if content else None
        if picture is not None and 2 * max(picture.shape[:2]) < WHOLE:
            picture = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # OpenCV's for too many pixels
        return None
    if picture is None:
        return None
    scale = SIDE / max(picture.shape[:2])
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    thumb = cv2.GaussianBlur(cv2.resize(picture, (THUMB, THUMB), interpolation=cv2.INTER_AREA), (3, 3), 0)
    return Decoded(small, thumb)


def decode_sample(files: Sequence[str]) -> dict[int, Decoded]:
    """Decode a split's images, or an even sample of many; return the results by index."""
    chosen = range(len(files)) if len(files) <= MOST else np.linspace(0, len(files) - 1, MOST).astype(int).tolist()
    with ThreadPoolExecutor() as pool:
        return {i: seen for i, seen in zip(chosen, pool.map(decode, [files[i] for i in chosen])) if seen is not None}


def find_equal(first: Sequence[str], second: Sequence[str]) -> set[tuple[str, str]]:
    """Return the files that are in both splits; every such file of either is in a pair with an equal one of the other.

    Only those of a size that is in both splits are read.
    """
    sizes = [{file: Path(file).stat().st_size for file in files} for files in (first, second)]
    common = set(sizes[0].values()) & set(sizes[1].values())
    ours, theirs = (_by_content(file for file, size in own.items() if size in common) for own in sizes)
    pairs = set()
    for content in ours.keys() & theirs.keys():
        one, other = ours[content], theirs[content]
        pairs |= {(file, other[0]) for file in one} | {(one[0], file) for file in other}
    return pairs


def _by_content(files: Iterable[str]) -> dict[bytes, list[str]]:
    """Return files by the digest of their content, without those that are too large."""
    found = defaultdict(list)
    for file in files:
        with contextlib.suppress(OSError):
            content = file_bytes.read(Path(file), PICTURE_BYTES)
            found[hashlib.blake2b(content, digest_size=16).digest()].append(file)
    return found


def find_shared(first: Mapping[int, Decoded], second: Mapping[int, Decoded]) -> list[tuple[int, int]]:
    """Return the images that are in both splits: the same one, also if saved again, or nearly the same scene.

    Every such image of either split is in a pair with an equal one of the other split.
    """
    return sorted({*_partners(first, second), *((i, j) for j, i in _partners(second, first))})


def _partners(first: Mapping[int, Decoded], second: Mapping[int, Decoded]) -> list[tuple[int, int]]:
    """Return each image of the first split that is also in the second, paired with an equal one there."""
    if not first or not second:
        return []
    indices = list(second)
    found = []
    for (i, seen), row in zip(first.items(), _find_nearest(first, second)):
        near = (indices[place] for place in row)
        other = next((j for j in near if _are_alike(seen, second[j])), None)
        if other is not None:
            found.append((i, other))
    return found


def _find_nearest(first: Mapping[int, Decoded], second: Mapping[int, Decoded]) -> np.ndarray:
    """Return which images of the second split are nearest to each of the first by pixels, as places there."""
    own, others = (
        np.stack([cv2.resize(seen.thumb, (16, 16), interpolation=cv2.INTER_AREA).ravel() for seen in split.values()])
        for split in (first, second)
    )
    own, others = own - np.float32(128), others - np.float32(128)
    distances = (others**2).sum(axis=1) - 2 * own @ others.T  # less the same number in each row
    return np.argsort(distances, axis=1, kind="stable")[:, :NEAREST]


def _are_alike(first: Decoded, second: Decoded) -> bool:
    """Return whether two thumbnails differ nowhere by more than saving or resizing an image does.

    Noise of these is small everywhere, while a small object that moved is large in its place, though not on average.
    """
    most = min(ALIKE, CONTRAST * min(first.contrast, second.contrast))
    return cv2.norm(first.thumb, second.thumb, cv2.NORM_INF) <= most


def judge_colours(decoded: Mapping[int, Decoded], labels: Labels, classes: int) -> float | None:
    """Return how well a box's mean colour predicts its class, from 0 (chance) to 1 (always); None if unknown.

    Each box is assigned to the class with the nearest mean colour, computed without that box. The accuracy is averaged
    over the classes and rescaled so that chance is 0.
    """
    colours, owners = [], []
    for index, picture, box in zip(labels.classes, labels.pictures, labels.boxes):
        seen = decoded.get(int(picture))
        if seen is None:
            continue
        height, width = seen.small.shape[:2]
        x, y, w, h = box
        rows = slice(max(0, int((y - h / 2) * height)), max(1, int(np.ceil((y + h / 2) * height))))
        columns = slice(max(0, int((x - w / 2) * width)), max(1, int(np.ceil((x + w / 2) * width))))
        crop = seen.small[rows, columns].reshape(-1, 3)
        if len(crop):
            colours.append(crop.mean(axis=0))
            owners.append(int(index))
    groups = np.flatnonzero(np.bincount(np.array(owners, int), minlength=classes) >= LEAST_SAMPLES)
    if len(groups) < 2:
        return None
    lab = cv2.cvtColor(np.array(colours, dtype=np.float32)[None] / 255, cv2.COLOR_BGR2LAB)[0][:, 1:]  # hue and chroma
    own = np.array(owners)
    sums = np.array([lab[own == c].sum(axis=0) for c in groups])
    sizes = np.array([(own == c).sum() for c in groups])
    right = []
    for position, c in enumerate(groups):
        points = lab[own == c]
        centres = np.repeat((sums / sizes[:, None])[None], len(points), axis=0)
        centres[:, position] = (sums[position] - points) / (sizes[position] - 1)
        right.append(float((((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1) == position).mean()))
    chance = 1 / len(groups)
    return max(0.0, (float(np.mean(right)) - chance) / (1 - chance))
