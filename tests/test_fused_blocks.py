"""Blocks in one kernel: the function of the three modules, wherever nothing trains, and only there."""

import copy

import pytest
import torch
from torch import nn
from ultralytics import YOLO
from ultralytics.nn.modules.conv import Conv, DWConv

from tintbox import fused_blocks
from tintbox.colorization.transposed import ConvTranspose2d
from tintbox.fused_blocks import FusedBlocks
from tintbox.plugins.precision import arithmetic
from tintbox.processor import fast_bfloat16

pytestmark = pytest.mark.skipif(not fused_blocks.is_available(), reason="no oneDNN kernel for blocks in bfloat16 here")
STOCK = Conv.forward.__wrapped__


def make_block(kind=Conv, *args, seed=0, **settings):
    """Return a frozen block with statistics that are not those of a new BatchNorm, and an input (2, 16, 13, 12)."""
    torch.manual_seed(seed)
    block = kind(16, *(args or (24, 3)), **settings).requires_grad_(False).eval()
    for tensor, (low, high) in (("weight", (0.5, 2)), ("bias", (-1, 1)), ("running_mean", (-1, 1))):
        getattr(block.bn, tensor).uniform_(low, high)
    block.bn.running_var.uniform_(0.1, 3)
    return block, torch.randn(2, 16, 13, 12)


def compute(block, x, fused=None):
    return (fused or FusedBlocks()).compute(block.conv, block.bn, block.act, x)


def mixed(block, x):
    with arithmetic.mix():
        return block(x)


@pytest.mark.parametrize(
    ("kind", "args", "settings"),
    [
        (Conv, (24, 3), {}),
        (Conv, (24, 1), {"act": False}),
        (Conv, (24, 3, 2), {"act": nn.ReLU()}),
        (Conv, (24, 5, 1, 0), {"act": nn.LeakyReLU(0.1)}),
        (Conv, (32, 3), {"g": 4, "d": 2}),
        (DWConv, (16, 3, 2), {}),
    ],
    ids=["SiLU", "no activation", "ReLU and stride", "LeakyReLU, no padding", "groups and dilation", "depthwise"],
)
def test_the_output_is_as_close_to_the_exact_one_as_that_of_three_modules(kind, args, settings):
    block, x = make_block(kind, *args, **settings)
    exact = copy.deepcopy(block).double()
    exact = STOCK(exact, x.bfloat16().double())
    found = compute(block, x)
    with torch.amp.autocast("cpu", dtype=torch.bfloat16):
        in_steps = STOCK(block, x)
    assert found.dtype == in_steps.dtype == torch.bfloat16
    assert found.shape == in_steps.shape
    error, usual = (float((result.double() - exact).abs().mean()) for result in (found, in_steps))
    assert error < 1.1 * usual
    assert float((found.double() - exact).abs().max()) < 0.03 * float(exact.abs().max())


