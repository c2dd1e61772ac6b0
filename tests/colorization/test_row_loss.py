"""The cross-entropy of bfloat16 scores and its gradient, compared to torch's own in float64."""

import pytest
import torch
import torch.nn.functional as F

from tintbox.colorization import row_loss
from tintbox.colorization.loss import cross_entropy
from tintbox.colorization.row_loss import RowCrossEntropy, row_cross_entropy


def both(scores, labels):
    """Return our loss and gradient, and torch's in float64."""
    ours, theirs = scores.clone().requires_grad_(), scores.double().requires_grad_()
    losses = RowCrossEntropy.apply(ours, labels[:, None], None, None), F.cross_entropy(theirs, labels)
    for loss in losses:
        (3 * loss).backward()  # the incoming gradient is not 1
    return losses[0].item(), losses[1].item(), ours.grad, theirs.grad


@pytest.mark.parametrize("block", [1 << 19, 50])
@pytest.mark.parametrize("spread", [0.1, 5.0, 40.0, 400.0])
def test_equals_torch(monkeypatch, block, spread):
    """Within one block and across several; with a spread of 400, powers of 2 underflow and torch's function is used."""
    monkeypatch.setattr(row_loss, "BLOCK", block)
    torch.manual_seed(0)
    scores, labels = spread * torch.randn(101, 24), torch.randint(24, (101,))
    loss, expected, gradient, expected_gradient = both(scores, labels)
    assert loss == pytest.approx(expected, rel=1e-6, abs=1e-7)
    assert torch.allclose(gradient.double(), expected_gradient, atol=1e-8)
    half = both(scores.bfloat16(), labels)
    assert half[0] == pytest.approx(half[1], rel=1e-6, abs=1e-7)
    assert half[2].dtype == torch.bfloat16
    assert torch.allclose(half[2].double(), half[3], rtol=2**-7, atol=1e-8)


@pytest.mark.parametrize("block", [1 << 19, 50])
@pytest.mark.parametrize("spread", [1.0, 400.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("count", [None, 1, 5])
def test_shares_and_weights(monkeypatch, block, spread, weighted, count):
    """Soft targets and weighted rows, against the formula in float64."""
    monkeypatch.setattr(row_loss, "BLOCK", block)
    torch.manual_seed(0)
    scores = (spread * torch.randn(101, 24)).bfloat16().requires_grad_()
    labels = torch.rand(101, 24).argsort(1)[:, : count or 1]
    shares = torch.rand(101, count).softmax(1) if count else None
    weights = torch.rand(101) if weighted else None
    target = torch.zeros(101, 24).scatter_(1, labels, torch.ones(101, 1) if shares is None else shares).double()
    wide = scores.detach().double().requires_grad_()
    rows = -(wide.log_softmax(1) * target).sum(1)
    expected = (rows if weights is None else rows * weights).mean()
    plain = row_cross_entropy(scores, labels, shares, weights)
    ours = RowCrossEntropy.apply(scores, labels, shares, weights)
    assert ours.item() == pytest.approx(expected.item(), rel=1e-6)
    assert plain.item() == pytest.approx(expected.item(), rel=1e-5)
    (3 * ours).backward()
    (3 * expected).backward()
    assert torch.allclose(scores.grad.double(), wide.grad, rtol=2**-7, atol=1e-6)


def test_a_row_far_below_the_others_is_exact():
    scores = torch.tensor([[300.0, 299.0], [-300.0, -301.0]])
    loss, expected, gradient, expected_gradient = both(scores, torch.tensor([0, 1]))
    assert loss == pytest.approx(expected, rel=1e-6)
    assert torch.allclose(gradient.double(), expected_gradient)


def test_no_number_stays_none():
    scores = torch.randn(5, 3)
    scores[2, 1] = torch.nan
    assert RowCrossEntropy.apply(scores, torch.zeros(5, 1, dtype=torch.long), None, None).isnan()


def test_pixels_on_a_processor_take_it():
    logits, batch = torch.randn(2, 6, 5, 4), {"label": torch.randint(6, (2, 5, 4))}
    taken = [
        type(cross_entropy(logits.to(dtype).requires_grad_(), batch).grad_fn).__name__ == "RowCrossEntropyBackward"
        for dtype in (torch.bfloat16, torch.float32, torch.float64)
    ]
    assert taken == [True, True, False], "it computes in float32"
