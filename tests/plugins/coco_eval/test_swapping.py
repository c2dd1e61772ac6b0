"""The randomisation test: swapped matches are swapped detections, and chance alone is rarely called a difference."""

import numpy as np
import pytest
from scipy.stats import binom

from tintbox.plugins.coco_eval import bootstrap, swapping
from tintbox.plugins.coco_eval.bootstrap import is_sure
from tintbox.plugins.coco_eval.columns import Columns
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.matcher import Group, match
from tintbox.plugins.coco_eval.metrics import IOU_THRESHOLDS, KEYS, METRICS
from tintbox.plugins.coco_eval.reweighting import Weights, average_precision
from tintbox.plugins.coco_eval.settings import Settings

ANY_SIZE = [place for place, metric in enumerate(METRICS) if metric.area == "all"]


def chosen(detections, rows, score=None):
    """Some of the detections, with their own scores or others."""
    parts = [getattr(detections, name)[rows] for name in ("image_id", "category_id", "bbox", "score")]
    return Detections(*parts[:3], parts[3] if score is None else score)


def joined(*several):
    return Detections(*(np.concatenate([getattr(each, name) for each in several])
                        for name in ("image_id", "category_id", "bbox", "score")))  # fmt: skip


def by_rank(detections):
    """The detections with scores that fall by one from each to the next of its class."""
    score = np.empty(len(detections))
    for category in np.unique(detections.category_id):
        rows = np.flatnonzero(detections.category_id == category)
        score[rows[np.argsort(-detections.score[rows], kind="stable")]] = -np.arange(len(rows))
    return chosen(detections, np.arange(len(detections)), score)


def test_swapping_matches_is_swapping_detections(synthetic):
    truth, detections = synthetic.case(3, images=20, ties=False, crowded=False, many=False)
    rng = np.random.default_rng(0)
    models = [by_rank(chosen(detections, np.flatnonzero(rng.random(len(detections)) < 0.8))) for _ in range(2)]
    models[1].score[:] -= 0.5  # after the first's detection of the same rank
    first, second = (match(Columns.of(truth, each))[0] for each in models)
    swapped = swapping.draw(len(truth.images), 5, seed=1)
    found = swapping.differences(first, second, swapped)
    ids = np.sort([image["id"] for image in truth.images])
    for i in range(5):
        theirs = []
        for one, two in (models, models[::-1]):
            kept, got = np.isin(one.image_id, ids[~swapped[:, i]]), np.isin(two.image_id, ids[swapped[:, i]])
            mixed = joined(chosen(one, kept), chosen(two, got))
            theirs.append(evaluate(truth, mixed, settings=Settings(0, explain=False)).classes)
        expected = (theirs[1] - theirs[0])[:, ANY_SIZE]
        np.testing.assert_allclose(found[i][:, ANY_SIZE], expected, atol=1e-9)


def test_no_swap_is_the_difference_and_all_swaps_its_negative(synthetic):
    truth, detections = synthetic.case(5, images=30)
    half = chosen(detections, np.arange(0, len(detections), 2))
    one, two = (evaluate(truth, found, settings=Settings(0)) for found in (half, detections))
    swapped = np.array([[False, True]] * one.images)
    none, every = swapping.differences(one.matched, two.matched, swapped)
    np.testing.assert_allclose(none, two.classes - one.classes, atol=1e-9)
    np.testing.assert_allclose(every, one.classes - two.classes, atol=1e-9)


def test_groups_are_swapped_together():
    groups = np.array([0, 0, 1, 2, 2, 2])
    swapped = swapping.draw(6, 50, 3, groups)
    assert (swapped[0] == swapped[1]).all() and (swapped[3:] == swapped[3]).all()
    assert 0.3 < swapped[[0, 2, 3]].mean() < 0.7
    np.testing.assert_array_equal(swapped, swapping.draw(6, 50, 3, groups))


