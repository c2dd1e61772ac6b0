"""The grey input that a colouriser gets from a picture in colour."""

import torch

from tintbox.colorization.grey import grey_input


def test_grey_is_the_mean_of_the_three_divided_by_the_scale():
    pictures = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    expected = pictures.double().mean(1, keepdim=True) / 256
    assert torch.allclose(grey_input(pictures, 1, 256.0).double(), expected, atol=1e-7)
    three = grey_input(pictures, 3, 256.0)
    assert three.shape == (2, 3, 4, 5)
    assert torch.equal(three[:, :1], three[:, 2:])
    joined = torch.cat(
        (torch.rand(2, 4, 4, 5).to(memory_format=torch.channels_last), grey_input(pictures, 1, 255.0)), 1
    )
    assert joined.is_contiguous(memory_format=torch.channels_last), "the input breaks channels_last"
