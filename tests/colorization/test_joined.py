"""The convolution over several inputs, compared to torch's own over their concatenation."""

import pytest
import torch
from torch import nn

from tintbox.colorization.joined import JoinedConv2d
from tintbox.colorization.networks import UNet


@pytest.mark.parametrize("shape", [{"padding": 1}, {"padding": "same"}, {"stride": 2, "padding": 1, "bias": False}])
@pytest.mark.parametrize("channels", [(5, 1), (2, 3, 1), (6,)])
def test_equals_torch_over_the_concatenation(channels, shape):
    torch.manual_seed(0)
    joined, plain = JoinedConv2d(6, 4, 3, **shape).double(), nn.Conv2d(6, 4, 3, **shape).double()
    plain.load_state_dict(joined.state_dict())
    parts = [torch.randn(2, c, 7, 8, dtype=torch.float64, requires_grad=True) for c in channels]
    results = []
    for forward in (lambda: joined(*parts), lambda: plain(torch.cat(parts, 1))):
        result = forward()
        result.square().sum().backward()
        results.append([result, *(part.grad for part in parts)])
        for part in parts:
            part.grad = None
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    for ours, theirs in zip(joined.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-12)


def test_a_checkpoint_with_torchs_own_layer_computes_the_same():
    net, x = UNet(3, 4, 5, 1).eval(), torch.rand(2, 1, 8, 8)
    expected = net(x)
    plain = nn.Conv2d(6, 5, 3, padding=1)
    plain.load_state_dict(net.layer5.state_dict())
    net.layer5 = plain
    torch.testing.assert_close(net(x), expected)
