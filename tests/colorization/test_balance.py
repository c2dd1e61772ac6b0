"""Weights of rare colours, and the annealed mean."""

import numpy as np
import pytest
import torch

from tintbox.colorization.balance import annealed_mean, class_weights, shares_of


def test_annealed_mean_at_its_limits():
    torch.manual_seed(0)
    scores, values = torch.randn(2, 5, 3, 4), torch.randn(5, 2)
    expected = torch.einsum("bkhw,kc->bchw", scores.softmax(1), values)
    assert torch.allclose(annealed_mean(scores, values, 1.0), expected, atol=1e-6)
    mode = values[scores.argmax(1)].permute(0, 3, 1, 2)
    assert torch.equal(annealed_mean(scores, values, 0.0), mode)
    assert torch.allclose(annealed_mean(scores, values, 1e-4), mode, atol=1e-3)
    # exp(log(z) / T) / sum, as the paper writes it
    z = scores.softmax(1).double() ** (1 / 0.38)
    paper = torch.einsum("bkhw,kc->bchw", z / z.sum(1, keepdim=True), values.double())
    assert torch.allclose(annealed_mean(scores, values, 0.38).double(), paper, atol=1e-6)


def test_class_weights():
    shares = np.array([0.7, 0.2, 0.1, 0.0])
    weights = class_weights(shares, 0.5)
    assert (shares * weights).sum() == pytest.approx(1, abs=1e-12)
    assert weights[1] / weights[0] == pytest.approx((0.35 + 0.125) / (0.1 + 0.125), abs=1e-12)
    assert class_weights(shares, 1.0) == pytest.approx(np.ones(4), abs=1e-12)
    assert class_weights(shares, 0.0)[[0, 3]] == pytest.approx([1 / 0.7 / 3, 0], abs=1e-12)
    for rebalance in (0.0, 0.5, 0.9):
        assert shares_of(class_weights(shares, rebalance), rebalance) == pytest.approx(shares, abs=1e-12)
