"""What the processor offers."""

import pytest
import torch

from tintbox.processor import fast_bfloat16, fuse

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


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_fused_steps_are_those_of_the_loop(kind):
    def walk(fused):
        torch.manual_seed(0)
        weights = [torch.nn.Parameter(torch.randn(5, 3)), torch.nn.Parameter(torch.randn(7))]
        optimizer = kind([{"params": weights[:1], "weight_decay": 0.1}, {"params": weights[1:]}], lr=0.01)
        if fused:
            fuse(optimizer)
            assert all(group["fused"] for group in optimizer.param_groups)
        for _ in range(20):
            for weight in weights:
                weight.grad = torch.randn_like(weight)
            optimizer.step()
        return weights

    for found, expected in zip(walk(True), walk(False), strict=True):
        assert torch.allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_other_optimizers_and_an_older_pytorch_go_on_as_before(monkeypatch):
    weights = [torch.nn.Parameter(torch.randn(3))]
    sgd, adam = torch.optim.SGD(weights, lr=0.1), torch.optim.AdamW(weights)
    fuse(sgd)
    assert not sgd.param_groups[0].get("fused")

    class OldAdam(torch.optim.AdamW):
        def __init__(self, *args, fused):
            raise RuntimeError("`fused=True` requires all the params to be floating point Tensors of supported devices")

    monkeypatch.setattr(torch.optim, "Adam", OldAdam)
    fuse(adam)
    assert not adam.param_groups[0]["fused"]
