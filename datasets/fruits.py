"""Fruits of the fruit bowl images: rotated by any angle, and always lit from the upper left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tintbox.datasets.fruit_shapes import FRUITS
from tintbox.datasets.grounds import Array

REACH = 1.4  # half the side of a fruit's square, in units of its size
LIGHT = (-0.46, -0.58, 0.67)  # unit vector towards the lamp: x right, y down, z to the eye
GLINT = (-0.252, -0.317, 0.914)  # halfway vector between LIGHT and the eye, for highlights (Blinn's model)


class Sprite(NamedTuple):
    """A fruit ready to be drawn into an image: (3, s, s) float32 RGB and (s, s) float32 cover, both 0..1."""

    colour: Array
    cover: Array


def draw_fruit(rng: np.random.Generator, name: str, radius: float) -> Sprite:
    """Draw one fruit, rotated by a random angle and lit.

    Args:
        rng: The image's random generator.
        name: A key of ``FRUITS``.
        radius: Half its size in pixels.

    Returns:
        The lit fruit in a square of side ``2 * ceil(REACH * radius)``.
    """
    half = int(np.ceil(REACH * radius))
    grid = (np.arange(-half, half, dtype=np.float32) + 0.5) / radius
    angle = rng.uniform(0, 2 * np.pi)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    x, y = grid[None, :], grid[:, None]
    height, colour, cover, gloss = FRUITS[name][0](rng, c * x + s * y, c * y - s * x, radius)
    tint = (rng.normal(1.0, 0.03, (3, 1, 1)) * rng.uniform(0.92, 1.05)).astype(np.float32)
    dy, dx = np.gradient((height * radius).astype(np.float32))
    steep = 1 / np.sqrt(dx * dx + dy * dy + 1)  # the surface's normal is (-dx, -dy, 1) * steep
    lit, shine = (np.clip((z - x * dx - y * dy) * steep, 0, 1) for x, y, z in (LIGHT, GLINT))
    picture = np.clip(colour * tint * (0.40 + 0.78 * lit), 0, 1)
    picture += (1 - picture) * (0.75 * gloss * shine**28)
    return Sprite(picture.astype(np.float32), cover.astype(np.float32))
