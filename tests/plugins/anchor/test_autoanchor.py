"""Anchors fitted to a dataset's boxes."""

import numpy as np

from tintbox.plugins.anchor import autoanchor


def test_recall_by_hand():
    sizes = np.array([[10.0, 10.0], [39.0, 10.0], [41.0, 10.0], [10.0, 2.6], [10.0, 2.4]])
    assert autoanchor.recall((((10.0, 10.0),),), sizes, 4.0) == 3 / 5


def test_k_means_finds_the_centres():
    rng = np.random.default_rng(0)
    centres = np.array([[8.0, 9.0], [20.0, 30.0], [60.0, 40.0], [200.0, 150.0]])
    sizes = np.concatenate([centre * np.exp(rng.normal(0, 0.02, (50, 2))) for centre in centres])
    made = autoanchor.k_means(sizes, [16, 8], 2)  # the second level has the small stride
    np.testing.assert_allclose(made[1], centres[:2], rtol=0.02)
    np.testing.assert_allclose(made[0], centres[2:], rtol=0.02)
    assert autoanchor.k_means(sizes[:3], [16, 8], 2) is None
