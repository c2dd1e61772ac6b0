"""Heads with fewer hidden channels: the remaining channels are unchanged, and the head alone is cheap."""

import copy
from itertools import pairwise

import pytest
import torch
from ultralytics.utils.torch_utils import get_flops

from tintbox.plugins.extend import network
from tintbox.plugins.extend.narrowing import LEAST, count_head_operations, count_operations, fit

from .conftest import KINDS


def fused_flops(model):
    """Return a model's GFLOPs in prediction, where an end-to-end head uses one of its two branches."""
    return get_flops(copy.deepcopy(model).fuse(verbose=False), 640)


def operations(model):
    return sum(count_operations(model, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_channels_that_say_nothing_can_go(kind, old, load):
    """Every other hidden channel of every convolution is silenced; without them the outputs are the same."""
    head = load(old[kind]).model[-1]
    features = [torch.rand(2, conv[0].conv.in_channels, 8, 8) for conv in head.cv2]
    for branch in head.cv2:  # its hidden channels exceed the minimum
        for layer in branch[:-1]:
            layer.bn.weight.data[::2] = layer.bn.bias.data[::2] = 0
            layer.bn.running_mean.zero_()
    slim = fit(head, 0, [0.5])
    for before, after, x in zip(head.cv2, slim.cv2, features):
        assert torch.allclose(before(x), after(x), atol=1e-5)
        widths = [layer.conv.out_channels for layer in after[:-1]]
        assert widths == [max(LEAST, layer.conv.out_channels // 2) for layer in before[:-1]]
    for before, after, x in zip(head.cv3, slim.cv3, features):
        assert before(x).shape == after(x).shape


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_alone_adds_a_fifth_of_the_work_at_most(kind):
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel(f"{kind}.yaml", verbose=False)  # with 80 classes
    made = network.extend(model, len(model.model) - 1, list("abcdef"))
    assert fused_flops(made) < 1.2 * fused_flops(model)
    # All of the fifth that widths in steps of a quarter allow; otherwise a wide head would be narrowed for nothing.
    head = network.renew(model.model[-1], 6)
    widths = [branch[0].conv.out_channels for branch in made.joined.heads[-1].cv2]
    assert widths == [branch[0].conv.out_channels for branch in fit(head, 0.19 * made.operations).cv2]


@pytest.mark.parametrize("kind", KINDS)
def test_operations_are_those_that_ultralytics_counts(kind):
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel(f"{kind}.yaml", verbose=False)
    assert 2 * operations(model) * 640**2 / 1e9 == pytest.approx(fused_flops(model), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_widest_head_that_fits_is_taken(kind, old, load):
    head = load(old[kind]).model[-1]
    full = count_head_operations(head)
    widths = [[layer.conv.out_channels for layer in fit(head, most).cv2[0][:-1]] for most in (full, 0.9 * full, 0)]
    before = [layer.conv.out_channels for layer in head.cv2[0][:-1]]
    assert widths[0] == before and widths[2] == [max(LEAST, c // 2) for c in before]
    assert all(sum(a) >= sum(b) for a, b in pairwise(widths))
    assert head.cv2[0][0].conv.out_channels == before[0], "the head itself stays"