def test_p_values_are_those_of_counting():
    """Recall of one object in each image, of which the second model finds k more: a sign test's binomial tail."""
    images, more = 12, 9

    def model(found):
        image = np.flatnonzero(found)
        matched = np.ones((len(IOU_THRESHOLDS), len(image)), bool)
        return [[Group(image, np.zeros(len(image), int), matched, ~matched, np.arange(images))]]

    first, second = (model(np.arange(images) < count) for count in (0, more))
    differing = np.full((2, len(METRICS)), more / images)
    found = swapping.p_values(first, second, differing, swapping.draw(images, 20_000))
    recall = [place for place in ANY_SIZE if not METRICS[place].precision]
    two_sided = 2 * binom.cdf(0, more, 0.5)  # |difference| >= more / images: all swapped or none
    np.testing.assert_allclose(found[:, recall], two_sided, atol=4 * (two_sided / 20_000) ** 0.5)
    assert (swapping.p_values(first, first, np.zeros((2, 12)), swapping.draw(images, 30)) == 1).all()


def pair(rng, images, found, truths):
    """Two detectors of one class that find each object with a probability, with luck that is half the object's own."""
    positives = 1 + rng.poisson(truths - 1, images)
    truth_image = np.repeat(np.arange(images), positives)
    luck = rng.random(len(truth_image))
    models = []
    for likely in found:
        own = np.where(rng.random(len(luck)) < 0.5, luck, rng.random(len(luck)))
        hit = own < likely
        image, iou = truth_image[hit], rng.beta(14, 2, hit.sum())
        wrong = rng.integers(images, size=rng.poisson(0.3 * images))
        score = np.concatenate([rng.beta(5, 2, len(image)), rng.beta(2, 5, len(wrong))])
        order = np.argsort(-score)
        matched = np.concatenate([iou, np.zeros(len(wrong))])[order] >= IOU_THRESHOLDS[:, None]
        where = np.concatenate([image, wrong])[order]
        models.append(Group(where, np.zeros(len(order), int), matched, np.zeros_like(matched), truth_image))
    return models


@pytest.mark.parametrize(("images", "found", "truths"), [(20, 0.985, 5.0), (50, 0.985, 1.2), (10, 0.75, 5.0)])
def test_of_equally_good_detectors_none_is_better(images, found, truths):
    """In 150 comparisons by AP, at most 5% are sure, to within three standard errors (0.0178)."""
    rng, sure = np.random.default_rng(1), []
    for seed in range(150):
        one, two = pair(rng, images, (found, found), truths)
        whole = Weights(np.ones((images, 1), np.int32))
        difference = (average_precision(two, whole) - average_precision(one, whole)).mean(0)
        drawn = Weights(bootstrap.draw(images, 200, seed))
        samples = (average_precision(two, drawn) - average_precision(one, drawn)).mean(0)
        differing = np.full((2, len(METRICS)), difference[0])
        swaps = swapping.draw(images, 100, seed)
        p_value = swapping.p_values([[one]], [[two]], differing, swaps)[0, :1]
        bounds = bootstrap.difference_interval(samples[:, None], difference, 0.95, images, p_value)
        sure.append(is_sure(bounds)[0])
    assert np.mean(sure) <= 0.05 + 3 * 0.0178


def test_a_better_detector_is_still_better(synthetic):
    truth, detections = synthetic.case(8, images=40)
    fewer = chosen(detections, np.flatnonzero(np.random.default_rng(0).random(len(detections)) < 0.7))
    one, two = (evaluate(truth, found, settings=Settings(200, explain=False)) for found in (fewer, detections))
    comparison, place = Comparison(one, two), KEYS.index("AR100")
    assert comparison["AR100"] > 0 and is_sure(comparison.intervals)[place]
    assert is_sure(comparison.class_intervals)[:-1, place].any() and not is_sure(comparison.class_intervals)[-1].any()
