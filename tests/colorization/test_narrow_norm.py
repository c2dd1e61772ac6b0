"""The training of a narrow BatchNorm, compared to torch's own in float64."""

import pytest
import torch
from torch import nn

from tintbox.colorization import narrow_norm
from tintbox.colorization.narrow_norm import normalise, pixels_per_row


def inputs(channels, height=40, width=33, dtype=torch.bfloat16):
    """Return images (B, C, H, W) with means and variances that differ by channel, and an outer gradient like them."""
    torch.manual_seed(0)
    size = (32, channels, height, width)
    spread, middle = (torch.linspace(*ends, channels)[:, None, None] for ends in ((0.5, 3), (-2, 5)))
    x = torch.randn(size) * spread + middle
    return [t.to(dtype, memory_format=torch.channels_last) for t in (x, torch.randn(size))]


def norms(channels):
    """Return two equal BatchNorms, the second in float64, with weights and running statistics other than 1 and 0."""
    ours = nn.BatchNorm2d(channels)
    for tensor in (ours.weight, ours.bias, ours.running_mean, ours.running_var):
        nn.init.uniform_(tensor, 0.5, 2)
    theirs = nn.BatchNorm2d(channels).double()
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.fixture
def always(monkeypatch):
    """Rows of several pixels for small images, too."""
    monkeypatch.setattr(narrow_norm, "FEW", 0)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("channels", [1, 8, 16, 24, 33, 40])
def test_equals_torch(always, one_thread, channels, threads):
    torch.set_num_threads(threads)
    x, outer = inputs(channels)
    assert pixels_per_row(channels, x)
    (ours, theirs), results = norms(channels), []
    for norm, images in ((ours, x), (theirs, x.double())):
        images = images.clone(memory_format=torch.preserve_format).requires_grad_()
        out = normalise(norm, images)
        out.backward(outer.to(out.dtype))
        results.append((out, images.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var))
    assert results[0][0].is_contiguous(memory_format=torch.channels_last)
    assert results[0][0].dtype == results[0][1].dtype == torch.bfloat16
    assert ours.num_batches_tracked == theirs.num_batches_tracked == 1
    for i, (mine, reference) in enumerate(zip(*results)):
        largest = reference.detach().abs().max().item()
        rounding = {"rtol": 2**-7, "atol": 2**-8 * largest} if i < 2 else {"rtol": 1e-4, "atol": 1e-4 * largest}
        torch.testing.assert_close(mine.double(), reference, **rounding)  # images in bfloat16, the rest in float32


@pytest.mark.parametrize("momentum", [0.1, 0.03])
def test_running_statistics_follow_the_momentum(always, momentum):
    (ours, theirs), (x, _) = norms(24), inputs(24)
    ours.momentum = theirs.momentum = momentum
    for _ in range(3):
        normalise(ours, x)
        theirs(x.double())
    for mine, reference in zip(ours.buffers(), theirs.buffers()):
        torch.testing.assert_close(mine.double(), reference.double(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "case", ["eval", "float32", "no momentum", "not affine", "no statistics", "contiguous", "wide", "odd", "few"]
)
def test_elsewhere_torch_computes(monkeypatch, case):
    """Bit for bit the module's own result."""
    monkeypatch.setattr(narrow_norm, "FEW", 1 << 30 if case == "few" else 0)
    channels = 64 if case == "wide" else 24
    kwargs = {"no momentum": {"momentum": None}, "not affine": {"affine": False},
              "no statistics": {"track_running_stats": False}}.get(case, {})  # fmt: skip
    x, _ = inputs(channels, *((3, 3) if case == "odd" else ()))
    x = {"float32": x.float(), "contiguous": x.contiguous(), "odd": x[:31]}.get(case, x)
    ours, theirs = (nn.BatchNorm2d(channels, **kwargs).train(case != "eval") for _ in range(2))
    assert torch.equal(normalise(ours, x), theirs(x))
    for mine, reference in zip(ours.buffers(), theirs.buffers()):
        assert torch.equal(mine, reference)


@pytest.mark.parametrize(
    ("channels", "pixels"), [(8, 16), (16, 8), (24, 4), (31, 16), (32, 0), (40, 2), (64, 0), (313, 0)]
)
def test_rows_end_with_cache_lines(channels, pixels):
    x = torch.empty(64, channels, 32, 32, dtype=torch.bfloat16, memory_format=torch.channels_last)
    assert pixels_per_row(channels, x) == pixels
    assert pixels * channels % 16 == 0
