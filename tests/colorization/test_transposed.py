"""The transposed convolution in mixed precision, compared to torch's own layer."""

import pytest
import torch
from torch import nn

from tintbox.colorization.transposed import ConvTranspose2d


@pytest.mark.parametrize(("kernel", "bias"), [(2, True), (3, True), (4, True), (3, False)])
@pytest.mark.parametrize("mixed", [True, False])
def test_equals_torch(kernel, bias, mixed):
    torch.manual_seed(0)
    shape = {"stride": 2, "padding": (kernel - 1) // 2, "output_padding": kernel % 2, "bias": bias}
    ours, theirs = (kind(5, 7, kernel, **shape) for kind in (ConvTranspose2d, nn.ConvTranspose2d))
    theirs.load_state_dict(ours.state_dict())
    picture = torch.randn(3, 5, 6, 4)
    outer = torch.randn(3, 7, 12, 8)
    results = []
    for layer in (ours, theirs):
        x = picture.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            y = layer(x)
        y.backward(outer.to(y.dtype))
        results.append((y, x.grad, *(p.grad for p in layer.parameters())))
    for mine, expected in zip(*results, strict=True):
        assert mine.dtype == expected.dtype
        if mixed:
            tolerance = 0.02 * float(expected.detach().abs().max())
            assert torch.allclose(mine.float(), expected.float(), rtol=0.02, atol=tolerance)
        else:
            assert torch.equal(mine, expected)


def test_it_is_the_layer_that_checkpoints_know():
    layer = ConvTranspose2d(2, 3, 3)
    nn.ConvTranspose2d(2, 3, 3).load_state_dict(layer.state_dict())
    assert isinstance(layer, nn.ConvTranspose2d)
