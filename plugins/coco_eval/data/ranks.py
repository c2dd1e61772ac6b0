"""Ranks of ids: small numbers for matching and array indices, instead of a file's own ids.

An id in a file may be any 64-bit integer. Ranks keep the order of the ids, which breaks ties between equal scores.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tintbox.errors import TintboxError


def sorted_ids(ids: Iterable[int]) -> np.ndarray:
    """Return the unique ids in ascending order, ``(N,)`` int64."""
    return np.unique(np.fromiter(ids, np.int64))


def ranks(known: np.ndarray, ids: Iterable[int], what: str) -> np.ndarray:
    """Return the index of each of ``ids`` in the sorted array ``known``, ``(N,)`` int64.

    Raises:
        TintboxError: An id is unknown.
    """
    wanted = ids if isinstance(ids, np.ndarray) else np.fromiter(ids, np.int64)
    places = np.searchsorted(known, wanted)
    lost = places == len(known)
    lost[~lost] = known[places[~lost]] != wanted[~lost]
    if lost.any():
        raise TintboxError(f"{what} {wanted[lost][0]} is not in the truth ({lost.sum()} such rows); correct or drop it")
    return places
