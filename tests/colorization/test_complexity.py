import itertools

import pytest
import torch
from torch import nn

from tintbox.colorization.complexity import complexity
from tintbox.colorization.networks import NETWORKS, ConvTransposeNet, PoolUpsampleNet, UNet
from tintbox.errors import TintboxError

pytestmark = pytest.mark.usefixtures("one_thread")


def totals(model, imgsz, channels):
    return complexity(model, imgsz, channels)["total"]


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6])
def test_closed_forms_of_pool_upsample_net(kernel):
    for nf, nc, nic in itertools.product((1, 4, 8), (1, 24), (1, 3)):
        k2 = kernel**2
        assert totals(PoolUpsampleNet(kernel, nf, nc, nic), 32, nic) == {
            "weights": k2 * (nic * nf + 4 * nf**2 + nf * nc + nc**2) + 12 * nf + 4 * nc,
            "outputs": 2880 * nf + 3328 * nc,
            "connections": k2 * (1024 * nic * nf + 640 * nf**2 + 256 * nf * nc + 1024 * nc**2) + 2432 * nf + 2048 * nc,
        }


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("skips", [False, True])
def test_closed_forms_of_the_transposed_networks(kernel, skips):
    """Sums computed by hand: transposed convolutions connect every weight to each pixel of their input."""
    for nf, nc, nic in itertools.product((1, 4, 8), (1, 24), (1, 3)):
        k2, more = kernel**2, 2 if skips else 1
        last = nc + nic if skips else nc
        net = (UNet if skips else ConvTransposeNet)(kernel, nf, nc, nic)
        assert totals(net, 32, nic) == {
            "weights": k2 * (nic * nf + 4 * nf**2 + more * nf * nc + last * nc) + 12 * nf + 4 * nc,
            "outputs": 2 * (256 * nf + 64 * 2 * nf + 256 * nf + 1024 * nc) + 1024 * nc,
            "connections": k2 * 256 * nic * nf  # layer1, at 16 x 16
            + k2 * 64 * 2 * nf**2  # layer2, at 8 x 8
            + k2 * 64 * 2 * nf**2  # layer3, from 8 x 8
            + k2 * 256 * more * nf * nc  # layer4, from 16 x 16
            + k2 * 1024 * last * nc  # layer5, at 32 x 32
            + 256 * nf + 64 * 2 * nf + 256 * nf + 1024 * nc,  # batch norms
        }  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6])
def test_doubling_the_sides(name, kernel):
    net = NETWORKS[name](kernel, 4, 6, 1)
    small, large = totals(net, (32, 16), 1), totals(net, (64, 32), 1)
    assert large == {
        "weights": small["weights"],
        "outputs": 4 * small["outputs"],
        "connections": 4 * small["connections"],
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_the_parameters(name):
    net = NETWORKS[name](3, 8, 24, 1)
    assert complexity(net, 8, 1)["total"]["weights"] == sum(p.numel() for p in net.parameters())


def test_rows_groups_and_uncounted_layers():
    net = nn.Sequential(
        nn.ZeroPad2d(1), nn.Conv2d(4, 6, 3, groups=2, bias=False), nn.BatchNorm2d(6, affine=False), nn.ReLU(),
        nn.Identity(), nn.MaxPool2d(2), nn.Upsample(scale_factor=3),
    )  # fmt: skip
    rows = complexity(net, (4, 6), 4)["layers"]
    assert [tuple(row.values()) for row in rows] == [
        ("1", "Conv2d", 9 * 2 * 6, 6 * 24, 9 * 2 * 6 * 24),
        ("2", "BatchNorm2d", 0, 6 * 24, 6 * 24),
        ("5", "MaxPool2d", 0, 6 * 6, 6 * 24),
        ("6", "Upsample", 0, 6 * 54, 6 * 54),
    ]
    assert list(rows[0]) == ["name", "type", "weights", "outputs", "connections"]


def test_the_model_is_left_as_it_was():
    net = UNet(3, 4, 5, 1).train()
    net.layer2.eval()
    state = {key: value.clone() for key, value in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    complexity(net, 16, 1)
    assert modes == [module.training for module in net.modules()]
    assert all(torch.equal(state[key], value) for key, value in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())


def test_a_layer_that_runs_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 1, 1)

        def forward(self, x):
            return self.layer(self.layer(x))

    assert totals(Twice(), 4, 1) == {"weights": 2, "outputs": 32, "connections": 32}


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x * self.factor


@pytest.mark.parametrize("layer", [nn.PReLU(), nn.Linear(4, 4), nn.GroupNorm(1, 1), Scale()])
def test_unknown_layers_with_parameters(layer):
    with pytest.raises(TintboxError, match=f"^layer '1' is a {type(layer).__name__}, .*Conv2d.*") as error:
        complexity(nn.Sequential(nn.Conv2d(1, 1, 1), layer), 4, 1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("imgsz", "channels"),
    [(0, 1), ((4, 0), 1), ((4, 4, 4), 1), (4.0, 1), ("4", 1), (True, 1), (4, 0), (4, True), (4, 3)],
)
def test_bad_sizes(imgsz, channels):
    net = UNet(3, 4, 5, 1)
    with pytest.raises(TintboxError) as error:
        complexity(net, imgsz, channels)
    assert "\n" not in str(error.value)
    assert net.training
    assert not any(module._forward_hooks for module in net.modules())
