"""What `amp=auto` and `amp=bf16` mean on a device."""

import torch

from tintbox.plugins.options import AMP_AUTO
from tintbox.plugins.precision import policy


def test_stock_values_are_left_to_ultralytics():
    cpu = torch.device("cpu")
    assert [policy.choose(amp, cpu, "detect") for amp in (True, False, "fp16", "fp32")] == [None] * 4
    assert policy.choose("auto", cpu, "colorize") == policy.Policy(True)
    assert policy.record({"amp": "bf16", "a": 1}, cpu) == {"amp": AMP_AUTO, "a": 1}
    assert policy.record({"amp": True}, cpu) == {"amp": True}


def test_without_native_bfloat16_it_is_float32_and_said(monkeypatch):
    monkeypatch.setattr(policy, "fast_bfloat16", lambda: False)
    chosen = policy.choose("bf16", torch.device("cpu"), "detect")
    assert chosen.amp is False and chosen.on_processor
    assert "does not multiply bfloat16 natively: float32" in chosen.remark
