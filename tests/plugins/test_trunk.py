"""Backbones and necks built by Ultralytics' own parser."""

from pathlib import Path

import pytest
import torch
import ultralytics
from ultralytics import YOLO

from tintbox import limits, yaml_file
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


@pytest.mark.parametrize("name", ["os.system", "nn.functional", "nn.Nothing", "parse_model"])
def test_what_is_no_layer_is_refused(name):
    with pytest.raises(TintboxError, match="is no layer of Ultralytics or torch"):
        trunk.check({"backbone": [[-1, 1, name, []]], "head": [[-1, 1, "Detect", []]]})


@pytest.mark.attack("code in a file")
@pytest.mark.parametrize("name", ["DetectionModel", "Ensemble", "WorldModel"])
def test_a_whole_model_is_no_layer(name):
    with pytest.raises(TintboxError, match=f"'{name}' is no layer"):
        trunk.check({"backbone": [[-1, 1, name, ["yolo11n.yaml"]]], "head": [[-1, 1, "Detect", []]]})


@pytest.mark.attack("code in a file")
@pytest.mark.parametrize("argument", [{"activation": "code"}, [[3]], [{"nc": 1}], {}, [[]]])
def test_an_argument_is_a_number_a_name_or_a_list_of_them(argument):
    with pytest.raises(TintboxError, match=r"Conv: argument .*: give numbers, names, or a list"):
        trunk.check({"backbone": [[-1, 1, "Conv", [8, argument]]], "head": [[-1, 1, "Detect", []]]})


def test_the_arguments_of_ultralytics_own_models_are_accepted():
    for file in sorted((Path(ultralytics.__file__).parent / "cfg/models").glob("*/*.yaml")):
        trunk.check(yaml_file.read(file))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (7, "backbone, row 0: 7: give "),
        ([-1, 1, 7, []], "backbone, row 0: .*: give "),
        ([-1, 1, "Conv"], "backbone, row 0: .*: give "),
        ([-1, 1, "Conv", 5], "backbone, row 0: .*: give "),
        ([5, 1, "Conv", [16, 3, 2]], "layers do not fit each other"),
        ([-1, 1, "Conv", []], "layers do not fit each other"),
        ([-1, 1, "Conv", [16, "wide"]], "layers do not fit each other"),
    ],
)
def test_rows_that_cannot_be_built_are_told_in_a_line(row, why):
    with pytest.raises(TintboxError, match=why):
        trunk.build({"nc": 1, "backbone": [row], "head": [[[0], 1, "Detect", ["nc"]]]}, 3)


def test_a_head_may_read_one_layer():
    spec = {"nc": 1, "backbone": [[-1, 1, "Conv", [16, 3, 2]]], "head": [[-1, 1, "Detect", ["nc"]]]}
    assert trunk.build(spec, 3).levels == [0]


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
