"""The interval of a difference over seeds, compared to its formula and to simulations."""

import math

import numpy as np
import pytest
from scipy.stats import t

from tintbox.plugins.coco_eval import bootstrap, seeds

IMAGES = 40
WEIGHTS = bootstrap.draw(IMAGES, 500).T / IMAGES


def test_the_interval_is_satterthwaites():
    generator = np.random.default_rng(0)
    samples, differences = generator.normal(0.1, 0.02, (3, 1000)), np.array([0.08, 0.13, 0.1])
    one, two = samples.mean(0).var(), differences.var(ddof=1) / 3
    freedom = (one + two) ** 2 / (one**2 / (IMAGES - 1) + two**2 / 2)
    half = t.ppf(0.95, freedom) * math.sqrt(one + two)
    found = seeds.difference_interval(samples, differences, 0.9, IMAGES)
    assert found == pytest.approx((differences.mean() - half, differences.mean() + half))


def test_where_seeds_say_nothing_it_is_the_bootstraps():
    samples = np.random.default_rng(0).normal(0.1, 0.02, (1, 1000))
    expected = bootstrap.difference_interval(samples[0], np.array(0.1))
    assert (seeds.difference_interval(samples, np.array([0.1])) == expected).all(), "a single one"
    assert np.isnan(seeds.difference_interval(samples.repeat(3, 0), np.array([0.1, 0.2, 0.1]), support=5)).all()
    equal = seeds.difference_interval(np.zeros((3, 1000)), np.zeros(3), support=5)
    assert (equal == 0).all(), "equal, from however few images"


@pytest.mark.parametrize("spread", [0, 4])
def test_equal_settings_are_told_apart_as_rarely_as_the_level_says(spread):
    """The differences of the images have a standard error of 1, those of the seeds a deviation of ``spread``."""
    generator = np.random.default_rng(1)
    apart, repeats = 0, 300
    for _ in range(repeats):
        images = generator.normal(0, math.sqrt(IMAGES), IMAGES)
        own = generator.normal(0, spread, (3, 1))
        bounds = seeds.difference_interval(WEIGHTS @ images + own, images.mean() + own[:, 0], support=IMAGES)
        apart += bool(bootstrap.is_sure(bounds))
    assert apart / repeats < 0.1
