"""What the pixels of a dataset show: greyscale images, images in two splits, colours that predict classes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tintbox import file_bytes
from tintbox.limits import PICTURE_BYTES
from tintbox.recipes.labels import Labels

MOST = 2_000  # images decoded per split; an even sample
SIDE = 128  # pixels: longer side to which images are reduced
GREY = 3.0  # largest mean difference between the channels of a greyscale image, of 255
NEAR = 3  # bits of 64 in which the hashes of an image saved twice may differ
LEAST_SAMPLES = 8  # boxes that a class needs to be judged by colour


@dataclass(frozen=True)
class Decoded:
    """What is kept of a decoded image.

    Attributes:
        small: ``(h, w, 3)`` uint8 BGR, the longer side SIDE pixels.
        content: Digest of the file.
        hash: Its difference hash, 64 bits: whether each pixel of a 9x8 greyscale image is darker than the next.
    """

    small: np.ndarray
    content: bytes
    hash: int

    @property
    def is_grey(self) -> bool:
        """Whether the image is greyscale."""
        return float((self.small.max(axis=2) - self.small.min(axis=2)).mean()) <= GREY


def decode(file: str) -> Decoded | None:
    """Decode an image; return None if that fails."""
    try:
        content = file_bytes.read(Path(file), PICTURE_BYTES)
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_REDUCED_COLOR_2) if content else None
    except (OSError, cv2.error):  # OpenCV's for too many pixels
        return None
    if picture is None:
        return None
    scale = SIDE / max(picture.shape[:2])
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    grey = cv2.resize(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.packbits(grey[:, 1:] > grey[:, :-1])
    return Decoded(small, hashlib.blake2b(content, digest_size=16).digest(), int.from_bytes(bits.tobytes(), "big"))


def decode_sample(files: Sequence[str]) -> dict[int, Decoded]:
    """Decode a split's images, or an even sample of many; return the results by index."""
    chosen = range(len(files)) if len(files) <= MOST else np.linspace(0, len(files) - 1, MOST).astype(int).tolist()
    with ThreadPoolExecutor() as pool:
        return {i: seen for i, seen in zip(chosen, pool.map(decode, [files[i] for i in chosen])) if seen is not None}


def find_shared(first: Mapping[int, Decoded], second: Mapping[int, Decoded]) -> list[tuple[int, int]]:
    """Return the images that are in both splits, as the same file or as the same image saved again.

    Every such image of either split is in a pair with an equal one of the other split. Flat images, whose hash is all
    zeros or ones, count only if the files are equal.
    """
    return sorted({*_partners(first, second), *((i, j) for j, i in _partners(second, first))})


def _partners(first: Mapping[int, Decoded], second: Mapping[int, Decoded]) -> list[tuple[int, int]]:
    """Return each image of the first split that is also in the second, paired with an equal one there."""
    if not first or not second:
        return []
    by_content = {seen.content: j for j, seen in second.items()}
    hashes = np.array([seen.hash for seen in second.values()], dtype=np.uint64)
    indices = list(second)
    found = []
    for i, seen in first.items():
        if seen.content in by_content:
            found.append((i, by_content[seen.content]))
            continue
        if seen.hash.bit_count() in (0, 64):
            continue
        differing = np.unpackbits((hashes ^ np.uint64(seen.hash)).view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1)
        nearest = int(differing.argmin())
        if differing[nearest] <= NEAR and _alike(seen, second[indices[nearest]]):
            found.append((i, indices[nearest]))
    return found


def _alike(first: Decoded, second: Decoded) -> bool:
    """Return whether the pixels of two images are alike: different frames of a video may share a hash."""
    if first.small.shape != second.small.shape:
        return False
    return float(np.abs(first.small.astype(np.int16) - second.small).mean()) < 4.0


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
