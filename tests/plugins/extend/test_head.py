"""Joined heads: the order of boxes and scores from both heads."""

import math

import pytest
import torch

from tintbox.plugins.extend.head import JoinedDetect, renew

from .conftest import KINDS, OLD
from .test_network import extend, run


@pytest.mark.parametrize("end2end", [False, True])
def test_scores_of_a_head_are_in_its_own_classes(end2end, old, load):
    first = load(old["yolo26n"]).model[-1]
    joined = JoinedDetect([first, renew(first, 2)])
    joined.end2end = end2end
    assert joined.counts == [4, 2] and joined.nc == 6 and joined.heads[1].end2end == end2end
    generator = torch.Generator().manual_seed(0)
    if end2end:
        parts = [torch.rand(2, 5, 6, generator=generator).floor() for _ in range(2)]
        found = joined.join(parts)
        assert torch.equal(found[:, :5], parts[0])
        assert torch.equal(found[:, 5:, :5], parts[1][..., :5]) and torch.equal(found[:, 5:, 5], parts[1][..., 5] + 4)
    else:
        parts = [torch.rand(2, 4 + count, 7, generator=generator) for count in joined.counts]
        found = joined.join(parts)
        assert found.shape == (2, 10, 14)
        assert torch.equal(found[:, :8, :7], parts[0]) and not found[:, 8:, :7].any()
        assert torch.equal(found[:, :4, 7:], parts[1][:, :4]) and torch.equal(found[:, 8:, 7:], parts[1][:, 4:])
        assert not found[:, 4:8, 7:].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_head_is_the_old_one_but_for_its_classes(kind, old, load):
    first = load(old[kind]).model[-1]
    made = renew(first, 3)
    assert made.nc == 3 and first.nc == len(OLD)
    assert torch.equal(made.cv2[0][-1].weight, first.cv2[0][-1].weight)
    for branch, stride in zip(made.cv3, (8, 16, 32)):
        assert branch[-1].out_channels == 3
        assert torch.allclose(branch[-1].bias, torch.full((3,), math.log(5 / 3 / (640 / stride) ** 2)))


def test_end_to_end_boxes_of_the_old_classes_are_not_crowded_out(old, load, pictures):
    model = load(old["yolo26n"])
    made = extend(extend(model, "neck"), "head", ["o"])
    model.end2end = made.end2end = True
    before, after = run(model, pictures), run(made, pictures)
    count = before.shape[1]
    assert after.shape == (6, 3 * count, 6)
    assert torch.equal(after[:, :count], before)
    for head, classes in ((1, (4, 5)), (2, (6,))):
        assert set(after[:, head * count : (head + 1) * count, 5].unique().tolist()) <= set(classes)
