"""Numbers and their intervals, as tables and files read them."""

import numpy as np
import pytest

from tintbox.plugins.coco_eval.estimates import Estimates
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.settings import Settings


def estimates(classes, samples, level=0.9):
    classes, samples = np.array(classes, float), np.array(samples, float)
    names = [str(k) for k in range(len(classes))]
    return Estimates("bbox", names, [1] * len(names), 1234, None, classes, samples, None, Settings(level=level), "x")


def test_values_are_means_over_the_classes_that_have_one():
    found = estimates([[0.2] * 12, [0.4] * 12, [np.nan] * 12], np.zeros((0, 3, 12)))
    assert found.values == pytest.approx([0.3] * 12)
    for place, key in enumerate(KEYS):
        assert found[key] == found.values[place] and type(found[key]) is float
    with pytest.raises(KeyError, match="no metric 'mAP'"):
        found["mAP"]
    assert repr(found) == "<boxes of 1,234 images: AP=0.300, AP50=0.300, AP75=0.300, AR100=0.300>"


def test_without_resamples_there_are_no_intervals():
    found = estimates([[0.2] * 12], np.zeros((0, 1, 12)))
    assert found.intervals.shape == (12, 2) and np.isnan(found.intervals).all()
    assert found.class_intervals.shape == (1, 12, 2) and np.isnan(found.class_intervals).all()


def test_intervals_hold_the_value_and_stay_within_0_and_1():
    rng = np.random.default_rng(0)
    samples = np.clip(rng.normal(0.97, 0.05, (200, 2, 12)), 0, None)
    found = estimates([[0.97] * 12, [0.99] * 12], samples)
    for low, high in (found.intervals.T, np.moveaxis(found.class_intervals, -1, 0)):
        assert (low >= 0).all() and (high <= 1).all() and (low < high).all()
    assert (found.intervals[:, 0] <= found.values).all() and (found.values <= found.intervals[:, 1]).all()
    wide, narrow = (estimates(found.classes, samples, level).intervals for level in (0.99, 0.5))
    assert (np.diff(wide) > np.diff(narrow)).all()
