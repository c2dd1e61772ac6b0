"""Resolution of selectors in real models."""

import pytest
from torch import nn
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.freeze import selection
from tintbox.plugins.freeze.selection import layer_of, select


@pytest.fixture(scope="module")
def yolo11n():
    return YOLO("yolo11n.yaml").model


def layers(model, value):
    return sorted({layer_of(name) for name in select(model, value)})


def whole(model, indices):
    """All parameters of these layers, by an independent simple rule."""
    return [name for name, _ in model.named_parameters() if name.split(".")[1] in {str(i) for i in indices}]


@pytest.mark.parametrize(
    ("value", "indices"),
    [
        ("backbone", range(11)),
        ("neck", range(11, 23)),
        ("head", [23]),
        ("all", range(24)),
        ("backbone[:5]", range(5)),
        ("backbone[-2:]", [9, 10]),
        ("neck[0:3]", [11, 12, 13]),
        ("neck[-1]", [22]),
        ("all[20:]", range(20, 24)),
        (7, [7]),
        ("7", [7]),
        ("1", [1]),
        ("model.1", [1]),
        ("model.1*", [1, *range(10, 20)]),
        (["backbone", -9], [*range(9), 10]),
        (["backbone", "-9", "-0"], [*range(1, 9), 10]),
        (["all", "-head", "23"], range(24)),
        (["all", "-neck"], [*range(11), 23]),
        ([0, "model.1", "backbone[2:4]"], range(4)),
        ("model.*", range(24)),
    ],
)
def test_whole_layers(yolo11n, value, indices):
    assert select(yolo11n, value) == whole(yolo11n, indices)


def test_names_match_by_whole_components(yolo11n):
    names = [name for name, _ in yolo11n.named_parameters()]
    assert select(yolo11n, "23.cv2") == [n for n in names if n.startswith("model.23.cv2.")]
    assert select(yolo11n, "model.23.cv2") == select(yolo11n, "23.cv2")
    assert select(yolo11n, "6.m.0.m.1.cv1.bn.weight") == ["model.6.m.0.m.1.cv1.bn.weight"]
    assert not select(yolo11n, ["head", "-23.cv2", "-23.cv3", "-23.dfl"][:1])[0].startswith("model.22.")
    assert layers(yolo11n, "2") == [2], "not 20 to 23"


def test_globs_stand_for_one_component_and_name_what_is_below(yolo11n):
    names = [name for name, _ in yolo11n.named_parameters()]
    expected = [n for n in names if n.startswith("model.23.cv3.") and n.split(".")[4] == "2"]
    assert expected
    assert select(yolo11n, "model.23.cv3.*.2.*") == expected
    assert select(yolo11n, "23.cv3.*.2") == expected
    assert select(yolo11n, "model.*.cv1.bn") == [n for n in names if n.split(".")[2:4] == ["cv1", "bn"]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yolov3-tiny.yaml", {"backbone": 13, "neck": 7, "head": 1, "all": 21}),
        ("yolo26n.yaml", {"backbone": 11, "neck": 12, "head": 1, "all": 24}),
        ("yolo11n-cls.yaml", {"backbone": 10, "head": 1, "all": 11}),
        ("yolo11n-seg.yaml", {"backbone": 11, "neck": 12, "head": 1, "all": 24}),
        ("yolo11n-pose.yaml", {"backbone": 11, "neck": 12, "head": 1, "all": 24}),
        ("yolo11n-obb.yaml", {"backbone": 11, "neck": 12, "head": 1, "all": 24}),
        ("colorize-unet.yaml", {"all": 1}),
    ],
)
def test_groups_come_from_the_models_own_yaml(name, expected):
    model = YOLO(name).model
    assert {group: len(found) for group, found in selection.groups(model).items()} == expected
    for group in expected:
        assert select(model, group)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("bakbone", "freeze='bakbone': no such group in yolo11n (backbone, neck, head, all); did you mean 'backbone'?"),
        (["all", "-hed"], "freeze='-hed': no such group in yolo11n (backbone, neck, head, all); did you mean 'head'?"),
        ("names", "freeze='names': no such group in yolo11n (backbone, neck, head, all)"),
        ("24", "freeze='24': no layer 24 in yolo11n (0 to 23)"),
        (["all", -30], "freeze=-30: no layer 30 in yolo11n (0 to 23)"),
        ("23.dlf", "freeze='23.dlf': no such name in yolo11n; model.23 has cv2, cv3, dfl; did you mean 'dfl'?"),
        ("backbone[20:]", "freeze='backbone[20:]': backbone has 11 layers in yolo11n"),
        ("backbone[11]", "freeze='backbone[11]': backbone has 11 layers in yolo11n"),
        (["11"], "freeze=[11]: that leaves no parameter of yolo11n"),
        (["neck", "-neck"], "freeze=[neck, -neck]: that leaves no parameter of yolo11n"),
    ],
)
def test_what_names_nothing_is_an_error_that_lists_what_there_is(yolo11n, value, message):
    with pytest.raises(TintboxError) as error:
        select(yolo11n, value)
    assert str(error.value) == message


def test_a_model_without_groups_says_so():
    with pytest.raises(TintboxError, match=r"no such group in yolo11n-cls \(backbone, head, all\)"):
        select(YOLO("yolo11n-cls.yaml").model, "neck")


@pytest.mark.attack("newcomer")
def test_a_colouriser_on_a_detector_has_the_detectors_groups():
    model = YOLO("yolo11n-colorize.yaml").model
    counts = {group: len(found) for group, found in selection.groups(model).items()}
    assert counts == {"backbone": 11, "neck": 12, "head": 1, "all": 24}


@pytest.mark.parametrize("entry", ["head", "body.first", "body.second"])
def test_a_shared_parameter_is_chosen_by_each_of_its_names(entry):
    model = nn.Module()
    model.body = nn.ModuleDict({"first": nn.Linear(3, 3, bias=False), "second": nn.Linear(3, 3, bias=False)})
    model.head = nn.Linear(3, 3, bias=False)
    model.head.weight = model.body["second"].weight = model.body["first"].weight
    assert select(model, entry) == ["body.first.weight"]
    with pytest.raises(TintboxError, match="that leaves no parameter"):
        select(model, ["all", f"-{entry}"])
