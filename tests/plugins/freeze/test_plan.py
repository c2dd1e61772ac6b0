"""The freeze plan without a trainer: for plain PyTorch modules, torchvision's and Ultralytics'."""

import pytest
import torch
from torch import nn
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.freeze.plan import FreezePlan

from .conftest import WITH_PARAMETERS, prefixes


def block(channels):
    return nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())


class Net(nn.Module):
    """A network that is not Ultralytics': two blocks and a head."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleDict({"early": block(1), "late": block(4)})
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.backbone["late"](self.backbone["early"](x)).mean((2, 3)))


def of(names, prefix):
    return {name for name in names if name.startswith(prefix)}


def test_a_plan_freezes_and_wakes_by_epoch():
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    plan = FreezePlan.from_spec(net, freeze="backbone", unfreeze={2: "backbone.late"})
    for epoch, expected in ((0, of(names, "backbone")), (1, of(names, "backbone")), (2, of(names, "backbone.early"))):
        net.train()
        assert plan.apply(epoch) == expected
        assert {n for n, p in net.named_parameters() if not p.requires_grad} == expected
        assert net.backbone["early"][1].training is False
        assert net.backbone["late"][1].training is (epoch == 2)


def test_batchnorms_that_share_their_parameters_are_frozen_together():
    """By whichever name; their statistics are two."""
    net = nn.ModuleDict({name: nn.BatchNorm2d(4) for name in "ab"} | {"head": nn.Linear(4, 2)})
    net["b"].weight, net["b"].bias = net["a"].weight, net["a"].bias
    for name in "ab":
        net.train()
        assert FreezePlan.from_spec(net, freeze=name).apply(0) == {"a.weight", "a.bias"}
        assert not net["a"].training and not net["b"].training


def test_what_is_frozen_stays_bit_for_bit_and_the_rest_trains():
    torch.manual_seed(0)
    net = Net()
    plan = FreezePlan.from_spec(net, freeze=["all", "-head"], lr_scale={"head.bias": 0.5})
    optimizer = torch.optim.AdamW(plan.parameter_groups(lr=0.1))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    for epoch in range(2):
        net.train()
        plan.apply(epoch)
        net(torch.randn(4, 1, 8, 8)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.weight", "head.bias"}


def test_rates_are_multiplied_by_the_factors():
    net = Net()
    plan = FreezePlan.from_spec(net, freeze="backbone.early", lr_scale={"backbone": 0.1, "*.late.1": 0.5})
    rates = {id(p): group["lr"] for group in plan.parameter_groups(lr=1.0) for p in group["params"]}
    assert {n: rates[id(p)] for n, p in net.named_parameters()} == {
        **{f"backbone.early.{n}": 0.1 for n in ("0.weight", "0.bias", "1.weight", "1.bias")},
        **{f"backbone.late.0.{n}": 0.1 for n in ("weight", "bias")},
        **{f"backbone.late.1.{n}": 0.5 for n in ("weight", "bias")},
        **{f"head.{n}": 1.0 for n in ("weight", "bias")},
    }


def test_what_wakes_in_epoch_0_trains_from_the_first_step():
    plan = FreezePlan.from_spec(Net(), freeze="all", unfreeze={0: "head", 2: "all"})
    assert [len(plan.apply(epoch)) for epoch in range(3)] == [len(plan.names) - 2, len(plan.names) - 2, 0]
    with pytest.raises(TintboxError, match="nothing is left to train at first"):
        FreezePlan.from_spec(Net(), freeze="all", unfreeze={1: "all"})


def test_shares_of_the_run_need_its_length():
    plan = FreezePlan.from_spec(Net(), freeze="backbone", unfreeze={0.5: "all"}, epochs=6)
    assert [bool(plan.apply(epoch)) for epoch in range(6)] == [True, True, True, False, False, False]
    with pytest.raises(TintboxError, match=r"unfreeze=\{0.5: all\}: 0.5 is a share of the run; give epochs="):
        FreezePlan.from_spec(Net(), freeze="backbone", unfreeze={0.5: "all"})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"freeze": "bakbone"}, r"no such group in Net \(all, backbone, head\); did you mean 'backbone'\?"),
        ({"freeze": "backbone.lat"}, r"backbone has early, late; did you mean 'late'\?"),
        ({"freeze": 3}, "freeze=3: Net has no numbered layers; name its modules"),
        ({"freeze": "3"}, r"Net has no numbered layers; name its modules \(backbone, head\)"),
        ({"lr_scale": 0.9}, "lr_scale=0.9: Net has no numbered layers; name its modules"),
        ({"freeze": "all"}, "nothing is left to train at first"),
        ({"unfreeze": {1: "head"}}, "nothing is frozen"),
        ({"freeze": "head", "freeze_bn": "yes"}, "freeze_bn=yes: give auto, true or false"),
    ],
)
def test_mistakes(spec, message):
    with pytest.raises(TintboxError, match=message):
        FreezePlan.from_spec(Net(), **spec)


def test_children_of_a_sequential_are_named_by_number():
    net = nn.Sequential(block(1), block(4), nn.Conv2d(4, 1, 1))
    assert FreezePlan.from_spec(net, freeze=["0", "1.0"]).apply(0) == {
        *(f"0.{n}" for n in ("0.weight", "0.bias", "1.weight", "1.bias")), "1.0.weight", "1.0.bias",
    }  # fmt: skip


def test_a_detector_of_torchvision():
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

    detector = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None, trainable_backbone_layers=6)
    plan = FreezePlan.from_spec(detector, freeze=["backbone.body", "-backbone.body.16"], unfreeze={3: "all"})
    detector.train()
    frozen = plan.apply(0)
    assert {n for n, p in detector.named_parameters() if not p.requires_grad} == frozen
    assert all(n.startswith("backbone.body.") and not n.startswith("backbone.body.16.") for n in frozen)
    losses = detector(
        [torch.rand(3, 64, 64)],
        [{"boxes": torch.tensor([[4.0, 4.0, 40.0, 40.0]]), "labels": torch.tensor([1])}],
    )
    sum(losses.values()).backward()
    assert all((p.grad is None) for n, p in detector.named_parameters() if n in frozen)
    assert plan.apply(3) == set()


def test_layer_wise_decay_counts_layers_from_the_last():
    model = YOLO("yolo11n.yaml").model
    plan = FreezePlan.of(model, {"lr_scale": 0.9})
    for name, factor in plan.factors.items():
        assert factor == pytest.approx(0.9 ** (23 - int(name.split(".")[1])), rel=1e-12)
    assert not any(name.startswith("model.23.") for name in plan.factors)
    assert not FreezePlan.of(model, {"lr_scale": 1.0}).factors


def test_a_plan_is_a_function_of_the_epoch():
    model = YOLO("yolo11n.yaml").model
    plan = FreezePlan.of(model, {"freeze": "all[:23]", "unfreeze": {10: "all", 0.25: "neck", 0: 0}})
    assert [epoch for epoch, _ in plan.schedule(20)] == [0, 5, 10]
    assert [epoch for epoch, _ in plan.schedule(100)] == [0, 10, 25]
    backbone, neck = WITH_PARAMETERS & set(range(1, 11)), WITH_PARAMETERS & set(range(11, 23))
    for epoch, layers in ((0, backbone | neck), (4, backbone | neck), (5, backbone), (9, backbone), (10, set())):
        assert prefixes(plan.frozen(epoch, 20)) == layers
    assert "model.23.dfl.conv.weight" in plan.frozen(19, 20)


def test_a_batchnorm_follows_its_own_parameters():
    model = YOLO("yolo11n.yaml").model
    plan = FreezePlan.of(model, {"freeze": ["0.conv", "1.bn.bias", "2.cv1"]})
    assert plan.frozen_norms(plan.start) == {"model.2.cv1.bn"}
    assert len(FreezePlan.of(model, {"freeze_bn": True}).frozen_norms(frozenset())) == len(plan.norms)


def test_what_is_no_network_is_refused():
    with pytest.raises(TintboxError, match="of type str; give a PyTorch module"):
        FreezePlan.from_spec("yolo11n.pt", freeze="backbone")
    with pytest.raises(TintboxError, match="a YOLO wraps its network; give the network"):
        FreezePlan.from_spec(YOLO("yolo11n.yaml"), freeze="backbone")
