"""Ids as ranks: what is matched and put into arrays goes by small numbers instead of the file's own.

An id of a file may be any whole number of 64 bits. The order of ranks is that of the ids, which decides about equal
scores.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tintbox.errors import TintboxError


def sorted_ids(ids: Iterable[int]) -> np.ndarray:
    """Return ids in rising order, each once, ``(N,)`` int64."""
    return np.unique(np.fromiter(ids, np.int64))


def ranks(known: np.ndarray, ids: Iterable[int], what: str) -> np.ndarray:
    """Return the place of each of ``ids`` in the sorted array ``known``, ``(N,)`` int64 from 0.

    Raises:
        TintboxError: One is not among the known.
    """
    wanted = ids if isinstance(ids, np.ndarray) else np.fromiter(ids, np.int64)
    places = np.searchsorted(known, wanted)
    lost = places == len(known)
    lost[~lost] = known[places[~lost]] != wanted[~lost]
    if lost.any():
        raise TintboxError(f"{what} {wanted[lost][0]} is not in the truth ({lost.sum()} such rows); correct or drop it")
    return places
