"""Backbones and necks built by Ultralytics' own parser."""

import pytest
import torch
from ultralytics import YOLO

from tintbox import limits
from tintbox.errors import TintboxError
from tintbox.plugins import trunk


@pytest.mark.parametrize("name", ["yolo11n.yaml", "yolov8n.yaml"])
def test_a_trunk_is_that_of_the_detector(name):
    detector = YOLO(name).model
    found = trunk.build(detector.yaml, 3)
    assert [type(layer) for layer in found.layers] == [type(layer) for layer in detector.model[:-1]]
    assert found.strides == detector.stride.tolist()
    assert found.levels == detector.model[-1].f
    shapes = {k: v.shape for layer in found.layers for k, v in layer.state_dict(prefix=f"{layer.i}.").items()}
    assert shapes == {k: v.shape for k, v in detector.model[:-1].state_dict().items()}


def test_levels_by_stride():
    found = trunk.Trunk([], [], [9, 4, 6], [30, 10, 20], [32, 8, 16]).by_stride()
    assert (found.levels, found.channels, found.strides) == ([4, 6, 9], [10, 20, 30], [8, 16, 32])


@pytest.mark.parametrize("name", ["os.system", "nn.functional", "nn.Nothing", "parse_model", 7])
def test_what_is_no_layer_is_refused(name):
    with pytest.raises(TintboxError, match="is no layer of Ultralytics or torch"):
        trunk.check({"backbone": [[-1, 1, name, []]], "head": [[-1, 1, "Detect", []]]})


def test_a_layer_that_puts_out_too_much_is_stopped():
    layers = torch.nn.Sequential(torch.nn.ZeroPad2d(int(limits.LAYER_OUTPUT**0.5)))
    with (
        torch.device("meta"),
        pytest.raises(TintboxError, match="a layer ZeroPad2d would make"),
        trunk.watch_limits(layers),
    ):
        layers(torch.zeros(1, 1, 8, 8))
    assert not layers[0]._forward_hooks


def test_sources_are_counted_from_the_front():
    assert trunk.sources(-1, 5) == [] and trunk.sources([-1, -3, 1], 5) == [2, 1] and trunk.sources(4, 7) == [4]
