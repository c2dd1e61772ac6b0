"""Shared by palettes of all kinds: normalised pixels and decoded pictures."""

import numpy as np
import pytest
import torch

from tintbox.colorization.palette import Palette

from .conftest import random_palette

RNG = np.random.default_rng(0)
THREE = [[0.0, 0.0, 0.0], [0.5, 0.25, 1.0], [1.0, 1.0, 1.0]]


def test_decode_indices():
    palette = random_palette(24)
    pixels = np.rint(palette.colours * 255).astype(np.uint8)
    for dtype in (np.uint8, np.int32, np.int64):
        indices = RNG.integers(0, 24, (2, 5, 6)).astype(dtype)
        image = palette.decode(indices)
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, pixels[indices])
        tensor = palette.decode(torch.from_numpy(indices))
        assert tensor.dtype == torch.uint8
        np.testing.assert_array_equal(tensor.numpy(), image)
    assert palette.decode(np.zeros((0, 4), np.uint8)).shape == (0, 4, 3)


def test_decode_logits():
    palette = random_palette(24)
    logits = RNG.standard_normal((2, 24, 5, 6)).astype(np.float32)
    logits[0, [3, 7], 0, 0] = 99.0  # a tie
    expected = palette.decode(logits.argmax(1))
    np.testing.assert_array_equal(palette.decode(logits), expected)
    np.testing.assert_array_equal(palette.decode(torch.from_numpy(logits)).numpy(), expected)
    np.testing.assert_array_equal(expected[0, 0, 0], palette.decode(np.array([[3]]))[0, 0])
    assert palette.decode(logits[0]).shape == (5, 6, 3)


@pytest.mark.smoke
def test_decode_inverts_encode_on_the_colours():
    palette = Palette(RNG.choice(2**16, (24, 3), replace=False) % 256 / 255)
    image = palette.decode(np.arange(24))
    np.testing.assert_array_equal(palette.encode(image), np.arange(24))
    np.testing.assert_array_equal(palette.decode(palette.encode(image)), image)


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor])
def test_decode_errors(one_line_error, make):
    palette = Palette(THREE)
    one_line_error("^indices from 0 to 3; the palette has 0 to 2", palette.decode, make([[0, 3]]))
    one_line_error("^indices from -1 to 0", palette.decode, make([[0, -1]]))
    one_line_error(r"^scores are .* give \(\.\.\., 3, H, W\)", palette.decode, make(np.zeros((4, 5, 5))))
    one_line_error("^scores are", palette.decode, make(np.zeros((3, 3))))
    one_line_error("^x is", palette.decode, make([[True, False]]))


def test_decode_other_types(one_line_error):
    one_line_error("^x is of type list", Palette(THREE).decode, [[0, 1]])


@pytest.mark.parametrize("scale", [255.0, 256.0])
def test_to_pixels(scale):
    palette = Palette(THREE, scale)
    pixels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(palette.to_pixels(torch.from_numpy(pixels).float() / scale).numpy(), pixels)
    for dtype in (np.float16, np.float32, np.float64):
        np.testing.assert_array_equal(palette.to_pixels((pixels / scale).astype(dtype)), pixels)
    assert palette.to_pixels(np.array([-1.0, 2.0])).tolist() == [0, 255]
    assert palette.to_pixels(torch.tensor([-1.0, 2.0])).tolist() == [0, 255]


def test_to_pixels_errors(one_line_error):
    palette = Palette(THREE)
    for wrong in (np.zeros(3, np.uint8), torch.zeros(3, dtype=torch.uint8), 0.5):
        one_line_error("^values are", palette.to_pixels, wrong)
