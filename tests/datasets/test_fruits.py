"""Fruits as they are drawn into pictures."""

import numpy as np
import pytest

from tintbox.datasets.fruit_shapes import FRUITS
from tintbox.datasets.fruitbowl import NAMES
from tintbox.datasets.fruits import GLINT, LIGHT, REACH, draw_fruit


def test_colours_are_told_by_the_class():
    rng = np.random.default_rng(0)
    means = np.array(
        [
            [(s.colour * s.cover).sum((1, 2)) / s.cover.sum() for s in (draw_fruit(rng, n, 28) for _ in range(8))]
            for n in NAMES
        ]
    )
    spread = np.linalg.norm(means - means.mean(1, keepdims=True), axis=2).mean()
    centre = means.mean(1)
    apart = np.linalg.norm(centre[:, None] - centre[None], axis=2)[~np.eye(len(NAMES), dtype=bool)]
    assert np.median(apart) > 5 * spread
    red, green, blue = centre.T
    kiwi, grapes, apple = (NAMES.index(n) for n in ("kiwi", "grapes", "apple"))
    assert green[kiwi] > red[kiwi] and blue[grapes] > green[grapes] and red[apple] > 2 * green[apple]


@pytest.mark.parametrize("name", FRUITS)
def test_a_fruit_is_whole_within_its_square(name):
    for seed in range(4):
        rng, radius = np.random.default_rng(seed), 20.0
        sprite = draw_fruit(rng, name, radius)
        side = 2 * int(np.ceil(REACH * radius))
        assert sprite.colour.shape == (3, side, side) and sprite.cover.shape == (side, side)
        assert sprite.colour.dtype == sprite.cover.dtype == np.float32
        for values in sprite:
            assert values.min() >= 0 and values.max() <= 1
        edge = np.concatenate([sprite.cover[[0, -1]].ravel(), sprite.cover[:, [0, -1]].ravel()])
        assert edge.max() < 0.5, "nothing is cut off"
        assert 0.1 < (sprite.cover > 0.5).mean() < 0.9


def test_the_light_and_the_glint_are_directions():
    light, glint = np.array(LIGHT), np.array(GLINT)
    assert np.linalg.norm(light) == pytest.approx(1, abs=0.01) and np.linalg.norm(glint) == pytest.approx(1, abs=0.01)
    half = light + np.array([0, 0, 1])
    assert glint == pytest.approx(half / np.linalg.norm(half), abs=0.01)


def test_whichever_way_a_fruit_lies_it_is_lit_from_the_upper_left():
    brightness = np.zeros((2, 2))
    for seed in range(20):
        sprite = draw_fruit(np.random.default_rng(seed), "orange", 20.0)
        grey, half = sprite.colour.mean(0) * sprite.cover, len(sprite.cover) // 2
        brightness += grey.reshape(2, half, 2, half).mean((1, 3))
    assert brightness[0, 0] > brightness[0, 1] > brightness[1, 1] and brightness[0, 0] > brightness[1, 0]


def test_a_fruit_is_that_of_its_random_numbers():
    one, two, other = (draw_fruit(np.random.default_rng(seed), "pear", 12.5) for seed in (1, 1, 2))
    assert np.array_equal(one.colour, two.colour) and not np.array_equal(one.colour, other.colour)
