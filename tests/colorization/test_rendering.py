"""Rendering of scores and labels as pictures in colour."""

import numpy as np
import torch

from tintbox.colorization.lab import lightness, rgb_to_ab
from tintbox.colorization.rendering import render, show


def test_a_picture_keeps_its_lightness(ab313):
    picture = torch.tensor(np.random.default_rng(0).integers(60, 200, (1, 8, 8, 3), dtype=np.uint8))
    painted = render(ab313, torch.full((1, 2, 8, 8), 12.0), picture)
    assert (lightness(painted) - lightness(picture)).abs().max() < 0.5  # rounding to 8 bits
    assert (rgb_to_ab(painted) - 12).abs().max() < 1.5


def test_truth_in_the_palette_is_near_the_picture(ab313, every_colour):
    picture = torch.tensor(every_colour(85).reshape(1, 8, 8, 3))
    shown = show(ab313, ab313.encode(picture), picture)
    distance = (rgb_to_ab(shown) - rgb_to_ab(picture)).norm(dim=0)
    assert distance.median() < 7.1  # half the diagonal of a bin
    assert (shown.float() - picture.float()).abs().mean() < 12
