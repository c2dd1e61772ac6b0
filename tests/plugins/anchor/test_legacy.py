"""Classic checkpoints: they are read without running any of their code; and a genuine one."""

import shutil

import pytest
import torch
from torch import nn
from ultralytics import YOLO
from ultralytics.utils import ASSETS

from tintbox import checkpoint_file

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
