"""The networks of a trainer, whatever wraps them: wrappers that Ultralytics itself unwraps, and a student."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from ultralytics.utils.torch_utils import ModelEMA

from tintbox.plugins.wrappers import models_of, unwrap


def distilled(network):
    """A network with its teacher, as Ultralytics trains them."""
    both = nn.Module()
    both.student_model, both.teacher_model = network, nn.Linear(1, 1)
    return both


WRAPPERS = {
    "none": lambda network: network,
    "compiled": lambda network: torch.compile(network, backend="eager"),
    "several devices": nn.DataParallel,
    "distilled": distilled,
    "distilled and compiled": lambda network: torch.compile(distilled(network), backend="eager"),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_the_network_is_what_was_wrapped(wrap):
    network = nn.Linear(2, 3)
    assert unwrap(wrap(network)) is network


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_trainer_has_the_network_and_its_average(wrap):
    network = nn.Linear(2, 3)
    wrapped = wrap(network)
    live, average = models_of(SimpleNamespace(model=wrapped, ema=ModelEMA(wrapped)))
    assert live is network and average is not network
    assert type(average) is nn.Linear and torch.equal(average.weight, network.weight)


def test_without_an_average_there_is_one():
    network = nn.Linear(2, 3)
    assert models_of(SimpleNamespace(model=network, ema=None)) == [network]
