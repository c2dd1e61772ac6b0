import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tintbox import fused_blocks
from tintbox.colorization.networks import NETWORKS, ConvTransposeNet, PoolUpsampleNet, UNet
from tintbox.colorization.transposed import ConvTranspose2d
from tintbox.errors import TintboxError
from tintbox.fused_blocks import FusedBlocks

pytestmark = pytest.mark.usefixtures("one_thread")


def built(name, kernel=3, nf=5, nc=7, nic=1, seed=0):
    """A network whose batch norms have statistics other than 0 and 1."""
    torch.manual_seed(seed)
    net = NETWORKS[name](kernel, nf, nc, nic).eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
    return net


def plain(name, state, x, k):
    """The three networks of the docstring's table in functional torch, from a state dict's values in order."""
    values = iter(v for key, v in state.items() if not key.endswith("num_batches_tracked"))

    def conv(x, stride=1):
        weight, bias = next(values), next(values)
        if stride == 2:
            return F.conv2d(x, weight, bias, stride=2, padding=(k - 1) // 2)
        before = (k - 1) // 2
        return F.conv2d(F.pad(x, (before, k - 1 - before) * 2), weight, bias)

    def up(x):
        weight, bias = next(values), next(values)
        return F.conv_transpose2d(x, weight, bias, stride=2, padding=(k - 1) // 2, output_padding=k % 2)

    def norm_relu(x):
        weight, bias, mean, var = (next(values) for _ in range(4))
        return F.relu(F.batch_norm(x, mean, var, weight, bias))

    if name == "PoolUpsampleNet":
        one = norm_relu(F.max_pool2d(conv(x), 2))
        two = norm_relu(F.max_pool2d(conv(one), 2))
        three = norm_relu(F.interpolate(conv(two), scale_factor=2, mode="nearest"))
        four = norm_relu(F.interpolate(conv(three), scale_factor=2, mode="nearest"))
        out = conv(four)
    else:
        one = norm_relu(conv(x, 2))
        three = norm_relu(up(norm_relu(conv(one, 2))))
        four = norm_relu(up(torch.cat([three, one], 1) if name == "UNet" else three))
        out = conv(torch.cat([four, x], 1) if name == "UNet" else four)
    assert next(values, None) is None  # every weight was used
    return out


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
@pytest.mark.parametrize("nic", [1, 3])
def test_equals_functional_torch(name, kernel, nic):
    net = built(name, kernel, nic=nic)
    x = torch.rand(2, nic, 12, 20)
    with torch.no_grad():
        out = net(x)
        torch.testing.assert_close(out, plain(name, net.state_dict(), x, kernel), rtol=1e-5, atol=1e-6)
    assert out.shape == (2, 7, 12, 20)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6, 7])
def test_shapes_inside_are_kept(name, kernel):
    net, x = built(name, kernel), torch.rand(1, 1, 16, 8)
    first = net.layer1(x)
    second = net.layer2(first)
    third = net.layer3(second)
    assert [t.shape for t in (first, second, third)] == [(1, 5, 8, 4), (1, 10, 4, 2), (1, 5, 8, 4)]
    fourth = net.layer4(torch.cat([third, first], 1) if name == "UNet" else third)
    assert fourth.shape == (1, 7, 16, 8)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kernel", [3, 5])
def test_odd_kernels_equal_plain_padding_bit_for_bit(name, kernel):
    net = built(name, kernel)
    x = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        out = net(x)
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                module.padding, module.padding_mode = (kernel // 2, kernel // 2), "zeros"
        assert torch.equal(out, net(x))


@pytest.mark.smoke
def test_layers_and_order_of_parameters():
    for name, cls in NETWORKS.items():
        net = built(name)
        assert type(net) is cls
        assert [child for child, _ in net.named_children()] == [f"layer{i}" for i in range(1, 6)]
        layers = [key.split(".")[0] for key, _ in net.named_parameters()]
        assert layers == sorted(layers)
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                assert module.bias is not None
    assert [type(m) for m in PoolUpsampleNet(3, 2, 2, 1).layer1] == [nn.Conv2d, nn.MaxPool2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(m) for m in PoolUpsampleNet(3, 2, 2, 1).layer4] == [nn.Conv2d, nn.Upsample, nn.BatchNorm2d, nn.ReLU]
    assert [type(m) for m in ConvTransposeNet(3, 2, 2, 1).layer3] == [ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]
    assert UNet(3, 8, 24, 1).layer4[0].weight.shape == (16, 24, 3, 3)
    assert UNet(3, 8, 24, 1).layer5.weight.shape == (24, 25, 3, 3)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (3, 5), (5, 6), (7, 4), (30, 33)])
