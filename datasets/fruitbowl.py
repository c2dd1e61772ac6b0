"""The fruit bowl: a small detection dataset that is drawn, not downloaded.

Shape and texture determine the colour of every fruit and background, so the same images can train both a detector and
a colouriser.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tintbox.checks import as_path, is_whole
from tintbox.datasets.fruit_shapes import FRUITS
from tintbox.datasets.fruits import REACH, Sprite, draw_fruit
from tintbox.datasets.grounds import Array, draw_ground, draw_plate
from tintbox.datasets.staging import is_complete, stage
from tintbox.errors import TintboxError

SIZE = 128  # side of an image in pixels
SCALE = 2  # drawn this many times as large, then averaged down: smooth edges
SPLITS = ("train", "val")
NAMES = tuple(FRUITS)
RARE_EVERY = 12  # the rarest class is in every 12th image, so that its count does not depend on chance
LEAST_VISIBLE = 0.25  # fruits with a smaller visible share are left out
VERSION = 1  # of the drawing; increment it when the images change


class Picture(NamedTuple):
    """An image and its labels.

    Attributes:
        image: (128, 128, 3) uint8 RGB.
        labels: (n, 5) float64 class id, box centre x, y, width, height as shares of the side, tight around the visible
            part.
        instances: (256, 256) uint8, 0 for the background, ``k + 1`` where the fruit of ``labels[k]`` is visible.
    """

    image: Array
    labels: Array
    instances: Array


def generate(folder: str | Path, *, train: int = 400, val: int = 100, seed: int = 0) -> Path:
    """Draw the dataset into ``folder``, unless it is there already, and return the folder.

    Args:
        folder: The dataset's folder; it gets ``images/train``, ``images/val``, ``labels/train`` and ``labels/val``.
        train: Number of training images.
        val: Number of validation images.
        seed: Each image depends only on the seed, the split and its index, so the same call gives the same files.

    Raises:
        TintboxError: If a number is not whole or is below 0, or if ``folder`` cannot be written, or has a dataset of
            another seed or size.
    """
    for name, value in {"train": train, "val": val, "seed": seed}.items():
        if not is_whole(value, 0):
            raise TintboxError(f"{name}={value!r}: give a whole number of 0 or more")
    target, counts = as_path(folder), {"train": train, "val": val}
    recipe = {"dataset": "fruitbowl", "version": VERSION, "seed": seed, **counts}
    if is_complete(target, recipe):
        return target
    with stage(target, recipe) as staging:
        for split in SPLITS:
            for kind in ("images", "labels"):
                (staging / kind / split).mkdir(parents=True)
            for index in range(counts[split]):
                _write(staging, split, index, draw(index, split, seed))
    return target


def draw(index: int, split: str = "train", seed: int = 0) -> Picture:
    """Draw an image of a split, by its index: 2 to 7 fruits with their labels, fewer if some are hidden."""
    rng = np.random.default_rng([seed, SPLITS.index(split), index])
    side = SIZE * SCALE
    canvas = draw_ground(rng, side)
    if rng.random() < 0.3:
        draw_plate(rng, canvas)
    classes = _choose(rng, index, split)
    zoom = rng.uniform(0.9, 1.3)
    sprites = [draw_fruit(rng, NAMES[c], FRUITS[NAMES[c]][1] * SCALE * zoom * rng.uniform(0.85, 1.2)) for c in classes]
    corners = _place(rng, sprites, side)
    seen = _visible(sprites, corners, side)
    kept = [k for k, share in enumerate(seen) if share >= LEAST_VISIBLE]
    instances = np.zeros((side, side), np.uint8)
    for number, k in enumerate(kept, 1):
        _lay(canvas, instances, sprites[k], corners[k], number)
    image = np.stack([cv2.resize(plane, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for plane in canvas], 2)
    image = np.clip(image * _lamp(rng)[..., None], 0, 1)
    labels = [(classes[k], *_box(instances == number)) for number, k in enumerate(kept, 1)]
    return Picture((image * 255 + 0.5).astype(np.uint8), np.array(labels, float).reshape(-1, 5), instances)


def _write(folder: Path, split: str, index: int, picture: Picture) -> None:
    """Write the two files of image ``index`` into ``folder``."""
    png = cv2.imencode(".png", picture.image[..., ::-1])[1]
    (folder / "images" / split / f"{index:05d}.png").write_bytes(png.tobytes())
    rows = (f"{int(c)} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n" for c, x, y, w, h in picture.labels)
    (folder / "labels" / split / f"{index:05d}.txt").write_bytes("".join(rows).encode())


def _choose(rng: np.random.Generator, index: int, split: str) -> list[int]:
    """Return the class ids of an image's fruits; the last one lies on top, so it is always visible."""
    shares = np.array([share for _, _, share in FRUITS.values()])[:-1]
    classes = rng.choice(len(shares), int(rng.integers(2, 8)), p=shares / shares.sum()).tolist()
    if split == "val" and index < 2 * len(NAMES):  # every class is in val at least twice
        classes[-1] = index % len(NAMES)
    elif index % RARE_EVERY == RARE_EVERY // 2:
        classes[-1] = len(NAMES) - 1
    return classes


