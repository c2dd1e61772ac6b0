"""The fruits' shapes and textures; each determines its colour.

A fruit is a height field with a colour at every point. Its coordinates are ``u`` (right) and ``v`` (down, with the stem
at the top), in units of about half its size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from tintbox.datasets.grounds import Array, mix, noise


class Surface(NamedTuple):
    """A fruit before it is lit.

    Attributes:
        height: (s, s) height in the fruit's units; 0 outside.
        colour: (3, s, s) RGB, 0..1.
        cover: (s, s) in 0..1, 1 where the fruit is.
        gloss: Strength of the highlight, 0..1.
    """

    height: Array
    colour: Array
    cover: Array
    gloss: float


Fruit = Callable[[np.random.Generator, Array, Array, float], Surface]


def orange(rng: np.random.Generator, u: Array, v: Array, radius: float) -> Surface:
    """A dimpled ball with a green navel."""
    d = np.hypot(u, v * rng.uniform(1.0, 1.06))
    pores = noise(rng, u.shape, (2.2, 2.2))
    height = _dome(d) + 0.03 * pores
    colour = mix((0.93, 0.45, 0.05), (1.0, 0.62, 0.13), 0.5 * pores + 0.5 * noise(rng, u.shape, (20, 20)))
    nu, nv = rng.uniform(-0.45, 0.45, 2).tolist()
    angle, distance = np.arctan2(v - nv, u - nu), np.hypot(u - nu, v - nv)
    star = _edge(0.10 + 0.04 * np.cos(5 * angle) - distance, radius)
    height = height - 0.12 * np.exp(-((distance / 0.18) ** 2))
    return Surface(height, mix(colour, (0.30, 0.36, 0.12), star), _edge(1 - d, radius), 0.35)


def apple(rng: np.random.Generator, u: Array, v: Array, radius: float) -> Surface:
    """A round fruit with a hollow at the stem, streaks radiating from it, and a leaf."""
    angle = np.arctan2(u, -v)
    d = np.hypot(u, v) / (1 - 0.15 * np.exp(-((angle / 0.42) ** 2)) - 0.06 * np.cos(angle * 2 + np.pi) - 0.03)
    rise = v + 0.66
    hollow = np.hypot(u, rise * 1.5)
    height = _dome(d) - 0.34 * np.exp(-((hollow / 0.26) ** 2))
    turn = np.arctan2(u, rise)
    ray = np.interp(turn, np.linspace(-np.pi, np.pi, 72), rng.random(72)).astype(np.float32)
    ray = 0.75 * ray + 0.25 * noise(rng, u.shape, (6, 6))
    colour = mix((0.70, 0.06, 0.09), (0.90, 0.42, 0.20), (ray - 0.42) * 1.7 * np.clip(1.15 - 0.75 * hollow, 0.1, 1))
    colour = mix(colour, (0.72, 0.62, 0.24), np.exp(-((hollow / 0.24) ** 2)) * 0.9)
    side = float(rng.choice([-1.0, 1.0]))
    stem = _stroke(u, v, (0.0, -0.66), (0.10 * side, -1.14), 0.055)
    leaf = _leaf(u - 0.05 * side, v + 0.92, side * rng.uniform(0.7, 1.2), 0.5)
    height = np.where(stem > 0, 0.9, height)
    colour = mix(colour, (0.34, 0.22, 0.10), _edge(stem, radius))
    colour = mix(colour, (0.26, 0.50, 0.14), _edge(leaf, radius))
    height = np.where(leaf > 0, 0.75 + leaf, height)
    cover = np.maximum.reduce([_edge(1 - d, radius), _edge(stem, radius), _edge(leaf, radius)])
    return Surface(height, colour, cover, 0.75)


def banana(rng: np.random.Generator, u: Array, v: Array, radius: float) -> Surface:
    """A bent fruit with long edges, brown ends and freckles."""
    bend = rng.uniform(0.95, 1.25)
    angle = np.arctan2(u, v + bend - 0.2)
    s = angle * bend / 1.15  # -1..1 from end to end
    across = (np.hypot(u, v + bend - 0.2) - bend) / (
        0.34 * np.clip(1.06 - 0.42 * s * s - 0.26 * np.square(s * s * s * s), 0.12, 1)
    )
    d = np.sqrt(across * across + 22 * np.square(np.clip(np.abs(s) - 0.80, 0, None)))
    height = 0.36 * _dome(d)
    height = height - 0.035 * (np.exp(-(((across - 0.42) / 0.09) ** 2)) + np.exp(-(((across + 0.30) / 0.09) ** 2)))
    colour = mix((0.98, 0.83, 0.20), (0.91, 0.70, 0.13), across * across * 0.8)
    ripe = rng.uniform(0.70, 0.95)
    freckles = np.clip((noise(rng, u.shape, (4, 4)) - ripe) * 9, 0, 1)
    colour = mix(colour, (0.45, 0.28, 0.10), freckles * 0.8)
    colour = mix(colour, (0.66, 0.68, 0.22), np.clip((np.abs(s) - 0.72) * 5, 0, 1) * 0.7)
    colour = mix(colour, (0.25, 0.17, 0.08), np.clip((np.abs(s) - 0.90) * 14, 0, 1))
    return Surface(height, colour, _edge((1 - d) * 0.34, radius), 0.30)


def grapes(rng: np.random.Generator, u: Array, v: Array, radius: float) -> Surface:
    """A purple cluster that narrows downwards, on a brown stalk."""
    height, grape = np.zeros_like(u), np.zeros_like(u)
    stem = _stroke(u, v, (0.0, -0.75), (0.12, -1.22), 0.06)
    berries = [
        (0.42 * (k - (n - 1) / 2), -0.68 + 0.36 * row) for row, n in enumerate((3, 4, 3, 2, 1)) for k in range(n)
    ]
    for x, y in (rng.permutation(berries) + rng.normal(0, 0.035, (len(berries), 2))).tolist():
        r = 0.30 * rng.uniform(0.9, 1.12)
        squared = (u - x) ** 2 + (v - y) ** 2
        top = np.sqrt(np.clip(r * r - squared, 0, None)) + (squared < r * r) * np.float32(rng.uniform(0.25, 0.55))
        front = top > height
        height = np.where(front, top, height)
        grape = np.where(front, np.float32(rng.random()), grape)
    cover = _edge(cv2.GaussianBlur((height > 0).astype(np.float32), (3, 3), 0) - 0.5, 2.0)
    bloom = noise(rng, u.shape, (7, 7)) * 0.3
    colour = mix(mix((0.26, 0.07, 0.32), (0.46, 0.16, 0.44), grape), (0.62, 0.52, 0.74), bloom)
    on_stem = _edge(stem, radius) * (height == 0)
    colour = mix(colour, (0.42, 0.34, 0.14), on_stem)
    return Surface(np.where(on_stem > 0, 0.3, height), colour, np.maximum(cover, on_stem), 0.7)


def strawberry(rng: np.random.Generator, u: Array, v: Array, radius: float) -> Surface:
    """A red cone with seeds in rows and a green calyx."""
    width = np.clip(0.90 - 0.36 * v, 0.3, None)
    across = u / width
    d = np.sqrt(across**2 + (v / np.where(v > 0, 1.05, 0.86)) ** 2)
    dome = _dome(d)
    row = v / 0.27
    column = np.arcsin(np.clip(across, -1, 1)) / 0.36 + 0.5 * (np.floor(row) % 2)
    seed = np.hypot((column % 1 - 0.5) * 0.85, (row % 1 - 0.5) * 0.72)
    height = 0.85 * dome - 0.10 * np.exp(-((seed / 0.26) ** 2))
    colour = mix((0.86, 0.07, 0.10), (0.66, 0.03, 0.07), 0.6 * noise(rng, u.shape, (9, 9)) + 0.5 * (d > 0.9))
    colour = mix(colour, (0.96, 0.80, 0.36), np.clip((0.17 - seed) * 14, 0, 1) * (d < 0.97))
    points = int(rng.integers(6, 9))
    angle, distance = np.arctan2(u, v + 0.78), np.hypot(u, (v + 0.78) * 1.35)
    leaf = 0.40 + 0.20 * np.cos(points * angle + rng.uniform(0, 6)) - distance
    on_leaf = _edge(leaf, radius)
    colour = mix(colour, mix((0.22, 0.46, 0.12), (0.42, 0.66, 0.22), noise(rng, u.shape, (4, 4))), on_leaf)
    stem = _stroke(u, v, (0.0, -0.8), (rng.uniform(-0.15, 0.15), -1.22), 0.05)
    colour = mix(colour, (0.40, 0.58, 0.22), _edge(stem, radius))
    height = np.where(leaf > 0, 0.62 + 0.35 * leaf, height)
    return Surface(height, colour, np.maximum.reduce([_edge(1 - d, radius), on_leaf, _edge(stem, radius)]), 0.55)


def pear(rng: np.random.Generator, u: Array, v: Array, radius: float) -> Surface:
    """A yellow-green fruit with a neck and fine brown specks."""
    lean = rng.uniform(-0.12, 0.12)
    belly, neck = np.hypot(u, v - 0.38) - 0.72, np.hypot(u - lean, v + 0.52) - 0.36
    h = np.clip(0.5 + 0.5 * (neck - belly) / 0.75, 0, 1)  # smooth minimum of the two distances
    distance = neck + (belly - neck) * h - 0.75 * h * (1 - h)
    d = np.clip(1 + distance / (0.36 + 0.36 * h), 0, None)
    height = _dome(d) * (0.42 + 0.34 * h)
    speck = np.clip((noise(rng, u.shape, (2.6, 2.6)) - 0.78) * 6, 0, 1)
    colour = mix((0.70, 0.74, 0.20), (0.85, 0.80, 0.32), noise(rng, u.shape, (24, 24)))
    colour = mix(colour, (0.80, 0.46, 0.20), np.clip(u * float(rng.choice([-1, 1])) - 0.1, 0, 0.5))
    colour = mix(colour, (0.42, 0.34, 0.12), speck * 0.75)
    stem = _stroke(u, v, (lean, -0.82), (lean * 2.5, -1.25), 0.05)
    colour = mix(colour, (0.34, 0.24, 0.12), _edge(stem, radius))
    height = np.where(stem > 0, np.maximum(height, 0.12), height)
    return Surface(height, colour, np.maximum(_edge(-distance, radius), _edge(stem, radius)), 0.45)


def kiwi(rng: np.random.Generator, u: Array, v: Array, radius: float) -> Surface:
    """A cut kiwi: pale core, black seeds around it, green rays, brown skin."""
    d, angle = np.hypot(u, v * rng.uniform(1.02, 1.16)), np.arctan2(v, u)
    rays = 0.5 + 0.5 * np.cos(angle * 26 + 3 * noise(rng, u.shape, (9, 9)))
    colour = mix((0.40, 0.62, 0.13), (0.62, 0.80, 0.28), rays * np.clip(1.25 - d, 0, 1))
    colour = mix(colour, (0.94, 0.94, 0.74), np.clip((0.30 + 0.05 * rays - d) * 9, 0, 1))
    count = int(rng.integers(15, 20))
    step = angle * count / (2 * np.pi)
    offset = np.asarray(rng.uniform(-0.07, 0.07, count), np.float32)[np.floor(step).astype(int) % count]
    seed = np.hypot((step % 1 - 0.5) * 2 * np.pi / count * d, (d - 0.44 - offset) * 0.55)
    colour = mix(colour, (0.06, 0.05, 0.05), np.clip((0.052 - seed) * 40, 0, 1))
    hair = noise(rng, u.shape, (2.5, 2.5))
    colour = mix(colour, mix((0.34, 0.23, 0.11), (0.55, 0.41, 0.23), hair), np.clip((d - 0.91) * 22, 0, 1))
    height = 0.30 * _dome(np.clip((d - 0.80) * 5, 0, 1)) + 0.02 * rays
    return Surface(height, colour, _edge(1 - d, radius), 0.30)


def watermelon(rng: np.random.Generator, u: Array, v: Array, radius: float) -> Surface:
    """A half slice: red flesh with black seeds, a white layer, a striped green rind."""
    y = v + 0.52
    d, angle = np.hypot(u, y) / 1.12, np.arctan2(u, y)
    colour = mix((0.94, 0.22, 0.25), (0.80, 0.12, 0.18), noise(rng, u.shape, (5, 5)))
    for ring, n in ((0.62, 6), (0.38, 3)):
        turns = (np.arange(n) - (n - 1) / 2) * 2.3 / n + rng.normal(0, 0.06, n)
        for turn in turns.tolist():
            r = 1.12 * ring + rng.normal(0, 0.03)
            s, c = math.sin(turn), math.cos(turn)
            along, side = u * s + y * c - r, u * c - y * s
            seed = np.hypot(along / 0.105, side / (0.055 + 0.25 * np.clip(along, -0.1, 0.1)))
            colour = mix(colour, (0.07, 0.05, 0.05), np.clip((1 - seed) * 4, 0, 1))
    colour = mix(colour, (0.93, 0.94, 0.78), np.clip((d - 0.80) * 14, 0, 1))
    stripes = np.clip(np.cos(angle * 22 + 2 * noise(rng, u.shape, (6, 6))) * 2 + 0.5, 0, 1)
    rind = mix((0.36, 0.62, 0.24), (0.08, 0.30, 0.12), stripes)
    colour = mix(colour, rind, np.clip((d - 0.885) * 26, 0, 1))
    height = 0.16 * _dome(np.clip((d - 0.84) * 6, 0, 1)) + 0.02 * noise(rng, u.shape, (4, 4))
    return Surface(height, colour, np.minimum(_edge(1 - d, radius), _edge(y, radius)), 0.25)


# In order of class id: the drawing function, half the size in pixels of the 128-pixel image, relative frequency. Each
# fruit is about 0.65 times as common as the previous one; first and last differ by 20; see fruitbowl.py for the last.
FRUITS: dict[str, tuple[Fruit, float, float]] = {
    "orange": (orange, 15.0, 1.0),
    "apple": (apple, 15.0, 0.652),
    "grapes": (grapes, 19.0, 0.425),
    "banana": (banana, 25.0, 0.277),
    "strawberry": (strawberry, 11.5, 0.181),
    "pear": (pear, 19.0, 0.118),
    "kiwi": (kiwi, 13.0, 0.077),
    "watermelon": (watermelon, 22.0, 0.05),
}


def _dome(d: Array) -> Array:
    """Return the height of a unit hemisphere at the distance ``d`` from its axis; 0 beyond 1."""
    return np.sqrt(np.clip(1 - d * d, 0, None))


def _edge(inside: Array, radius: float) -> Array:
    """Return a soft 0..1 edge, one pixel wide, from a signed distance in the fruit's units (positive inside)."""
    return np.clip(inside * radius + 0.5, 0, 1)


def _stroke(u: Array, v: Array, start: tuple[float, float], end: tuple[float, float], half_width: float) -> Array:
    """Return the signed distance (positive inside) to a straight stroke with rounded ends."""
    pu, pv, du, dv = u - start[0], v - start[1], end[0] - start[0], end[1] - start[1]
    share = np.clip((pu * du + pv * dv) / (du * du + dv * dv), 0, 1)
    return half_width - np.hypot(pu - share * du, pv - share * dv)


def _leaf(u: Array, v: Array, turn: float, length: float) -> Array:
    """Return the approximate signed distance (positive inside) to a leaf from the origin, pointing to ``turn`` rad."""
    along, side = u * math.sin(turn) - v * math.cos(turn), u * math.cos(turn) + v * math.sin(turn)
    share = np.clip(along / length, 0, 1)
    return np.where((along > 0) & (along < length), 0.30 * length * np.sin(np.pi * share) - np.abs(side), -0.1)
