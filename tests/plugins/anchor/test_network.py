"""Networks of anchor models: layers equal those of Ultralytics' parser, except the head, which is added alike."""

from copy import deepcopy

import pytest
import torch
from ultralytics.nn.tasks import parse_model, yaml_model_load

from tintbox.errors import TintboxError
from tintbox.plugins.anchor import network

NAMES = ["yolov5n-anchor.yaml", "yolov3-tiny-anchor.yaml"]
DARKNET = {
    "nc": 2,
    "anchors": [[8, 8, 16, 16]],
    "backbone": [
        [-1, 1, "DarknetConv", [10, 3, 2, 1, 1, "leaky"]],
        [-1, 1, "DarknetConv", [10, 1, 1, 0, 1, "leaky"]],
        [[-1, 0], 1, "Shortcut", []],
    ],
    "head": [[[-1, 1], 1, "Concat", [1]], [[3], 1, "DarknetDetect", ["nc", "anchors", [1.0]]]],
}


@pytest.mark.parametrize("name", NAMES)
def test_is_what_the_stock_parser_builds_but_for_the_head(name):
    spec = yaml_model_load(name)
    stock_spec = deepcopy(spec)
    stock_spec["head"][-1][2:] = ["v10Detect", ["nc"]]
    torch.manual_seed(0)
    stock, stock_save = parse_model(stock_spec, 3, verbose=False)
    torch.manual_seed(0)
    ours, save = parse_model(spec, 3, verbose=False)
    assert save == stock_save
    for a, b in zip(list(stock)[:-1], list(ours)[:-1], strict=True):
        assert (a.i, a.f, a.type, a.np, a.training) == (b.i, b.f, b.type, b.np, b.training)
        assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
    head = ours[-1]
    assert (head.i, head.f) == (stock[-1].i, stock[-1].f)
    assert head.type == "tintbox.plugins.anchor.head.AnchorDetect"
    assert head.np == sum(p.numel() for p in head.parameters())
    assert [conv.in_channels for conv in head.m] == [branch[0].conv.in_channels for branch in stock[-1].cv2]


@pytest.mark.parametrize("spec", [*NAMES, DARKNET])
def test_leaves_the_description_alone(spec):
    spec = deepcopy(spec) if isinstance(spec, dict) else yaml_model_load(spec)
    before = deepcopy(spec)
    network.build(spec, 3, verbose=False)
    assert spec == before


def test_darknet_layers():
    layers, save = parse_model(deepcopy(DARKNET), 3, verbose=False)
    assert [(layer.i, layer.f, layer.type.rpartition(".")[2]) for layer in layers] == [
        (0, -1, "DarknetConv"),
        (1, -1, "DarknetConv"),
        (2, [-1, 0], "Shortcut"),
        (3, [-1, 1], "Concat"),
        (4, [3], "DarknetDetect"),
    ]
    assert save == [0, 1, 3]
    assert layers[-1].m[0].in_channels == 20


def test_a_layer_that_darknet_has_not():
    spec = deepcopy(DARKNET)
    spec["backbone"].append([-1, 1, "C3", [16]])
    with pytest.raises(TintboxError, match="layer 3: C3 is none of Darknet's layers"):
        network.build(spec, 3)
