"""Loss and metrics against closed formulas and torch."""

import math

import pytest
import torch
import torch.nn.functional as F

from tintbox.colorization.loss import PixelCrossEntropy, pixel_cross_entropy
from tintbox.colorization.metrics import ColorizeMetrics, psnr


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_loss_equals_torch(layout):
    logits = torch.randn(3, 7, 5, 4, dtype=torch.float32).to(memory_format=layout).requires_grad_()
    labels = torch.randint(0, 7, (3, 5, 4))
    ours = pixel_cross_entropy(logits, labels)
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
    assert pixel_cross_entropy(logits.bfloat16(), labels) == pixel_cross_entropy(logits.bfloat16().float(), labels)


def test_psnr_closed_form():
    a = torch.zeros(3, 2, 2, 3, dtype=torch.uint8)
    b = torch.stack([a[0], a[0] + 1, a[0] + 255])
    expected = [100.0, 10 * math.log10(255**2), 0.0]
    assert psnr(a, b).tolist() == pytest.approx(expected, abs=1e-4)


def test_metrics_do_not_depend_on_the_batches():
    torch.manual_seed(0)
    logits, labels, values = torch.randn(10, 6, 3, 3), torch.randint(0, 6, (10, 3, 3)), torch.rand(10) * 30
    whole, parts = ColorizeMetrics(), ColorizeMetrics()
    whole.update(logits, labels, float(pixel_cross_entropy(logits, labels)), values)
    for i in (slice(0, 7), slice(7, 10)):
        parts.update(logits[i], labels[i], float(pixel_cross_entropy(logits[i], labels[i])), values[i])
    for m in (whole, parts):
        assert m.accuracy == pytest.approx((logits.argmax(1) == labels).double().mean().item(), abs=1e-12)
        assert m.loss == pytest.approx(F.cross_entropy(logits.double(), labels).item(), abs=1e-6)
        assert m.psnr == pytest.approx(values.double().mean().item(), abs=1e-5)
    assert whole.fitness == whole.accuracy == whole.results_dict["fitness"]
    assert set(whole.keys) <= set(whole.results_dict)
