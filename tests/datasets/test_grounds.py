"""Noise and blending, the basis of all textures."""

import numpy as np
import pytest

from tintbox.datasets import grounds


@pytest.mark.parametrize("cell", [(2.2, 2.2), (20, 20), (5, 40)])
def test_noise_is_smooth_and_about_a_half(cell):
    found = grounds.noise(np.random.default_rng(0), (200, 300), cell)
    assert found.shape == (200, 300) and found.dtype == np.float32
    assert abs(found.mean() - 0.5) < 0.1
    steps = [np.abs(np.diff(found, axis=axis)).mean() * cell[axis] for axis in (0, 1)]
    assert max(steps) < 1, "what changes by about one over a cell"


def test_noise_is_that_of_its_seed():
    one, two, other = (grounds.noise(np.random.default_rng(seed), (9, 9), (3, 3)) for seed in (1, 1, 2))
    assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_a_share_of_two_colours():
    share = np.array([[-1.0, 0.0, 0.25, 1.0, 2.0]], np.float32)
    mixed = grounds.mix((0.0, 0.2, 1.0), (1.0, 0.6, 0.0), share)
    clipped = share.clip(0, 1)
    assert mixed.shape == (3, 1, 5) and mixed.dtype == np.float32
    assert mixed == pytest.approx(np.stack((clipped, 0.2 + 0.4 * clipped, 1 - clipped)), abs=1e-6)
