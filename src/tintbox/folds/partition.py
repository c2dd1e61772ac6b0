"""Groups of pictures dealt out to parts, so that every part has its share of pictures and of each class.

A picture shows several classes, and groups are not to be torn, which no splitter of scikit-learn does both: its
StratifiedGroupKFold knows one class a picture. The idea is that of Sechidis et al., On the Stratification of
Multi-Label Data (2011): the largest and rarest first, each to the part that lacks most of what it has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def divide(counts: np.ndarray, groups: Sequence[str], shares: Sequence[float], seed: int = 0) -> np.ndarray:
    """Return the part of each picture, ``(P,)``; the same for the same arguments.

    Args:
        counts: ``(P, K)`` number of objects of each class in each picture.
        groups: The group of each picture.
        shares: Of the pictures that each part is to have; their sum is 1.
        seed: What the choice among equals depends on.
    """
    names = {name: unit for unit, name in enumerate(dict.fromkeys(groups))}
    units = np.array([names[name] for name in groups])
    shown = counts > 0
    # Objects of each class, pictures that show it, pictures that show none, and pictures, as shares of all.
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
        # By how much the squared shares grow: least where there is least of what this unit has.
        growth = ((2 * full * held[unit] + held[unit] ** 2) * weights).sum(axis=1) / portions
        room = filled + sizes[unit] <= most
        chosen = int(np.where(room | ~room.any(), growth, math.inf).argmin())
        part[unit] = chosen
        full[chosen] += held[unit]
        filled[chosen] += sizes[unit]
    return part[units]