def test_any_size_is_reflected_and_cropped(name, size):
    net, x = built(name, 4), torch.rand(2, 1, *size)
    height, width = size
    padded = x.numpy()
    for axis, side in ((2, height), (3, width)):  # numpy's "symmetric" repeats the edge; "reflect" does not
        grow = -side % 4
        pads = [(0, 0)] * 4
        pads[axis] = (0, grow)
        if grow:
            padded = np.pad(padded, pads, mode="reflect" if grow < side else "edge")
    with torch.no_grad():
        out = net(x)
        assert out.shape == (2, 7, height, width)
        assert torch.equal(out, net(torch.from_numpy(padded))[:, :, :height, :width])


@pytest.mark.parametrize("name", NETWORKS)
def test_channels_last(name):
    net, x = built(name, 3), torch.rand(2, 1, 16, 24)
    with torch.no_grad():
        expected = net(x)
        out = net.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    assert out.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kernel", [3, 4])
def test_trace_and_onnx(name, kernel):
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    net, x = built(name, kernel), torch.rand(1, 1, 16, 24)
    with torch.no_grad():
        expected = net(x)
        traced = torch.jit.trace(net, x)
        torch.testing.assert_close(traced(x), expected, rtol=1e-5, atol=1e-5)
        assert "aten::pad" not in str(traced.inlined_graph)
    file = io.BytesIO()
    torch.onnx.export(net, (x,), file, dynamo=False, input_names=["images"], output_names=["output0"])
    model = onnx.load_from_string(file.getvalue())
    assert "Pad" not in {node.op_type for node in model.graph.node}
    session = runtime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {"images": x.numpy()})
    np.testing.assert_allclose(out, expected.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_reach_every_parameter(name):
    net = built(name).train()
    net(torch.rand(4, 1, 9, 10)).square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


def test_gradients_have_no_gaps():
    net, seen = built("UNet").train().to(memory_format=torch.channels_last), []
    net.layer4[-1].register_full_backward_hook(lambda module, before, after: seen.append(after[0]))
    net(torch.rand(2, 1, 8, 8).to(memory_format=torch.channels_last)).square().sum().backward()
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((1, 8, 24, 1), "kernel=1"),
        ((0, 8, 24, 1), "kernel=0"),
        ((3.0, 8, 24, 1), "kernel=3.0"),
        (("3", 8, 24, 1), "kernel='3'"),
        ((True, 8, 24, 1), "kernel=True"),
        ((3, 0, 24, 1), "num_filters=0"),
        ((3, True, 24, 1), "num_filters=True"),
        ((3, 8, 0, 1), "num_colours=0"),
        ((3, 8, -4, 1), "num_colours=-4"),
        ((3, 8, 24, 0), "num_in_channels=0"),
        ((3, 8, 24, None), "num_in_channels=None"),
    ],
)
def test_bad_arguments(name, arguments, word):
    with pytest.raises(TintboxError) as error:
        NETWORKS[name](*arguments)
    assert str(error.value).startswith(word)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 8, 8), (8, 8), (1, 1, 0, 8)])
def test_bad_inputs(shape):
    with pytest.raises(TintboxError, match=r"^input of shape .* needs \(B, 1, H, W\)") as error:
        UNet(3, 4, 5, 1)(torch.zeros(shape))
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not fused_blocks.is_available(), reason="no oneDNN kernel for blocks in bfloat16 here")
@pytest.mark.parametrize("name", ["ConvTransposeNet", "UNet"])
def test_a_validation_in_bfloat16_has_one_kernel_per_layer_and_is_as_exact(name, monkeypatch):
    net = built(name, nf=32, nc=24).to(memory_format=torch.channels_last)
    x = torch.rand(4, 1, 32, 32).bfloat16()
    kernels, compute = [], FusedBlocks.compute
    monkeypatch.setattr(FusedBlocks, "compute", lambda *args: kernels.append(compute(*args)) or kernels[-1])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        fused = net(x).double()
        assert len(kernels) == 4 and all(k is not None for k in kernels)
        monkeypatch.setattr(FusedBlocks, "compute", lambda *args: None)
        stepwise = net(x).double()
    exact = net.double()(x.double()).detach()
    assert float((fused - exact).abs().mean()) < 1.1 * float((stepwise - exact).abs().mean())


@pytest.mark.parametrize("name", ["PoolUpsampleNet", "ConvTransposeNet", "UNet"])
def test_bfloat16_is_a_matter_of_speed_on_any_processor(name):
    """One whose oneDNN has no bfloat16 computes layer by layer."""
    net, x = built(name, nf=8, nc=4), torch.rand(1, 1, 16, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.isfinite(net(x)).all()


def test_training_computes_layer_by_layer():
    net = built("UNet", nf=16, nc=8).train()
    with torch.autocast("cpu", torch.bfloat16):
        net(torch.rand(2, 1, 16, 16).bfloat16()).float().square().mean().backward()
    assert all(p.grad is not None for p in net.parameters())
