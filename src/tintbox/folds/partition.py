"""Assignment of groups of images to parts, so that every part gets its share of images and of each class.

An image can show several classes and groups must not be split; no splitter in scikit-learn handles both, because
StratifiedGroupKFold allows one class per image. The idea is from Sechidis et al., On the Stratification of
Multi-Label Data (2011): the largest and rarest groups first, each to the part that most lacks what it contains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def divide(counts: np.ndarray, groups: Sequence[str], shares: Sequence[float], seed: int = 0) -> np.ndarray:
    """Return the part of each image, ``(P,)``; deterministic for the same arguments.

    Args:
        counts: ``(P, K)`` number of objects of each class in each image.
        groups: The group of each image.
        shares: Fraction of the images for each part; they sum to 1.
        seed: Breaks ties among equals.
    """
    names = {name: unit for unit, name in enumerate(dict.fromkeys(groups))}
    units = np.array([names[name] for name in groups])
    shown = counts > 0
    # As shares of all: objects of each class, images that show it, images that show no class, and images.
    columns = np.concatenate([counts, shown, ~shown.any(axis=1, keepdims=True), np.ones((len(counts), 1))], axis=1)
    held = np.zeros((len(names), columns.shape[1]))
    np.add.at(held, units, columns)
    sizes = held[:, -1].copy()
    held /= np.maximum(held.sum(axis=0), 1)
    weights = np.ones(columns.shape[1])
    weights[-1] = counts.shape[1]
    portions = np.asarray(shares, dtype=np.float64)
    most = np.ceil(len(counts) * portions - 1e-9)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-held[order].sum(axis=1), kind="stable")]
    full, filled = np.zeros((len(portions), columns.shape[1])), np.zeros(len(portions))
    part = np.zeros(len(names), dtype=np.int64)
    for unit in order:
        # Increase of the squared shares: smallest for the part with least of what this unit contains.
        growth = ((2 * full * held[unit] + held[unit] ** 2) * weights).sum(axis=1) / portions
        room = filled + sizes[unit] <= most
        chosen = int(np.where(room | ~room.any(), growth, math.inf).argmin())
        part[unit] = chosen
        full[chosen] += held[unit]
        filled[chosen] += sizes[unit]
    return part[units]


def find_whole(counts: np.ndarray, part: np.ndarray) -> list[int]:
    """Return the classes whose objects are all in one part, of images ``(P, K)`` in parts ``(P,)``."""
    inside = np.array([(counts[part == one] > 0).any(axis=0) for one in np.unique(part)])
    return np.flatnonzero(inside.sum(axis=0) == 1).tolist()
