"""Darknet's layers, compared with their formulas."""

import math

import pytest
import torch
import torch.nn.functional as F

from tintbox.plugins.anchor.layers import ACTIVATIONS, EPSILON, DarknetConv, Shortcut


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("linear", lambda x: x),
        ("leaky", lambda x: x if x > 0 else 0.1 * x),
        ("relu", lambda x: max(x, 0.0)),
        ("relu6", lambda x: min(max(x, 0.0), 6.0)),
        ("mish", lambda x: x * math.tanh(math.log1p(math.exp(x)))),
        ("swish", lambda x: x / (1 + math.exp(-x))),
        ("logistic", lambda x: 1 / (1 + math.exp(-x))),
    ],
)
def test_activations_are_darknets(name, formula):
    values = [-7.0, -1.0, -0.1, 0.0, 0.5, 3.0, 8.0]
    found = ACTIVATIONS[name]()(torch.tensor(values, dtype=torch.float64))
    assert found.tolist() == pytest.approx([formula(x) for x in values], abs=1e-9)


def test_every_activation_has_its_formula_here():
    assert len(ACTIVATIONS) == 7


@pytest.mark.parametrize(("k", "s", "p", "g"), [(1, 1, 0, 1), (3, 2, 1, 1), (3, 1, 1, 5), (4, 1, 0, 1)])
def test_a_convolution_keeps_its_channels_and_darknets_epsilon(k, s, p, g):
    torch.manual_seed(0)
    layer = DarknetConv(5, 10 if g > 1 else 7, k, s, p, g, "leaky").double().eval()
    layer.bn.running_mean.uniform_(-1, 1)
    layer.bn.running_var.uniform_(1e-5, 2)
    x = torch.rand(2, 5, 9, 8, dtype=torch.float64)
    y = F.conv2d(x, layer.conv.weight, None, s, p, 1, g)
    mean, variance = (v[None, :, None, None] for v in (layer.bn.running_mean, layer.bn.running_var))
    expected = F.leaky_relu((y - mean) / torch.sqrt(variance + 1e-5), 0.1)
    torch.testing.assert_close(layer(x), expected)
    assert layer.bn.eps == EPSILON and layer.conv.bias is None


def test_ultralytics_leaves_the_epsilon_alone():
    from ultralytics.utils.torch_utils import initialize_weights

    layer = DarknetConv(4, 4, 3, 1, 1, 1, "linear")
    initialize_weights(torch.nn.Sequential(layer))
    assert layer.bn.eps == EPSILON


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_shortcut_is_a_sum(count):
    parts = [torch.rand(2, 3, 4, 5, dtype=torch.float64) for _ in range(count)]
    expected = parts[0].clone()
    for part in parts[1:]:
        expected += part
    torch.testing.assert_close(Shortcut()(parts), expected)
