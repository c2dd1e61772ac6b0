"""Heads with fewer hidden channels: the remaining channels are unchanged, and the head alone is cheap."""

import copy
from itertools import pairwise

import pytest
import torch
from ultralytics.utils.torch_utils import get_flops

from tintbox.plugins.extend import forks, network
from tintbox.plugins.extend.narrowing import LEAST, SLIM, count_head_operations, count_operations, fit, narrow

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
    slim = copy.deepcopy(head)
    narrow(slim)
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


@pytest.mark.parametrize("name", [*KINDS, "yolo11s"])
def test_a_slim_branch_adds_two_fifths_of_the_work_at_most(name):
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel(f"{name}.yaml", verbose=False)  # with 80 classes
    neck, room = forks.find("slim", network.trunk_groups(model), name), forks.room("slim")
    made = network.extend(model, neck, list("abcdef"), room)
    assert fused_flops(made) < 1.4 * fused_flops(model)
    head, wide = made.joined.heads[-1], network.renew(model.model[-1], 6)
    added = operations(made) - made.operations
    widths = [copy.deepcopy(wide) for _ in SLIM]
    for slim, share in zip(widths, SLIM):
        narrow(slim, share)
    costs = [count_head_operations(slim) for slim in widths]
    mine = count_head_operations(head)
    assert mine in costs
    wider = [cost for cost in costs if cost > mine]
    assert all(added - mine + cost > room * made.operations for cost in wider), "a wider one would have fitted"
    again = network.extend(made, neck, ["n"], room)
    assert operations(again) - operations(made) < 0.4 * made.operations


@pytest.mark.parametrize(("name", "fork"), [("yolov8n", 7), ("yolo11n", 7), ("yolo26n", 8), ("yolo11m", 6)])
def test_without_the_finest_level_a_slim_branch_starts_as_early_as_two_fifths_allow(name, fork):
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel(f"{name}.yaml", verbose=False)
    neck, room = forks.find("slim", network.trunk_groups(model), name), forks.room("slim")
    made = network.extend(model, neck, list("abcdef"), room, finest=1)
    assert made.forks == [fork] and made.joined.levels == [3, 2]
    assert fused_flops(made) < 1.4 * fused_flops(model)
    head, wide = made.joined.heads[-1], network.renew(model.model[-1], 6, first=1)
    assert head.stride.tolist() == [16, 32]
    assert count_head_operations(fit(wide, 0, [network.NARROW])) <= count_head_operations(head)
    earlier = network.extend(model, fork - 1, list("abcdef"), finest=1)
    earlier.joined.heads[-1] = fit(wide, 0, [network.NARROW])
    assert operations(earlier) - earlier.operations > room * made.operations


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
