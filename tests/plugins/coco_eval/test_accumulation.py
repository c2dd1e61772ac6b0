"""Precision and recall from matches, compared with the definition applied step by step."""

import numpy as np
import pytest

from tintbox.plugins.coco_eval.accumulation import accumulate
from tintbox.plugins.coco_eval.matcher import Group
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS, RECALL_THRESHOLDS

LEVELS = len(IOU_THRESHOLDS)


def group(matched, ignored=None, rank=None, truths=1):
    """A group of one image whose detections are equal at every threshold."""
    matched = np.repeat(np.array([matched], bool), LEVELS, axis=0)
    ignored = np.zeros_like(matched) if ignored is None else np.repeat(np.array([ignored], bool), LEVELS, axis=0)
    n = matched.shape[1]
    rank = np.arange(n) if rank is None else np.array(rank)
    return Group(np.zeros(n, int), rank, matched, ignored, np.zeros(truths, int))


def curves_of(*groups):
    """Curves of one class, with these groups as its size ranges."""
    return accumulate([list(groups)])


def plain(group, limit):
    """The definition, one detection after the other, highest score first."""
    precision, recall = np.zeros((LEVELS, len(RECALL_THRESHOLDS))), np.zeros(LEVELS)
    for t in range(LEVELS):
        found = counted = 0
        points = []
        for i in range(len(group.image)):
            if group.rank[i] >= limit or group.ignored[t, i]:
                continue
            counted += 1
            found += bool(group.matched[t, i])
            points.append((found / len(group.truth_image), found / counted))
        recall[t] = found / len(group.truth_image)
        for r, threshold in enumerate(RECALL_THRESHOLDS):
            precision[t, r] = max((p for reached, p in points if reached >= threshold), default=0.0)
    return precision, recall


def test_by_hand():
    """Right, wrong, right, of three objects: precision 1 up to recall 1/3, 2/3 up to recall 2/3, then nothing."""
    found = curves_of(group([1, 0, 1], truths=3))
    assert found.precision.shape == (LEVELS, 101, 1, len(AREAS), len(MAX_DETECTIONS))
    expected = np.where(RECALL_THRESHOLDS <= 1 / 3, 1, np.where(RECALL_THRESHOLDS <= 2 / 3, 2 / 3, 0))
    assert found.precision[0, :, 0, 0, -1] == pytest.approx(expected)
    assert found.recall[:, 0, 0, -1] == pytest.approx(2 / 3)
    assert found.recall[:, 0, 0, 0] == pytest.approx(1 / 3), "of one detection an image"


@pytest.mark.parametrize("seed", range(8))
def test_as_the_plain_version(seed):
    rng = np.random.default_rng(seed)
    n = [0, 1, 2, 9, 40, 40, 40, 40][seed]
    made = Group(
        np.zeros(n, int), rng.integers(0, 120, n), rng.random((LEVELS, n)) < 0.5, rng.random((LEVELS, n)) < 0.2,
        np.zeros(50, int),
    )  # fmt: skip
    found = curves_of(made)
    for m, limit in enumerate(MAX_DETECTIONS):
        precision, recall = plain(made, limit)
        assert found.precision[..., 0, 0, m] == pytest.approx(precision, abs=1e-12)
        assert found.recall[..., 0, 0, m] == pytest.approx(recall, abs=1e-12)


def test_without_objects_there_is_no_curve_and_without_detections_it_is_zero():
    found = curves_of(group([1, 0], truths=0), group([], truths=2))
    assert (found.precision[:, :, 0, 0] == -1).all() and (found.recall[:, 0, 0] == -1).all()
    assert (found.precision[:, :, 0, 1] == 0).all() and (found.recall[:, 0, 1] == 0).all()


def test_what_is_ignored_counts_neither_for_nor_against():
    with_, without = curves_of(group([1, 0, 1, 1], ignored=[0, 1, 0, 1], truths=4)), curves_of(group([1, 1], truths=4))
    assert np.array_equal(with_.precision, without.precision)
    assert with_.recall[0, 0, 0, -1] == without.recall[0, 0, 0, -1] == 0.5


def test_all_found_reach_every_recall_up_to_rounding():
    for count in (1, 3, 7, 10, 49, 100):
        found = curves_of(group([1] * count, rank=[0] * count, truths=count))
        assert (found.precision[:, :, 0, 0] == 1).all() and (found.recall[:, 0, 0] == 1).all(), count
