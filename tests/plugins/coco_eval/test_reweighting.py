"""Vectorized draws with table look-up: the numbers equal those of the plain computation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tintbox.plugins.coco_eval import bootstrap, reweighting
from tintbox.plugins.coco_eval.matcher import Group
from tintbox.plugins.coco_eval.metrics import IOU_THRESHOLDS, RECALL_THRESHOLDS
from tintbox.plugins.coco_eval.reweighting import Weights, average_precision, average_recall

LEVELS = len(IOU_THRESHOLDS)


def plain_precision(group, weights):
    """The definition, one draw and one threshold after the other."""
    result = np.full((LEVELS, weights.shape[1]), np.nan)
    for r, weight in enumerate(weights.T):
        truths = weight[group.truth_image].sum()
        for level in range(LEVELS) if truths else ():
            counts = ~group.ignored[level]
            own = weight[group.image[counts]].astype(float)
            found = np.cumsum(own * group.matched[level][counts])
            precision = found / np.maximum(np.cumsum(own), 1)
            envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)
            result[level, r] = envelope[np.searchsorted(found / truths, RECALL_THRESHOLDS)].mean()
    return result


def plain_recall(group, weights, limit):
    found = (group.matched & ~group.ignored & (group.rank < limit)) @ weights[group.image]
    truths = weights[group.truth_image].sum(0)
    return np.where(truths > 0, found.mean(0) / np.maximum(truths, 1), np.nan)


def random_group(rng, images, detections, truths, lost):
    """Runs of hits and misses, with detections ignored at some thresholds and hits that change between thresholds."""
    matched = np.repeat(rng.random(detections) < rng.random(), LEVELS).reshape(detections, LEVELS).T
    matched = matched ^ (rng.random(matched.shape) < 0.1)
    ignored = rng.random(matched.shape) < lost
    image, ranks = rng.integers(0, images, detections), rng.integers(0, 100, detections)
    own = image[(matched & ~ignored).any(0)]  # found objects exist
    return Group(image, ranks, matched, ignored, np.concatenate([own, rng.integers(0, images, truths)]))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    images=st.integers(1, 40),
    detections=st.sampled_from([0, 1, 2, 7, 31, 32, 33, 200]),
    truths=st.sampled_from([0, 1, 20, 100, 300]),
    lost=st.sampled_from([0, 0.02, 0.5, 1]),
)
def test_equal_to_the_plain_computation(seed, images, detections, truths, lost):
    group = random_group(np.random.default_rng(seed), images, detections, truths, lost)
    table = bootstrap.draw(images, 9, seed)
    weights = Weights(table)
    np.testing.assert_allclose(average_precision(group, weights), plain_precision(group, table), atol=1e-12)
    limits = (1, 10, 100)
    expected = [plain_recall(group, table, limit) for limit in limits]
    np.testing.assert_allclose(average_recall(group, weights, limits), expected, atol=1e-12)


def test_recalls_at_a_threshold():
    """Every number of found objects out of 100, once each: recalls that equal thresholds up to rounding."""
    image = np.arange(100)
    matched = np.ones((LEVELS, 100), bool)
    group = Group(image, np.zeros(100, int), matched, ~matched, image)
    table = np.tri(100, dtype=int).T + 0 * image[:, None]
    np.testing.assert_allclose(average_precision(group, Weights(table)), plain_precision(group, table), atol=1e-12)
    recall = np.array([[a / b for a in range(b + 1)] + [0.0] * (101 - b - 1) for b in range(1, 101)])
    expected = np.searchsorted(RECALL_THRESHOLDS, recall, side="right")
    np.testing.assert_array_equal(reweighting.thresholds_passed(recall), expected)


def test_average_precision_by_hand():
    """Two images. Image 0: hit at .9, false positive at .8. Image 1: hit at .7, one object missed."""
    matched = np.repeat([[True, False, True]], LEVELS, axis=0)
    group = Group(np.array([0, 0, 1]), np.zeros(3, int), matched, np.zeros_like(matched), np.array([0, 1, 1]))
    weights = Weights(np.array([[1, 2, 0, 0], [1, 0, 2, 0]]))
    ap = average_precision(group, weights)
    # Once each: precision 1 up to recall 1/3 (34 thresholds), 2/3 up to recall 2/3 (33 more). Image 0 twice: precision
    # 1 up to recall 1. Image 1 twice: precision 1 up to recall 1/2 (51 thresholds). No image: no truth.
    expected = np.array([(34 + 33 * 2 / 3) / 101, 1.0, 51 / 101, np.nan])
    np.testing.assert_allclose(ap, np.broadcast_to(expected, ap.shape), atol=1e-12)
    np.testing.assert_allclose(average_recall(group, weights, [100]), [[2 / 3, 1, 1 / 2, np.nan]])


@pytest.mark.parametrize("tile", [1, 3])
def test_tiles_do_not_matter(monkeypatch, tile):
    rng = np.random.default_rng(1)
    group = random_group(rng, 30, 150, 40, 0.1)
    weights = Weights(bootstrap.draw(30, 20))
    whole = average_precision(group, weights)
    monkeypatch.setattr(reweighting, "TILE", tile)
    np.testing.assert_allclose(average_precision(group, weights), whole, atol=1e-12)
