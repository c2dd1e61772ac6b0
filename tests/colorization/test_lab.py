"""CIELAB against scikit-image."""

import numpy as np
import pytest
import torch

from tintbox.colorization.lab import lab_to_rgb, lightness, rgb_to_ab

color = pytest.importorskip("skimage.color")


def rgb_to_lab(pictures):
    """L, a and b (..., 3) of pixels (..., 3)."""
    return torch.stack((lightness(pictures), *rgb_to_ab(pictures)), -1)


def test_lab_equals_scikit_image(every_colour):
    pixels = every_colour(5)
    expected = color.rgb2lab(pixels[None])[0]
    assert np.abs(rgb_to_lab(torch.tensor(pixels)).numpy() - expected).max() < 1e-4
    floats = torch.tensor(pixels / 255)
    assert np.abs(rgb_to_lab(floats).numpy() - expected).max() < 1e-4
    assert (lab_to_rgb(torch.tensor(expected)) - floats).abs().max() < 1e-4
    assert ((255 * lab_to_rgb(rgb_to_lab(torch.tensor(pixels)))).round() == torch.tensor(pixels)).all()


def test_parts_of_lab(every_colour):
    pixels = torch.tensor(every_colour(5)).reshape(-1, 4, 3)
    light, a, b = torch.tensor(color.rgb2lab(pixels.numpy())).unbind(-1)
    assert (lightness(pixels) - light).abs().max() < 1e-4
    assert (rgb_to_ab(pixels) - torch.stack((a, b))).abs().max() < 1e-4
    assert lightness(pixels[:0]).shape == (0, 4)
    assert lab_to_rgb(rgb_to_lab(pixels[:0])).shape == (0, 4, 3)


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
def test_colours_outside_the_gamut_are_clipped_as_by_scikit_image():
    rng = np.random.default_rng(0)
    lab = rng.uniform((0, -110, -110), (100, 110, 110), (20000, 3))
    assert np.abs(lab_to_rgb(torch.tensor(lab)).numpy() - color.lab2rgb(lab[None])[0]).max() < 1e-4
