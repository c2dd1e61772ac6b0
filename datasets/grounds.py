"""The backgrounds of the fruit bowl images: textures; each determines its colour."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Array = np.ndarray
Ground = Callable[[np.random.Generator, int], Array]


def noise(rng: np.random.Generator, shape: tuple[int, ...], cell: tuple[float, float]) -> Array:
    """Return smooth value noise.

    Args:
        rng: Random generator of the lattice.
        shape: Rows and columns.
        cell: Spacing of the lattice points in pixels, (down, across).

    Returns:
        (rows, columns) float32, mean about 0.5, mostly in 0..1.
    """
    height, width = shape
    lattice = rng.random((int(height / cell[0]) + 2, int(width / cell[1]) + 2), dtype=np.float32)
    return cv2.resize(lattice, (width, height), interpolation=cv2.INTER_CUBIC)


def mix(first: Array | tuple, second: Array | tuple, share: Array) -> Array:
    """Blend two RGB colours or images.

    Args:
        first: A colour (r, g, b), 0..1, or an image (3, h, w).
        second: The same.
        share: (h, w) share of the second; clipped to 0..1.

    Returns:
        (3, h, w) float32. Images are channels first here: numpy broadcasts several times as fast that way.
    """
    first, second = (np.asarray(c, np.float32) for c in (first, second))
    first, second = (c.reshape(3, 1, 1) if c.ndim == 1 else c for c in (first, second))
    return first + (second - first) * np.clip(share, 0, 1, dtype=np.float32)


def wood(rng: np.random.Generator, size: int) -> Array:
    """Brown planks with a grain along them."""
    grain = 0.6 * noise(rng, (size, size), (4, 95)) + 0.4 * noise(rng, (size, size), (2, 45))
    rings = 0.5 + 0.5 * np.sin(38 * noise(rng, (size, size), (50, 220)) + 4 * grain)
    picture = mix((0.69, 0.46, 0.25), (0.40, 0.23, 0.11), 0.55 * grain + 0.45 * rings)
    plank = int(rng.integers(44, 70))
    start = int(rng.integers(plank))
    for top in range(start - plank, size, plank):
        picture[:, max(top, 0) : max(top + plank, 0)] *= rng.uniform(0.86, 1.08)
        picture[:, max(top, 0) : max(top + 2, 0)] *= 0.45
    return picture


def gingham(rng: np.random.Generator, size: int) -> Array:
    """A red and white checked cloth."""
    period = int(rng.integers(22, 36))
    stripe = ((np.arange(size) // (period // 2)) % 2).astype(np.float32)
    picture = mix((0.95, 0.93, 0.90), (0.76, 0.10, 0.13), 0.5 * (stripe[:, None] + stripe[None, :]))
    return picture * (_weave(size) * (0.92 + 0.16 * noise(rng, (size, size), (44, 44))))


def ticking(rng: np.random.Generator, size: int) -> Array:
    """A white cloth with blue stripes, each broad one between two fine ones."""
    period = int(rng.integers(34, 48))
    phase = (np.arange(size) % period) / period
    stripe = ((phase < 0.30) | (np.abs(phase - 0.45) < 0.035) | (np.abs(phase - 0.85) < 0.035)).astype(np.float32)
    picture = mix((0.93, 0.94, 0.95), (0.16, 0.32, 0.66), np.repeat(stripe[:, None], size, 1))
    return picture * (_weave(size) * (0.90 + 0.2 * noise(rng, (size, size), (50, 30))))


def slate(rng: np.random.Generator, size: int) -> Array:
    """Grey-blue stone in layers, with pale flecks."""
    layers = noise(rng, (size, size), (30, 50)) + 0.5 * noise(rng, (size, size), (10, 19))
    steps = np.floor(layers * 6) / 6
    picture = mix(
        (0.20, 0.25, 0.31), (0.40, 0.46, 0.53), 0.7 * steps + 0.3 * noise(rng, (size, size), (2.5, 2.5)) - 0.15
    )
    ridge = np.clip(cv2.Laplacian(steps.astype(np.float32), cv2.CV_32F) * 3, -1, 1)
    flecks = noise(rng, (size, size), (2, 2)) > 0.93
    return picture + (0.14 * flecks.astype(np.float32) - 0.10 * ridge)


def straw(rng: np.random.Generator, size: int) -> Array:
    """A woven straw mat: blocks of straws, alternating lengthwise and crosswise."""
    block = int(rng.integers(18, 26))
    t = np.arange(size)
    across = ((t[None, :] // block + t[:, None] // block) % 2) > 0
    bulge = (0.65 + 0.35 * np.sin(np.pi * (t % block) / block)).astype(np.float32)
    strand = (0.75 + 0.25 * np.abs(np.sin(np.pi * t * 4 / block))).astype(np.float32)
    light = np.where(across, bulge[None, :] * strand[:, None], bulge[:, None] * strand[None, :])
    tint = np.where(across, noise(rng, (size, size), (3, block)), noise(rng, (size, size), (block, 3)))
    return mix((0.66, 0.52, 0.28), (0.93, 0.81, 0.53), tint) * light


def grass(rng: np.random.Generator, size: int) -> Array:
    """A lawn: many green blades over dark earth."""
    picture = mix((0.10, 0.22, 0.06), (0.18, 0.34, 0.10), noise(rng, (size, size), (15, 15)))
    canvas = np.ascontiguousarray((picture * 255).astype(np.uint8).transpose(1, 2, 0))
    count = 1000
    foot = rng.integers(0, size, (count, 2))
    tip = foot + np.stack([rng.normal(0, 7, count), -rng.uniform(8, 22, count)], 1).astype(int)
    light = rng.uniform(0, 1, count) ** 1.5
    green = np.array([62, 116, 34]) + light[:, None] * np.array([86, 84, 32])
    for start, end, colour in zip(foot.tolist(), tip.tolist(), green.tolist(), strict=True):
        cv2.line(canvas, start, end, colour, 1, cv2.LINE_AA)
    return canvas.transpose(2, 0, 1).astype(np.float32) / 255


GROUNDS: tuple[Ground, ...] = (wood, gingham, ticking, slate, straw, grass)


def draw_ground(rng: np.random.Generator, size: int) -> Array:
    """Draw one of ``GROUNDS``, rotated by a random angle.

    Returns:
        (3, size, size) float32 RGB, about 0..1; the size is in pixels.
    """
    side = size + 8  # the zoom is at least sqrt(2), so that no rotation shows a corner
    texture = GROUNDS[int(rng.integers(len(GROUNDS)))](rng, side)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(0, 360)), float(rng.uniform(1.42, 1.7)))
    turn[:, 2] = turn[:, 2] - (side - size) / 2
    return np.stack(
        [cv2.warpAffine(plane, turn, (size, size)) for plane in texture * np.float32(rng.uniform(0.9, 1.06))]
    )


def draw_plate(rng: np.random.Generator, picture: Array) -> None:
    """Draw a round cream-white plate with a fine rim into ``picture`` (3, size, size), in place."""
    size = picture.shape[1]
    radius = size * rng.uniform(0.38, 0.48)
    cx, cy = size * rng.uniform(0.42, 0.58), size * rng.uniform(0.42, 0.58)
    y, x = np.ogrid[:size, :size]
    y, x = y.astype(np.float32), x.astype(np.float32)
    dx, dy = (x - cx) / radius, (y - cy) / radius
    d = np.sqrt(dx * dx + dy * dy)
    shadow = np.clip((1.13 - np.hypot(dx - 0.05, dy - 0.07)) * 6, 0, 1)
    picture *= 1 - 0.45 * shadow
    slope = (d > 0.72).astype(np.float32) - 1.6 * np.exp(-(((d - 0.70) / 0.035) ** 2))
    light = 0.93 + 0.05 * slope * (dx + dy) / np.maximum(d, 0.2) * 1.2
    plate = np.array([0.97, 0.95, 0.90], np.float32).reshape(3, 1, 1) * light
    rim = np.exp(-(((d - 0.93) / 0.022) ** 2)) * 0.8
    plate = mix(plate, (0.24, 0.40, 0.62), rim)
    alpha = np.clip((1 - d) * radius + 0.5, 0, 1)
    picture += (plate - picture) * alpha


def _weave(size: int) -> Array:
    """Return the fine threads of a cloth, (size, size) float32 around 1."""
    t = np.arange(size, dtype=np.float32)
    return 1 + 0.06 * np.sin(t * 2.1)[:, None] * np.sin(t * 2.1)[None, :]
