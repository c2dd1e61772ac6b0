"""What the processor offers."""

import pytest
import torch

from tintbox.processor import fast_bfloat16

PROBES = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


@pytest.mark.parametrize(
    ("answers", "fast"), [((True, False), True), ((False, True), True), ((False, False), False), ((None, None), False),
                          ((None, True), True)],
)  # fmt: skip
def test_either_way_of_doing_it_is_fast_and_an_older_pytorch_knows_none(monkeypatch, answers, fast):
    for name, answer in zip(PROBES, answers, strict=True):
        if answer is None:
            monkeypatch.delattr(torch.cpu, name, raising=False)
        else:
            monkeypatch.setattr(torch.cpu, name, lambda answer=answer: answer, raising=False)
    assert fast_bfloat16() is fast
