"""Which differences are beyond chance."""

import numpy as np

from tintbox.plugins.coco_eval.differences import is_sure


def test_an_interval_without_zero_is_sure():
    bounds = np.array([[0.1, 0.2], [-0.2, -0.1], [-0.1, 0.1], [0, 0.1], [1e-12, 0.1], [np.nan, np.nan]])
    assert is_sure(bounds).tolist() == [True, True, False, False, False, False]
    assert is_sure(bounds[0]).tolist() is True