def _place(rng: np.random.Generator, sprites: list[Sprite], side: int) -> list[tuple[int, int]]:
    """Return each fruit's upper left corner (x, y): the random spot least crowded by the previous fruits."""
    centres: list[tuple[float, float, float]] = []
    for sprite in sprites:
        reach = sprite.cover.shape[0] / 2 / REACH
        margin = min(0.72 * reach, side * 0.3)
        spots = rng.normal(side / 2, side / 4, (4, 2)).clip(margin, side - margin)
        room = [min((np.hypot(x - a, y - b) / (reach + r) for a, b, r in centres), default=1.0) for x, y in spots]
        best = int(np.argmax(np.minimum(room, 0.8)))  # 0.8 allows some overlap, so that fruits lie together
        centres.append((*spots[best].tolist(), reach))
    return [
        (round(x - s.cover.shape[1] / 2), round(y - s.cover.shape[0] / 2))
        for (x, y, _), s in zip(centres, sprites, strict=True)
    ]


def _windows(sprite: Sprite, corner: tuple[int, int], side: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the overlap of sprite and image: rows and columns in the image, and in the sprite."""
    (x, y), (h, w) = corner, sprite.cover.shape
    x0, x1, y0, y1 = max(x, 0), min(x + w, side), max(y, 0), min(y + h, side)
    return (slice(y0, y1), slice(x0, x1)), (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))


def _visible(sprites: list[Sprite], corners: list[tuple[int, int]], side: int) -> list[float]:
    """Return the visible share of each fruit; later fruits lie on top of earlier ones."""
    covered = np.zeros((side, side), bool)
    shares: list[float] = []
    for sprite, corner in zip(sprites[::-1], corners[::-1], strict=True):
        there, here = _windows(sprite, corner, side)
        mask = sprite.cover > 0.5
        shares.append(float((mask[here] & ~covered[there]).sum() / mask.sum()))
        if shares[-1] >= LEAST_VISIBLE:  # a fruit that is left out hides nothing
            covered[there] |= mask[here]
    return shares[::-1]


def _lay(canvas: Array, instances: Array, sprite: Sprite, corner: tuple[int, int], number: int) -> None:
    """Paint a fruit and its soft shadow into ``canvas`` (3, s, s) and its number into ``instances`` (s, s)."""
    side = canvas.shape[1]
    pad = 8 * SCALE
    ground = cv2.copyMakeBorder(sprite.cover, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    blurred = Sprite(sprite.colour, cv2.GaussianBlur(ground, (0, 0), 2.2 * SCALE))
    there, here = _windows(blurred, (corner[0] - pad + 2 * SCALE, corner[1] - pad + 3 * SCALE), side)
    canvas[:, there[0], there[1]] *= 1 - 0.55 * blurred.cover[here]
    there, here = _windows(sprite, corner, side)
    below = canvas[:, there[0], there[1]]  # a view
    below += (sprite.colour[:, here[0], here[1]] - below) * sprite.cover[here]
    instances[there][sprite.cover[here] > 0.5] = number


def _lamp(rng: np.random.Generator) -> Array:
    """Return the room's light across the image, (128, 128) float32 around 1, brightest at the upper left."""
    ramp = np.linspace(0.5, -0.5, SIZE, dtype=np.float32)
    strength = rng.uniform(0.05, 0.22)
    return 1.0 + strength * (ramp[:, None] + ramp[None, :])


def _box(mask: Array) -> tuple[float, float, float, float]:
    """Return the tight box of ``mask`` (s, s): centre x, y, width, height as shares of the side."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    return tuple(float(t) / mask.shape[0] for t in ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0))
