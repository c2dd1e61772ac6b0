"""Pictures dealt out to folds: whole groups, and every fold its share of pictures and classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from tintbox.folds.partition import divide


def fifths(counts, groups, seed=0):
    return divide(counts, groups, [0.2] * 5, seed)


def uneven(counts, part, folds=5):
    """The largest distance of a fold's share of a class from its due, as a share of the class."""
    shares = np.array([counts[part == fold].sum(axis=0) for fold in range(folds)]) / counts.sum(axis=0)
    return np.abs(shares - 1 / folds).max()


@pytest.fixture(scope="module")
def pictures():
    """200 pictures with 0 to 9 objects of four classes, the last of them rare."""
    rng = np.random.default_rng(0)
    counts = rng.poisson([3, 1, 0.5, 0.08], size=(200, 4))
    return counts, [str(i) for i in range(200)]


def test_every_fold_has_its_share(pictures):
    counts, names = pictures
    part = fifths(counts, names)
    assert np.bincount(part).tolist() == [40] * 5
    assert uneven(counts, part) <= 0.05
    # scikit-learn's knows one class a picture; give it the rarest.
    label = np.where(counts > 0, counts.sum(axis=0), 10**6).argmin(axis=1)
    theirs = np.empty(200, dtype=int)
    for fold, (_, own) in enumerate(StratifiedKFold(5, shuffle=True, random_state=0).split(counts, label)):
        theirs[own] = fold
    assert uneven(counts, part) < uneven(counts, theirs)


def test_groups_are_not_torn(pictures):
    counts, _ = pictures
    groups = [f"clip{i // 7}" for i in range(200)]
    part = fifths(counts, groups)
    assert all(len({p for p, g in zip(part, groups) if g == name}) == 1 for name in groups)
    theirs = np.empty(200, dtype=int)
    rows = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(counts, counts[:, 3] > 0, groups)
    for fold, (_, own) in enumerate(rows):
        theirs[own] = fold
    assert uneven(counts, part) <= uneven(counts, theirs)
    assert np.bincount(part).max() <= 40 + 7


def test_the_seed_decides_and_nothing_else(pictures):
    counts, names = pictures
    assert (fifths(counts, names) == fifths(counts, names)).all()
    assert (fifths(counts, names) != fifths(counts, names, seed=1)).any()


def test_unequal_shares(pictures):
    counts, names = pictures
    part = divide(counts, names, [0.8, 0.2])
    assert np.bincount(part).tolist() == [160, 40]
    assert np.abs(counts[part == 1].sum(axis=0) / counts.sum(axis=0) - 0.2).max() <= 0.05


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_no_fold_is_empty(data):
    size = data.draw(st.integers(2, 25))
    counts = np.array(
        data.draw(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=size, max_size=size))
    )
    names = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=size, max_size=size))
    folds = data.draw(st.integers(1, len(set(names))))
    part = divide(counts, names, [1 / folds] * folds)
    assert set(part.tolist()) == set(range(folds))
    assert len(set(zip(part.tolist(), names))) == len(set(names))
