"""The intervals: reweighting equals resampling, and their coverage is as stated."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t

import tintbox
from tintbox.plugins.coco_eval import bootstrap
from tintbox.plugins.coco_eval.bootstrap import is_sure
from tintbox.plugins.coco_eval.columns import Columns
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.matcher import Group, match
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, KEYS, METRICS, overall
from tintbox.plugins.coco_eval.reweighting import Weights, average_precision
from tintbox.plugins.coco_eval.settings import Settings


def resampled(truth, detections, counts):
    """The data with every image repeated as often as it was drawn, copies next to each other."""
    images, annotations, picks, ids = [], [], [], []
    for image, count in sorted(zip(truth.images, counts), key=lambda pair: pair[0]["id"]):
        for _ in range(int(count)):
            number = len(images) + 1
            images.append({**image, "id": number})
            own = [a for a in truth.annotations if a["image_id"] == image["id"]]
            annotations += [{**a, "image_id": number, "id": len(annotations) + 1 + i} for i, a in enumerate(own)]
            rows = np.flatnonzero(detections.image_id == image["id"])
            picks.append(rows)
            ids.append(np.full(len(rows), number))
    rows = np.concatenate(picks)
    masks = None if detections.segmentation is None else [detections.segmentation[i] for i in rows]
    found = Detections(
        np.concatenate(ids), detections.category_id[rows], detections.bbox[rows], detections.score[rows], masks
    )
    return Truth(images, annotations, truth.categories), found


@pytest.mark.parametrize("masks", [False, True])
def test_reweighting_is_resampling(synthetic, masks):
    """Equal to pycocotools on the resampled images, including crowds, empty images and missing classes."""
    truth, detections = synthetic.case(3, images=10 if masks else 20, ties=False, masks=masks)
    iou_type = "segm" if masks else "bbox"
    order = np.argsort([image["id"] for image in truth.images])
    weights = bootstrap.draw(len(truth.images), 4, seed=5)
    ours = overall(bootstrap.reweight(match(Columns.of(truth, detections, iou_type))[0], weights))
    for i in range(weights.shape[1]):
        counts = np.empty(len(truth.images))
        counts[order] = weights[:, i]
        theirs = synthetic.pycocotools(*resampled(truth, detections, counts), iou_type).stats
        np.testing.assert_allclose(np.where(np.isnan(ours[i]), -1, ours[i]), theirs, atol=1e-9)


def test_draw_is_seeded_and_keeps_the_number_of_images():
    np.testing.assert_array_equal(bootstrap.draw(17, 30, seed=2), bootstrap.draw(17, 30, seed=2))
    assert (bootstrap.draw(17, 30, seed=2) != bootstrap.draw(17, 30, seed=3)).any()
    assert (bootstrap.draw(17, 30).sum(0) == 17).all()


def test_same_seed_same_interval(synthetic):
    truth, detections = synthetic.case(4)
    first, again, other = (evaluate(truth, detections, settings=Settings(100, seed=s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.intervals, again.intervals)
    np.testing.assert_array_equal(first.class_intervals, again.class_intervals)
    assert (first.intervals[0] != other.intervals[0]).any()


def test_blocks_do_not_matter(synthetic, monkeypatch):
    truth, detections = synthetic.case(6)
    matched, weights = match(Columns.of(truth, detections))[0], bootstrap.draw(len(truth.images), 50)
    whole = bootstrap.reweight(matched, weights)
    for name, value in (("BLOCK", 7), ("ENTRIES", 300)):
        monkeypatch.setattr(bootstrap, name, value)
        np.testing.assert_allclose(bootstrap.reweight(matched, weights), whole, atol=1e-12)


def simulated(rng, images, truths=5.0, false=3.0):
    """A simulated detector on ``images`` images: one class, hits correlated within an image, random scores."""
    positives, luck = rng.poisson(truths, images), rng.beta(6, 2, images)
    image = np.repeat(np.arange(images), positives)
    image = image[rng.random(len(image)) < luck[image]]
    iou, score = rng.beta(8, 2.5, len(image)), rng.beta(4, 2, len(image))
    wrong = np.repeat(np.arange(images), rng.poisson(false, images))
    order = np.argsort(-np.concatenate([score, rng.beta(2, 5, len(wrong))]))
    matched = np.concatenate([iou, np.zeros(len(wrong))])[order] >= IOU_THRESHOLDS[:, None]
    where, truth_image = np.concatenate([image, wrong])[order], np.repeat(np.arange(images), positives)
    return Group(where, np.zeros(len(order), int), matched, np.zeros_like(matched), truth_image)


def test_coverage():
    """Over 200 samples of 100 images, 95% of the 95% intervals contain the true AP, to within three standard errors.

    The standard error of a proportion of 0.95 in 200 is 0.0154.
    """
    rng = np.random.default_rng(0)
    endless = 100_000
    known = average_precision(simulated(rng, endless), Weights(np.ones((endless, 1)))).mean()
    inside = []
    for seed in range(200):
        group = simulated(rng, 100)
        estimate = average_precision(group, Weights(np.ones((100, 1)))).mean(0)
        samples = average_precision(group, Weights(bootstrap.draw(100, 300, seed))).mean(0)
        low, high = bootstrap.interval(samples[:, None], estimate)[0]
        inside.append(low <= known <= high)
    assert 0.95 - 3 * 0.0154 <= np.mean(inside) <= 0.95 + 3 * 0.0154


def test_interval_skips_resamples_without_a_value():
    samples = np.array([[0.1, np.nan], [np.nan, np.nan], [0.3, np.nan]] * 2)
    bounds = bootstrap.interval(samples, np.array([0.2, np.nan]), level=0.5)
    np.testing.assert_allclose(bounds[0], [0.1, 0.3])
    assert np.isnan(bounds[1]).all()


def test_support_is_counted(synthetic):
    truth, detections = synthetic.case(7)
    matched, _ = match(Columns.of(truth, detections, "bbox"))
    groups = np.arange(len(truth.images)) // 3
    for units in (None, groups):
        found = bootstrap.count_support(matched, units)
        for place, metric in enumerate(METRICS):
            area = list(AREAS).index(metric.area)
            by_class = [sizes[area].truth_image.tolist() for sizes in matched]
            for k, images in enumerate([*by_class, [image for of_class in by_class for image in of_class]]):
                assert found[k, place] == len({image if units is None else units[image] for image in images})


def test_support_that_is_needed_is_that_of_a_sign_test():
    for level in (0.5, 0.9, 0.95, 0.99, 0.999):
        least = bootstrap.least_support(level)
        assert binomtest(least, least).pvalue <= 1 - level < binomtest(least - 1, least - 1).pvalue


@pytest.mark.parametrize(("images", "groups", "sure"), [(1, 1, False), (5, 5, False), (6, 6, True), (40, 1, False)])
def test_few_images_prove_nothing(images, groups, sure):
    boxes = [[10.0, 10.0, 50.0, 50.0]] * images
    rows = [{"id": i, "image_id": i, "category_id": 1, "bbox": box} for i, box in enumerate(boxes)]
    pictures = [{"id": i, "tintbox_group": str(i % groups)} for i in range(images)]
    truth = {"images": pictures, "annotations": rows, "categories": [{"id": 1, "name": "a"}]}
    near, far = (
        [
            {"image_id": i, "category_id": 1, "bbox": [10.0 + shift + 2 * (i % 2), 10, 50, 50], "score": 0.5}
            for i in range(images)
        ]
        for shift in (2, 6)
    )
    one, two = (tintbox.evaluate(truth, found) for found in (far, near))
    place = KEYS.index("AP")
    assert tintbox.compare(one, two)["AP"] > 0
    assert is_sure(tintbox.compare(one, two).intervals)[place] == sure
    assert np.isfinite(one.intervals[place]).all() == sure
    np.testing.assert_array_equal(tintbox.compare(one, one).intervals[place], 0)  # equal, however few


def recall(found, weights):
    """The recall of resamples, where ``found`` has the only object of each image, (1,) or not, (0,)."""
    return (weights.T @ found / len(found))[:, None]


@pytest.mark.parametrize(("images", "recalled"), [(20, 0.95), (50, 0.97), (100, 0.99), (50, 0.7)])
def test_of_equally_good_models_none_is_better(images, recalled):
    """In 300 comparisons by recall, at most 5% are sure, to within three standard errors (0.0126)."""
    rng, sure = np.random.default_rng(0), []
    for seed in range(300):
        one, two = rng.random((2, images)) < recalled
        weights = bootstrap.draw(images, 300, seed)
        differences = recall(two, weights) - recall(one, weights)
        sure += [is_sure(bootstrap.difference_interval(differences, np.array([two.mean() - one.mean()])))[0]]
    assert np.mean(sure) <= 0.05 + 3 * 0.0126


@pytest.mark.parametrize(("images", "level"), [(6, 0.95), (20, 0.95), (87, 0.9), (math.inf, 0.99)])
def test_intervals_of_few_images_are_those_of_students_t(images, level):
    """Of a mean of normal values: the mean with n - 1 in the variance and the quantile of t, to a hundredth of it."""
    count = min(images, 1000)
    values = np.random.default_rng(0).normal(5, 1, count)
    values = (values - values.mean()) / values.std() / math.sqrt(count)
    samples = np.random.default_rng(1).normal(0, values.std(), (400_000, 1))  # what resamples would have, if smooth
    _, high = bootstrap.interval(samples, np.zeros(1), level, images)[0]
    assert high == pytest.approx(t.ppf((1 + level) / 2, count - 1) * values.std(ddof=1), rel=0.01)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99, 0.999])
def test_tails_are_those_of_students_t(level):
    least = bootstrap.least_support(level)
    for units in (least, least + 1, 2 * least, 100, 10_000):
        exact = norm.cdf(-t.ppf((1 + level) / 2, units - 1) * math.sqrt(units / (units - 1)))
        assert norm.ppf(bootstrap._tail(level, units)) == pytest.approx(norm.ppf(exact), rel=0.007)
    assert bootstrap._tail(level, math.inf) == pytest.approx((1 - level) / 2)


def test_one_image_makes_no_difference():
    """One object more: a third of the resamples are without its image, whatever the seed."""
    found = np.arange(20) < 1
    for seed in range(20):
        samples = recall(found, bootstrap.draw(20, 1000, seed))
        low, high = bootstrap.difference_interval(samples, np.array([0.05]))[0]
        assert low <= 0 < 0.05 < high


def test_where_everything_is_found_there_is_no_interval_but_a_verdict():
    everything, nothing = (recall(np.full(20, found), bootstrap.draw(20, 100)) for found in (True, False))
    assert np.isnan(bootstrap.interval(everything, np.ones(1))).all()
    assert is_sure(bootstrap.difference_interval(everything - nothing, np.ones(1))).all()


@pytest.mark.parametrize(
    ("resamples", "level", "there"),
    [(1, 0.95, 0), (39, 0.95, 0), (40, 0.95, 1), (40, 0.99, 0), (20, 0.9, 1), (10, 0.8, 1), (9, 0.8, 0)],
)
def test_few_resamples_have_no_tails(resamples, level, there):
    found = np.arange(50) % 5 > 0
    samples, estimate = recall(found, bootstrap.draw(50, resamples)), np.array([found.mean()])
    for function in (bootstrap.interval, bootstrap.difference_interval):
        assert np.isfinite(function(samples, estimate, level)).all() == there


def test_a_class_of_few_images_has_no_interval_beside_one_that_has(synthetic):
    truth, detections = synthetic.case(7)
    found = evaluate(truth, detections, settings=Settings(200, explain=False))
    few = found.support[:-1] < bootstrap.least_support(0.95)
    there = ~np.isnan(found.classes)
    assert (few & there).any() and (~few & there).any()
    np.testing.assert_array_equal(np.isnan(found.class_intervals).any(-1), few | ~there)


def test_a_model_is_not_different_from_itself(synthetic):
    truth, detections = synthetic.case(7)
    one = evaluate(truth, detections, settings=Settings(200, explain=False))
    comparison = Comparison(one, one)
    there = ~np.isnan(comparison.values)
    np.testing.assert_array_equal(comparison.values[there], 0)
    np.testing.assert_array_equal(comparison.intervals[there], 0)
    assert not is_sure(comparison.intervals).any()


def test_pairs_are_surer_than_two_intervals(synthetic):
    truth, detections = synthetic.case(8, images=80)
    worse = np.random.default_rng(0).random(len(detections)) < 0.9
    fewer = Detections(*(getattr(detections, k)[worse] for k in ("image_id", "category_id", "bbox", "score")))
    settings = Settings(400, explain=False)
    first, second = evaluate(truth, fewer, settings=settings), evaluate(truth, detections, settings=settings)
    comparison = Comparison(first, second)
    width = np.diff(comparison.intervals[0])[0]
    assert comparison["AR100"] > 0
    assert width < 0.7 * np.hypot(np.diff(first.intervals[0])[0], np.diff(second.intervals[0])[0])


def test_what_swaps_explain_is_not_sure():
    samples = np.linspace(0.1, 0.3, 200)[:, None]
    low, high = bootstrap.difference_interval(samples, np.array([0.2]), p_value=np.array([0.06]))[0]
    assert low == 0 and high == bootstrap.difference_interval(samples, np.array([0.2]), p_value=np.array([0.05]))[0, 1]


def test_an_interval_without_zero_is_sure():
    bounds = np.array([[0.1, 0.2], [-0.2, -0.1], [-0.1, 0.1], [0, 0.1], [1e-12, 0.1], [np.nan, np.nan]])
    assert is_sure(bounds).tolist() == [True, True, False, False, False, False]
    assert is_sure(bounds[0]).tolist() is True
