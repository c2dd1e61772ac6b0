"""The difference of two settings over seeds, compared to Welch's formula."""

import math

import numpy as np
import pytest
from scipy.stats import t

from tintbox.reports.seeds import SURE, Setting, difference

FIRST, SECOND = Setting("a", [], [0.31, 0.35, 0.30, 0.33]), Setting("b", [], [0.20, 0.28, 0.25])


def test_mean_and_spread():
    assert FIRST.mean == pytest.approx(np.mean(FIRST.values)) and FIRST.spread == pytest.approx(
        np.std(FIRST.values, ddof=1)
    )
    assert math.isnan(Setting("c", [], [1.0]).spread)


def test_the_interval_is_welchs():
    one, two = (np.var(cell.values, ddof=1) / len(cell.values) for cell in (FIRST, SECOND))
    freedom = (one + two) ** 2 / (one**2 / 3 + two**2 / 2)
    half = t.ppf((1 + SURE) / 2, freedom) * math.sqrt(one + two)
    found = difference(FIRST, SECOND)
    gap = FIRST.mean - SECOND.mean
    assert (found.value, found.low, found.high) == pytest.approx((gap, gap - half, gap + half))


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0]])
def test_no_interval_without_a_spread(values):
    assert difference(Setting("a", [], values), Setting("b", [], values)) is None
