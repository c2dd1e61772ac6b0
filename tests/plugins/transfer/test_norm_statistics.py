"""BatchNorm statistics of coloured images."""

import torch

from tintbox.plugins.transfer.norm_statistics import recompute


def test_recomputed_statistics_are_the_plain_mean():
    torch.manual_seed(0)
    norm = torch.nn.BatchNorm2d(3, momentum=0.03).eval()
    batches = [torch.randn(4, 3, 5, 5) * 2 + 1 for _ in range(6)]
    assert recompute(norm, batches) == 24
    means = torch.stack([b.mean((0, 2, 3)) for b in batches]).mean(0)
    variances = torch.stack([b.transpose(0, 1).flatten(1).var(1) for b in batches]).mean(0)
    assert torch.allclose(norm.running_mean, means, atol=1e-5)
    assert torch.allclose(norm.running_var, variances, atol=1e-4)
    assert (norm.momentum, norm.training) == (0.03, False)
