"""Palette, channels and stride of a model or an export."""

from types import SimpleNamespace

import numpy as np
import pytest

from tintbox.colorization import backend
from tintbox.colorization.balance import class_weights
from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError

PALETTE = Palette([[0, 0, 0], [0.1, 0.7, 1]])


def test_an_export_has_its_palette_in_its_metadata():
    for stored in (PALETTE.as_dict(), str(PALETTE.as_dict())):
        assert backend.model_palette(SimpleNamespace(palette=stored)) == PALETTE


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (None, "carries no palette"),
        ("__import__('os')", "cannot be read"),
        ("[" * 10_000, "cannot be read"),
        ("None", "cannot be read"),
    ],
)
def test_a_palette_that_is_none_is_told(stored, message):
    with pytest.raises(TintboxError, match=message):
        backend.model_palette(SimpleNamespace(palette=stored))


def test_arguments_change_the_palette():
    asked = SimpleNamespace(temperature=0.5, rebalance=None)
    weighed = PALETTE.replace(rebalance=0.5, weights=class_weights(np.array([0.8, 0.2]), 0.5))
    assert backend.adjust_for_inference(PALETTE, asked, "a.pt") == PALETTE.replace(temperature=0.5)
    assert backend.adjust_for_inference(weighed, SimpleNamespace(temperature=None, rebalance=1), "a.pt") == PALETTE
    found = backend.adjust_for_inference(weighed, SimpleNamespace(temperature=None, rebalance=0.1), "a.pt")
    assert found.rebalance == 0.1 and np.allclose(found.weights, class_weights(np.array([0.8, 0.2]), 0.1))
    with pytest.raises(TintboxError, match=r"the palette of a\.pt has no rebalancing weights"):
        backend.adjust_for_inference(PALETTE, SimpleNamespace(temperature=None, rebalance=0.5), "a.pt")
