"""The meaning of `amp=auto` and `amp=bf16` on a device."""

from types import SimpleNamespace

import pytest
import torch

from tintbox.plugins.options import AMP_AUTO
from tintbox.plugins.precision import policy


class Trainer:
    """The attributes of a trainer that its record uses."""

    def __init__(self, amp):
        self.args = SimpleNamespace(amp=amp, a=1)


def test_stock_values_are_left_to_ultralytics():
    cpu = torch.device("cpu")
    assert [policy.choose(amp, cpu, "detect") for amp in (True, False, "fp16", "fp32")] == [None] * 4


@pytest.mark.parametrize(("native", "word"), [(True, "bfloat16"), (False, "float32 (this processor")])
def test_a_colouriser_has_its_own_mixed_precision_and_says_which(monkeypatch, native, word):
    monkeypatch.setattr(policy, "fast_bfloat16", lambda: native)
    chosen = policy.choose("auto", torch.device("cpu"), "colorize")
    assert chosen.amp is True and not chosen.on_processor and chosen.remark.startswith(word)


def test_without_native_bfloat16_it_is_float32_and_said(monkeypatch):
    monkeypatch.setattr(policy, "fast_bfloat16", lambda: False)
    chosen = policy.choose("bf16", torch.device("cpu"), "detect")
    assert chosen.amp is False and chosen.on_processor
    assert chosen.remark == "float32 (this processor has no native bfloat16)"


@pytest.mark.parametrize("amp", ["bf16", False])
def test_a_checkpoint_asks_for_what_the_next_processor_can_do(amp):
    fast, stock = Trainer(amp), Trainer(amp)
    fast.tintbox_policy = policy.Policy("bf16", on_processor=True, workers=8)
    assert policy.record(fast) == {"amp": AMP_AUTO, "a": 1, "workers": 8}
    fast.tintbox_policy = policy.Policy("bf16", on_processor=True, requested="bf16")
    assert policy.own(policy.record(fast), fast) == {"amp": "bf16"}
    fast.tintbox_policy = policy.Policy("bf16")  # on a GPU, where stock knows the value too
    assert policy.record(fast) == {"amp": amp, "a": 1} and policy.own(policy.record(fast), fast) == {"amp": AMP_AUTO}
    assert policy.own(policy.record(stock), stock) == {}
    assert policy.record(stock) == {"amp": amp, "a": 1}
