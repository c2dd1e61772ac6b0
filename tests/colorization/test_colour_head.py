"""The colour head, compared to its parts applied one by one."""

import pytest
import torch
import torch.nn.functional as F

from tintbox.colorization.colour_head import ColourHead

pytestmark = pytest.mark.usefixtures("one_thread")


def made(strides, colours=7):
    torch.manual_seed(0)
    channels = [3 + i for i in range(len(strides))]
    head = ColourHead(channels, strides, colours, width=8).eval()
    return head, [torch.rand(2, c, 64 // s, 96 // s) for c, s in zip(channels, strides)]


@pytest.mark.parametrize("strides", [(8, 16, 32), (4, 8, 16, 32), (16, 32), (32,), (4,), (16,)])
def test_scores_at_a_quarter_of_the_input(strides):
    head, levels = made(strides)
    assert head(levels).shape == (2, 7, 16, 24)


def test_levels_are_enlarged_added_and_doubled_up():
    head, (fine, coarse) = made((8, 32))
    with torch.no_grad():
        total = head.lateral[0](fine)
        far = head.lateral[1][0](coarse)
        total = total + far.repeat_interleave(4, 2).repeat_interleave(4, 3)
        mixed = head.mix(total)
        doubled = F.interpolate(mixed, scale_factor=2, mode="bilinear", align_corners=False)
        expected = F.conv2d(head.up[1](doubled), head.scores.weight, head.scores.bias)
        torch.testing.assert_close(head([fine, coarse]), expected, rtol=0, atol=1e-6)


def test_the_loss_reaches_every_level():
    head, levels = made((8, 16, 32))
    for level in levels:
        level.requires_grad_()
    head(levels).sum().backward()
    assert all(level.grad.abs().sum() > 0 for level in levels)


def test_a_stride_per_level():
    with pytest.raises(ValueError, match="zip"):
        ColourHead([8, 8], [8], 3)
