"""Branches of `extend=slim`: all of the budget that their parts allow, and no more."""

import pytest
from torch import nn
from ultralytics.nn.modules.conv import Conv
from ultralytics.nn.tasks import DetectionModel

from tintbox.plugins.extend import forks, network
from tintbox.plugins.extend.budget import NARROW, find_start
from tintbox.plugins.extend.budget import fit as fit_branch
from tintbox.plugins.extend.head import ALL_LEVELS
from tintbox.plugins.extend.narrowing import SLIM, count_head_operations, fit

from .conftest import KINDS, WITHOUT_COARSEST, WITHOUT_FINEST, add_branch
from .test_narrowing import fused_flops, operations


@pytest.mark.parametrize("name", [*KINDS, "yolo11s"])
def test_a_slim_branch_adds_two_fifths_of_the_work_at_most(name):
    model = DetectionModel(f"{name}.yaml", verbose=False)  # with 80 classes
    made, room = add_branch(model, "slim", "abcdef"), forks.room("slim")
    assert fused_flops(made) < 1.4 * fused_flops(model)
    head, wide = made.joined.heads[-1], network.renew(model.model[-1], 6)
    added = operations(made) - made.operations
    costs = [count_head_operations(fit(wide, 0, [share])) for share in SLIM]
    mine = count_head_operations(head)
    assert mine in costs
    wider = [cost for cost in costs if cost > mine]
    assert all(added - mine + cost > room * made.operations for cost in wider), "a wider one would have fitted"
    again = add_branch(made, "slim", ["n"])
    assert operations(again) - operations(made) < 0.4 * made.operations


@pytest.mark.parametrize(
    ("name", "fork", "share"), [("yolov8n", 7, 1), ("yolo11n", 8, 1), ("yolo26n", 8, NARROW), ("yolo11m", 6, 1)]
)
def test_without_the_finest_level_a_slim_branch_starts_as_early_as_two_fifths_allow(name, fork, share):
    """With a head of full width, unless a narrower one makes room for one more block of layers."""
    model = DetectionModel(f"{name}.yaml", verbose=False)
    made, room = add_branch(model, "slim", "abcdef", WITHOUT_FINEST), forks.room("slim")
    assert made.forks == [fork] and made.joined.levels == [3, 2]
    assert fused_flops(made) < 1.4 * fused_flops(model)
    head = fit(network.renew(model.model[-1], 6, WITHOUT_FINEST), 0, [share])
    assert made.joined.heads[-1].stride.tolist() == [16, 32]
    assert count_head_operations(made.joined.heads[-1]) == count_head_operations(head)
    earlier = network.extend(model, fork - 1, list("abcdef"), levels=WITHOUT_FINEST)
    earlier.joined.heads[-1] = head
    assert operations(earlier) - earlier.operations > room * made.operations


@pytest.mark.parametrize(
    ("name", "fork", "share"),
    [("yolov8n", 10, 0.625), ("yolo11n", 10, NARROW), ("yolo26n", 9, 1), ("yolo11m", 8, 0.875)],
)
def test_without_the_coarsest_level_a_slim_branch_has_a_wider_head_and_starts_earlier(name, fork, share):
    model = DetectionModel(f"{name}.yaml", verbose=False)
    made, all_levels = (add_branch(model, "slim", "abcdef", levels) for levels in (WITHOUT_COARSEST, ALL_LEVELS))
    assert made.forks == [fork] <= all_levels.forks and made.joined.heads[-1].stride.tolist() == [8, 16]
    assert fused_flops(made) < 1.4 * fused_flops(model)
    head = fit(network.renew(model.model[-1], 6, WITHOUT_COARSEST), 0, [share])
    assert count_head_operations(made.joined.heads[-1]) == count_head_operations(head)


def test_a_branch_starts_where_the_budget_ends():
    needed, costs = [0, 1, 3, 4], [8.0, 4.0, 100.0, 2.0, 1.0]
    starts = [find_start(4, needed, costs, most) for most in (0.5, 1, 2.9, 3, 7, 15)]
    assert starts == [4, 4, 4, 3, 1, 0]
    assert find_start(1, needed, costs, 3) == 1, "no later than the fork"


def test_a_narrower_head_is_worth_a_block_but_not_a_convolution(old, load):
    head = load(old["yolo11n"]).model[-1]
    full = count_head_operations(head)
    least = count_head_operations(fit(head, 0, [NARROW]))
    for first, start, cost in ((nn.Identity(), 1, least), (Conv(1, 1), 2, full)):
        layers = [nn.Identity(), first, nn.Identity()]
        found, made = fit_branch(layers, [0, 1, 2], [9 * full, full, full], head, 2, 2 * full + least)
        assert (found, count_head_operations(made)) == (start, cost)
