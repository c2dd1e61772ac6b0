"""The loss of a colouriser, against PyTorch's."""

import math

import pytest
import torch
import torch.nn.functional as F

from tintbox.colorization.loss import PixelCrossEntropy, cross_entropy


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_loss_equals_torch(layout):
    logits = torch.randn(3, 7, 5, 4, dtype=torch.float32).to(memory_format=layout).requires_grad_()
    labels = torch.randint(0, 7, (3, 5, 4))
    ours = cross_entropy(logits, {"label": labels})
    theirs = F.cross_entropy(logits.double(), labels)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)
    ours_grad, theirs_grad = (torch.autograd.grad(x, logits, retain_graph=True)[0] for x in (ours, theirs))
    assert torch.allclose(ours_grad, theirs_grad, atol=1e-7)


def test_loss_of_equal_scores_is_log_k():
    loss, items = PixelCrossEntropy()(torch.zeros(2, 24, 4, 4), {"label": torch.zeros(2, 4, 4, dtype=torch.long)})
    assert loss.item() == pytest.approx(math.log(24), abs=1e-6)
    assert items["loss"] == loss
    assert not items["loss"].requires_grad


def test_loss_in_half_precision_is_computed_in_float32():
    logits = 100 * torch.randn(2, 5, 4, 4)
    labels = torch.randint(0, 5, (2, 4, 4))
    assert cross_entropy(logits.bfloat16(), {"label": labels}) == cross_entropy(
        logits.bfloat16().float(), {"label": labels}
    )


def test_soft_and_weighted_loss_equal_torch():
    torch.manual_seed(0)
    logits = torch.randn(2, 7, 5, 4, dtype=torch.float32)
    near = torch.stack([torch.randperm(7)[:3] for _ in range(40)]).reshape(2, 5, 4, 3)
    share = torch.rand(2, 5, 4, 3).softmax(-1)
    weights = torch.rand(7)
    soft = torch.zeros(2, 5, 4, 7).scatter_(3, near, share).permute(0, 3, 1, 2)
    each = F.cross_entropy(logits.double(), soft.double(), reduction="none")  # (B, H, W), probabilities as targets
    batch = {"label": near[..., 0], "near": near, "share": share}
    assert cross_entropy(logits, batch).item() == pytest.approx(each.mean().item(), abs=1e-6)
    weighted = (each * weights[near[..., 0]]).mean().item()
    assert cross_entropy(logits, {**batch, "weights": weights}).item() == pytest.approx(weighted, abs=1e-6)
    hard = F.cross_entropy(logits, near[..., 0], reduction="none")
    both = cross_entropy(logits, {"label": near[..., 0], "weights": weights}).item()
    assert both == pytest.approx((hard * weights[near[..., 0]]).mean().item(), abs=1e-6)
