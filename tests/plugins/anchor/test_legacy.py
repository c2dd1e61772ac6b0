"""Classic checkpoints: what is read, that nothing of theirs runs, and the genuine one."""

import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from ultralytics import YOLO
from ultralytics.utils import ASSETS

from tintbox import checkpoint_file
from tintbox.errors import TintboxError
from tintbox.plugins.anchor.importing import import_legacy


@pytest.mark.smoke
def test_an_imported_model_says_what_the_classic_one_does(classic, tmp_path):
    model, save = classic
    beside = {"best_fitness": np.array([0.5]), "opt": {"save_dir": Path("runs")}, "fitness": np.float64(0.5)}
    content = {"epoch": -1, "model": model, "ema": None, "optimizer": None, "date": "2021-01-01", **beside}
    source = save(content, tmp_path / "old.pt")
    imported = YOLO(import_legacy(source, tmp_path / "new.pt"))
    direct = YOLO(source)
    picture = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        expected = model(picture)
        expected = torch.cat((expected[..., :4], expected[..., 4:5] * expected[..., 5:]), -1).transpose(1, 2)
        for yolo in (imported, direct):
            torch.testing.assert_close(yolo.model.eval()(picture)[0], expected, rtol=1e-5, atol=1e-4)
    assert imported.names == direct.names == {0: "cat", 1: "dog"}
    assert imported.task == direct.task == "detect"
    assert imported.model.yaml["anchors"] == [[8, 12, 20, 16], [40, 24, 48, 64]]
    assert next(torch.load(tmp_path / "new.pt", weights_only=False)["model"].parameters()).dtype == torch.float16


def test_what_is_no_classic_checkpoint_is_told_in_one_line(classic, tmp_path):
    model, save = classic
    whole = save({"model": model}, tmp_path / "whole.pt")
    cases = {
        "numbers": ({"a": torch.ones(2)}, "no classic YOLOv3 or YOLOv5 checkpoint"),
        "part": ({"model": model.model[0]}, "holds a models.common.Conv"),
        "text": (b"not a pickle at all", "no classic YOLOv3"),
        "cut": (whole.read_bytes()[:2000], "damaged or truncated"),
        "half": (whole.read_bytes()[:-2000], "damaged or truncated"),
        "current": (YOLO("yolov5n-anchor.yaml").model, "a current one needs no import"),
    }
    for name, (content, message) in cases.items():
        path = tmp_path / f"{name}.pt"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            save(content, path)
        with pytest.raises(TintboxError, match=message) as error:
            import_legacy(path, tmp_path / "new.pt")
        assert "\n" not in str(error.value)
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(tmp_path / "torn.pt", "w") as torn:
        for name in archive.namelist():
            torn.writestr(name, archive.read(name)[: 500 if name.endswith("data.pkl") else None])
    with pytest.raises(TintboxError, match="damaged"):
        import_legacy(tmp_path / "torn.pt", tmp_path / "new.pt")
    with pytest.raises(TintboxError, match=r"no such file; did you mean 'whole\.pt'"):
        import_legacy(tmp_path / "whol.pt", tmp_path / "new.pt")
    with pytest.raises(TintboxError, match=r"ends in \.pt"):
        import_legacy(whole, tmp_path / "new.onnx")


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1, 2]), "neither a current checkpoint nor a classic"),
        (b"\xff\xd8\xff picture", "neither a current checkpoint nor a classic"),
        ({"weights": torch.ones(3)}, "neither a current checkpoint nor a classic"),
        ([torch.ones(3)], "neither a current checkpoint nor a classic"),
    ],
    ids=["pickle", "picture", "dict", "list"],
)
def test_what_is_no_checkpoint_is_told_in_one_line(refusal, tmp_path, content, message):
    if isinstance(content, bytes):
        (tmp_path / "x.pt").write_bytes(content)
    else:
        torch.save(content, tmp_path / "x.pt")
    assert message in refusal("detect", "val", "model=x.pt", "data=coco8.yaml")


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


EXPECTED = {  # of the classic code at conf 0.25, IoU 0.45
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
    for kind in ("images", "labels"):  # a copy, since Ultralytics writes a cache beside the labels
        shutil.copytree(subset / kind / "val2017", tmp_path / kind / "val2017", copy_function=shutil.copyfile)
    names = YOLO(weights / "yolov5n.pt").names
    data = tmp_path / "subset.yaml"
    data.write_text(f"path: {tmp_path}\ntrain: images/val2017\nval: images/val2017\nnames: {list(names.values())}\n")
    settings = {"imgsz": 640, "conf": 0.001, "iou": 0.6, "batch": 16, "workers": 0, "plots": False, "verbose": False}
    box = YOLO(weights / "yolov5n.pt").val(data=str(data), project=str(tmp_path), **settings).box
    assert box.map == pytest.approx(0.304, abs=0.005)  # of the classic code
    assert box.map50 == pytest.approx(0.483, abs=0.005)


def test_the_genuine_yolov5n_is_that_of_the_yaml(weights):
    genuine, ours = YOLO(weights / "yolov5n.pt").model, YOLO("yolov5n-anchor.yaml").model
    shapes = [{k: v.shape for k, v in model.state_dict().items()} for model in (genuine, ours)]
    assert shapes[0] == shapes[1]
    assert genuine.yaml["anchors"] == ours.yaml["anchors"]
    assert [m.eps for m in genuine.modules() if isinstance(m, nn.BatchNorm2d)] == [1e-3] * 57
