"""The palette that a run uses, and its weights."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tintbox.colorization import palette_choice
from tintbox.colorization.palette import Palette

ARGS = SimpleNamespace(input_scale=256.0, seed=0, temperature=None, rebalance=None)
TWO, THREE = Palette([[0, 0, 0], [1, 1, 1]]), Palette([[0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1]])


class Pictures:
    """A black picture and a white one, of 4x4 pixels."""

    def sample(self, count):
        yield from torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None, None].expand(2, 1, 4, 4, 3)


def test_the_user_goes_before_the_checkpoint_and_this_before_the_dataset():
    choose = palette_choice.choose
    assert choose(THREE, TWO, (TWO,), None, ARGS) == THREE.replace(scale=256.0)
    assert choose(None, TWO, (THREE,), None, ARGS) == TWO.replace(scale=256.0)
    assert choose(None, None, (None, THREE.as_dict()), None, ARGS) == THREE.replace(scale=256.0)
    assert choose("horses24", TWO, (THREE,), None, ARGS) == Palette.load("horses24").replace(scale=256.0)


def test_a_scale_that_is_not_given_is_the_palettes():
    given = SimpleNamespace(input_scale=None, seed=0)
    fine = THREE.replace(scale=512.0)
    for asked, own, others in ((fine, TWO, ()), (None, fine, ()), (None, None, (fine.as_dict(),))):
        assert palette_choice.choose(asked, own, others, None, given) == fine


def test_weights_of_another_rebalancing_are_learned_anew():
    weighed = TWO.replace(weights=[0.5, 1.5], rebalance=0.5)
    asked = SimpleNamespace(temperature=0.4, rebalance=0.7)
    assert palette_choice.adjust(weighed, ARGS) == weighed
    assert palette_choice.adjust(weighed, asked) == TWO.replace(temperature=0.4, rebalance=0.7)


def test_shares_are_those_of_the_pixels():
    assert THREE.shares(palette_choice.sample(Pictures(), 2)).tolist() == [0.5, 0, 0.5]
    assert [block.shape for block in palette_choice.sample(Pictures(), 2)] == [(1, 2, 2, 3)] * 2


@pytest.mark.parametrize("name", ["horses24", "ab313"])
def test_shares_do_not_depend_on_the_blocks(name):
    pictures = torch.randint(0, 256, (40, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    palette = Palette.load(name)
    assert np.array_equal(palette.shares([pictures]), palette.shares(pictures.split(16)))