@pytest.mark.parametrize(("kernel", "padding"), [(2, 0), (3, 1), (4, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_transposed_convolutions_and_biases_are_folded_too(kernel, padding, bias):
    block, x = make_block(act=nn.ReLU())
    block.conv = ConvTranspose2d(16, 24, kernel, 2, padding, kernel % 2, bias=bias).requires_grad_(False)
    exact = copy.deepcopy(block).double()
    exact = STOCK(exact, x.bfloat16().double())
    with torch.amp.autocast("cpu", dtype=torch.bfloat16):
        in_steps = STOCK(block, x)
    found = compute(block, x)
    assert found.shape == exact.shape == (2, 24, 26, 24)
    error, usual = (float((result.double() - exact).abs().mean()) for result in (found, in_steps))
    assert error < 1.1 * usual


@pytest.mark.parametrize("trains", ["x", "conv.weight", "bn.weight", "bn.bias", "bn"])
def test_what_trains_is_left_alone(trains):
    block, x = make_block()
    if trains == "x":
        x.requires_grad_()
    elif trains == "bn":
        block.bn.train()
    else:
        block.get_parameter(trains).requires_grad_()
    assert compute(block, x) is None
    with torch.no_grad():  # a validation; batch statistics are no constants there either
        assert (compute(block, x) is None) == (trains == "bn")


@pytest.mark.parametrize("settings", [{"padding": "same"}, {"padding": 1, "padding_mode": "reflect"}])
def test_convolutions_that_the_kernel_lacks_are_left_alone(settings):
    block, x = make_block()
    block.conv = nn.Conv2d(16, 24, 3, **{"bias": False, **settings}).requires_grad_(False)
    assert compute(block, x) is None
    assert mixed(block, x).shape[1] == 24


def test_weights_made_in_inference_mode_are_left_alone():
    with torch.inference_mode():
        block, x = make_block()
        assert compute(block, x) is None


def test_a_pytorch_without_the_kernel_computes_as_before(monkeypatch):
    block, x = make_block()
    monkeypatch.setattr(fused_blocks, "is_available", lambda: False)
    with torch.amp.autocast("cpu", dtype=torch.bfloat16):
        expected = STOCK(block, x)
    assert mixed(block, x).equal(expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda block: block.conv.weight.mul_(2),
        lambda block: block.bn.running_var.lerp_(torch.ones(24), 0.5),
        lambda block: block.load_state_dict(make_block(seed=1)[0].state_dict()),
        lambda block: setattr(block.bn, "bias", nn.Parameter(torch.ones(24), requires_grad=False)),
        lambda block: setattr(block.bn.weight, "data", torch.ones(24)),
    ],
    ids=["weights", "statistics", "all of them", "a new parameter", "a new tensor in it"],
)
def test_a_block_that_has_changed_is_folded_again(change):
    block, x = make_block()
    fused = FusedBlocks()
    before = compute(block, x, fused)
    assert compute(block, x, fused).equal(before)
    with torch.no_grad():
        change(block)
    after = compute(block, x, fused)
    assert after.equal(compute(block, x))
    assert not after.equal(before)


def test_nothing_is_kept_of_a_block_that_is_gone():
    block, x = make_block()
    fused = FusedBlocks()
    compute(block, x, fused)
    assert len(fused.folded) == 1
    del block
    assert not fused.folded


def test_without_mixed_arithmetic_the_block_is_stocks_bit_for_bit():
    block, x = make_block()
    assert block(x).equal(STOCK(block, x))
    with torch.amp.autocast("cpu", dtype=torch.bfloat16):  # a user's own
        assert block(x).equal(STOCK(block, x))
    assert mixed(block, x).equal(compute(block, x))
    assert not mixed(block, x).equal(STOCK(block, x).bfloat16())


def test_a_compiler_sees_stocks_block():
    block, x = make_block()
    compiled = torch.compile(block, backend="eager", fullgraph=True)
    assert compiled(x).equal(STOCK(block, x))


def test_layers_after_a_frozen_one_get_the_gradients_of_float32():
    block, x = make_block()
    after = Conv(24, 8, 3)
    gradients = []
    for forward in (lambda: after(block(x)), lambda: mixed(nn.Sequential(block, after), x)):
        after.zero_grad()
        forward().float().square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in after.parameters()]))
    exact, found = gradients
    assert float(torch.nn.functional.cosine_similarity(exact, found, dim=0)) > 0.999


def test_the_gradient_of_a_part_of_a_concatenation_has_no_gaps():
    block, x = make_block()
    layouts = []
    for forward in (block.train().requires_grad_(), lambda x: mixed(block, x)):
        result = forward(x)
        result.register_hook(lambda g: layouts.append(g.is_contiguous(memory_format=torch.channels_last)))
        joined = torch.cat([result, result.detach()], 1).contiguous(memory_format=torch.channels_last)
        (joined * torch.randn_like(joined)).sum().backward()
    assert layouts == [False, True]


@pytest.mark.skipif(not fast_bfloat16(), reason="this processor does not multiply bfloat16 natively")
def test_a_run_computes_its_frozen_blocks_and_its_validation_so(fruit, tmp_path, monkeypatch):
    computed = {"training": set(), "validation": set()}
    own = FusedBlocks.compute

    def note(self, conv, *others):
        result = own(self, conv, *others)
        if result is not None:
            computed["validation" if arithmetic.is_validating() else "training"].add(conv)
        return result

    monkeypatch.setattr(FusedBlocks, "compute", note)
    model = YOLO("yolo11n.yaml")
    model.train(data=str(fruit), amp="auto", freeze="backbone", epochs=1, imgsz=32, batch=8,
                plots=False, project=tmp_path)  # fmt: skip
    network = model.trainer.model
    frozen = {m.conv for layer in network.model[:11] for m in layer.modules() if isinstance(m, Conv)}
    everything = {m.conv for m in model.trainer.ema.ema.modules() if isinstance(m, Conv)}
    assert computed["training"] == frozen
    assert computed["validation"] == everything
