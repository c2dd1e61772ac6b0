"""Conversion of classic checkpoints to current ones, of a genuine one too."""

import shutil

import pytest
import torch
from torch import nn
from ultralytics import YOLO
from ultralytics.utils import ASSETS

from tintbox import checkpoint_file
from tintbox.errors import TintboxError
from tintbox.plugins.anchor import conversion
from tintbox.plugins.anchor.stand_ins import TABLE


def test_layers_without_a_module_are_named(classic, tmp_path, monkeypatch):
    model, save = classic
    whole = model.yaml
    model.yaml = {**whole, "backbone": [*whole["backbone"][:2], [-1, 1, "BottleneckCSP", [16]]]}
    with pytest.raises(TintboxError, match="no module that does what its layer BottleneckCSP does"):
        YOLO(save({"model": model}, tmp_path / "csp.pt"))
    model.yaml = {**whole, "nc": 80, "width_multiple": 2.0}
    with pytest.raises(TintboxError, match=r"weights model.0.conv.weight are \(8, 3, 3, 3\) in the file"):
        YOLO(save({"model": model}, tmp_path / "wide.pt"))
    model.yaml = {**whole, "head": [*whole["head"][:2], [[1, 99], 1, "Detect", ["nc", "anchors"]]]}
    with pytest.raises(TintboxError, match="what row 5 takes is 99, not a whole number from -5 to 4"):
        YOLO(save({"model": model}, tmp_path / "far.pt"))
    model.yaml = {**whole, "backbone": [[-1, 1, "Conv", [8, 3, 2, None, 7]], *whole["backbone"][1:]]}
    with pytest.raises(TintboxError, match="its layers do not fit each other"):
        YOLO(save({"model": model}, tmp_path / "groups.pt"))
    model.yaml = "yolov5n.yaml"
    with pytest.raises(TintboxError, match="its description has no rows of a backbone"):
        YOLO(save({"model": model}, tmp_path / "name.pt"))


SHAPES = {"a.weight": torch.Size([2, 3]), "a.num_batches_tracked": torch.Size([])}
GIVEN = {"a.weight": torch.zeros(2, 3), "a.num_batches_tracked": torch.tensor(1)}


def test_weights_that_fit():
    conversion.compare(GIVEN, SHAPES)
    conversion.compare({}, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"a.weight": torch.zeros(3, 2)},
            r"weights a\.weight are \(3, 2\) in the file, \(2, 3\) in Ultr",
        ),
        ({"a.weight": None}, r"weights a\.weight are none in the file, \(2, 3\) in"),
        ({"b": torch.zeros(1)}, r"weights b are \(1,\) in the file, none in Ultralytics' module"),
        ({"a.weight": torch.zeros(2, 3, dtype=torch.int64)}, r"weights a\.weight are int64 numbers"),
        ({"a.num_batches_tracked": torch.tensor(1.0)}, r"weights a\.num_batches_tracked are float32 numbers"),
    ],
)
def test_weights_that_do_not(change, message):
    given = {key: tensor for key, tensor in {**GIVEN, **change}.items() if tensor is not None}
    with pytest.raises(TintboxError, match=f"^{message}"):
        conversion.compare(given, SHAPES)


def test_numbers_of_the_file_are_each_in_one_place():
    """Otherwise a small file could fill a large model."""
    numbers = torch.zeros(12)
    apart = {"a": numbers[:6], "b": numbers[6:]}
    conversion.compare(apart, {"a": torch.Size([6]), "b": torch.Size([6])})
    with pytest.raises(TintboxError, match="several of its weights are the same numbers of the file"):
        conversion.compare({"a": numbers[:8], "b": numbers[4:]}, {"a": torch.Size([8]), "b": torch.Size([8])})


def test_epsilon_and_momentum_of_a_norm():
    record = TABLE["torch.nn.modules.batchnorm.BatchNorm2d"]()
    record.__setstate__({"eps": 1e-3, "momentum": 0.03})
    assert conversion.norm_of(record, "model.0.bn") == (1e-3, 0.03)
    for state, message in (({"momentum": 0.03}, "the eps of x"), ({"eps": 1e-3, "momentum": 7}, "the momentum of x")):
        record.__setstate__(state)
        with pytest.raises(TintboxError, match=message):
            conversion.norm_of(record, "x")
    with pytest.raises(TintboxError, match="the eps of x"):
        conversion.norm_of(None, "x")


EXPECTED = {  # results of the classic code at conf 0.25, IoU 0.45
    "bus.jpg": [("person", 0.867), ("person", 0.766), ("person", 0.762), ("person", 0.479), ("bus", 0.435)],
    "zidane.jpg": [("person", 0.785), ("person", 0.516), ("tie", 0.281)],
}


def test_the_genuine_yolov5n(weights):
    yolo = YOLO(weights / "yolov5n.pt")
    for name, expected in EXPECTED.items():
        boxes = yolo.predict(ASSETS / name, conf=0.25, iou=0.45, verbose=False)[0].boxes
        assert [yolo.names[int(c)] for c in boxes.cls] == [kind for kind, _ in expected]
        assert boxes.conf.tolist() == pytest.approx([score for _, score in expected], abs=6e-4)


@pytest.mark.slow
def test_the_genuine_yolov5n_on_coco(weights, shared_data, tmp_path):
    subset = shared_data / "coco" / "val2017_subset"
    for kind in ("images", "labels"):  # a copy, because Ultralytics writes a cache next to the labels
        shutil.copytree(subset / kind / "val2017", tmp_path / kind / "val2017", copy_function=shutil.copyfile)
    names = YOLO(weights / "yolov5n.pt").names
    data = tmp_path / "subset.yaml"
    data.write_text(f"path: {tmp_path}\ntrain: images/val2017\nval: images/val2017\nnames: {list(names.values())}\n")
    settings = {"imgsz": 640, "conf": 0.001, "iou": 0.6, "batch": 16, "workers": 0, "plots": False, "verbose": False}
    box = YOLO(weights / "yolov5n.pt").val(data=str(data), project=str(tmp_path), **settings).box
    assert box.map == pytest.approx(0.304, abs=0.005)  # result of the classic code
    assert box.map50 == pytest.approx(0.483, abs=0.005)


def test_the_genuine_yolov5n_is_that_of_the_yaml(weights):
    genuine, ours = YOLO(weights / "yolov5n.pt").model, YOLO("yolov5n-anchor.yaml").model
    shapes = [{k: v.shape for k, v in model.state_dict().items()} for model in (genuine, ours)]
    assert shapes[0] == shapes[1]
    assert genuine.yaml["anchors"] == ours.yaml["anchors"]
    assert [m.eps for m in genuine.modules() if isinstance(m, nn.BatchNorm2d)] == [1e-3] * 57


def test_a_name_of_a_classic_file_that_is_there_stays(classic, tmp_path, monkeypatch):
    model, save = classic
    from ultralytics.utils.checks import check_yolov5u_filename

    monkeypatch.chdir(tmp_path)
    assert check_yolov5u_filename("yolov5n.pt", verbose=False) == "yolov5nu.pt"
    save({"model": model}, tmp_path / "yolov5n.pt")
    assert check_yolov5u_filename("yolov5n.pt") == "yolov5n.pt"
    assert checkpoint_file.find_classic("yolov5n.pt")
    torch.save({"a": 1}, tmp_path / "yolov5s.pt")
    assert check_yolov5u_filename("yolov5s.pt", verbose=False) == "yolov5su.pt"
