"""Ranks of ids, compared with Python's own sorting."""

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.ranks import ranks, sorted_ids


def test_ranks_are_places_in_the_sorted_ids():
    ids = [2**62, -5, 7, 0, 2**53 + 1, 2**53]
    known = sorted_ids([*ids, 7])
    assert known.tolist() == sorted(ids)
    assert ranks(known, ids, "image").tolist() == [sorted(ids).index(i) for i in ids]


def test_no_ids():
    assert ranks(sorted_ids([]), [], "image").dtype == np.int64


@pytest.mark.parametrize("lost", [-1, 4, 9])
def test_an_unknown_id_is_named(lost):
    with pytest.raises(TintboxError, match=rf"image {lost} is not in the truth \(2 such rows\)"):
        ranks(sorted_ids([0, 3, 8]), [3, lost, lost], "image")
