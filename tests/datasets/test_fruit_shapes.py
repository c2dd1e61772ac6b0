"""The fruits' shapes: height fields, each with its own colours."""

from itertools import pairwise

import numpy as np
import pytest

from tintbox.datasets import fruit_shapes
from tintbox.datasets.fruit_shapes import FRUITS

RADIUS = 24.0
AXIS = (np.arange(-34, 34, dtype=np.float32) + 0.5) / RADIUS
U, V = np.broadcast_arrays(AXIS[None, :], AXIS[:, None])


@pytest.mark.parametrize("name", FRUITS)
def test_a_surface_is_what_it_says(name):
    surface = FRUITS[name][0](np.random.default_rng(0), U, V, RADIUS)
    assert surface.height.shape == surface.cover.shape == U.shape and surface.colour.shape == (3, *U.shape)
    assert surface.cover.min() >= 0 and surface.cover.max() == 1
    assert surface.colour.min() >= 0 and surface.colour.max() <= 1 and 0 < surface.gloss <= 1
    assert np.isfinite(surface.height).all()
    far = surface.cover == 0
    assert np.abs(surface.height[far]).max() < 0.2, "a fruit ends where its cover does"
    assert surface.height[~far].max() > 0.15


@pytest.mark.parametrize("name", FRUITS)
def test_the_grey_of_a_fruit_has_a_texture(name):
    """The texture is what determines the colour."""
    surface = FRUITS[name][0](np.random.default_rng(1), U, V, RADIUS)
    inside = surface.cover == 1
    assert surface.colour.mean(0)[inside].std() > 0.01


def test_shares_fall_from_each_to_the_next_twenty_times_in_all():
    shares = [share for _, _, share in FRUITS.values()]
    assert shares[0] / shares[-1] == pytest.approx(20)
    assert [b / a for a, b in pairwise(shares)] == pytest.approx([0.65] * 7, abs=0.01)


def test_a_dome_is_half_a_ball():
    d = np.array([0.0, 0.6, 1.0, 1.5])
    assert fruit_shapes._dome(d) == pytest.approx([1, 0.8, 0, 0])


def test_an_edge_is_one_pixel_wide():
    inside = np.array([-1.0, -0.5, 0.0, 0.25, 0.5, 3.0]) / RADIUS
    assert fruit_shapes._edge(inside, RADIUS) == pytest.approx([0, 0, 0.5, 0.75, 1, 1])


def test_a_stroke_has_round_ends():
    points = np.array([[0.5, 0.0], [0.5, 0.1], [-0.3, 0.4], [1.2, 0.0]])  # on it, at its side, beyond its ends
    distance = fruit_shapes._stroke(points[:, 0], points[:, 1], (0.0, 0.0), (1.0, 0.0), 0.1)
    assert distance == pytest.approx([0.1, 0.0, 0.1 - 0.5, 0.1 - 0.2])
