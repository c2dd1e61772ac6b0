"""Means and spreads over seeds, against NumPy."""

import math

import numpy as np
import pytest

from tintbox.studies.cells import group_by_cell, mean, spread


def test_mean_and_spread():
    values = np.random.default_rng(0).random(7).tolist()
    assert mean(values) == pytest.approx(np.mean(values)) and spread(values) == pytest.approx(np.std(values, ddof=1))
    assert math.isnan(spread([1.0])) and math.isnan(spread([1.0, math.inf])) and spread([1.7e308, -1.7e308]) == math.inf
    assert mean([1.0, math.inf]) == math.inf and math.isnan(mean([math.inf, -math.inf]))


def test_runs_that_differ_by_the_seed_alone_are_a_cell(made):
    cells = group_by_cell(made)
    assert [(cell.settings["batch"], sorted(cell.results)) for cell in cells] == [
        (4, [0, 1]),
        (8, [0, 1, 2]),
        (64, [0]),
    ]
    assert cells[0].title == "batch=4" and cells[0].column("metrics/accuracy") == {0: 0.30, 1: 0.25}
    assert len({cell.fingerprint for cell in cells}) == 3
    assert cells[0].column("nothing") == {}
