"""Mistakes with anchor models on the command line: one line, and nothing is created."""

import pytest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=yolo11n.yaml", "obj_pos_weight=2"], "obj_pos_weight=2: yolo11n has no anchors"),
        (["model=yolo11n.yaml", "autoanchor=true"], "autoanchor=True: yolo11n has no anchors"),
        (["model=yolov5n-anchor.yaml", "obj_pos_weight=0"], "give a weight above 0"),
        (["model=yolov5n-anchor.yaml", "anchor_t=1"], "give a ratio above 1"),
        (["model=yolov5n-anchor.yaml", "autoanchor=perhaps"], "give true or false"),
        (["model=yolov5n-anchor.yaml", "obj=-1"], "give a gain of 0 or more"),
        (["model=yolov5n-anchor.yaml", "cls_pos_weight={persn: 2}"], "did you mean 'person'"),
        (["model=yolov5n-anchr.yaml"], "did you mean 'yolov5-anchor.yaml'"),
    ],
)
def test_arguments(refusal, tmp_path, words, message):
    assert message in refusal("detect", "train", *words, "data=coco8.yaml", "epochs=1", f"project={tmp_path}/runs")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("- 10\n", "- -10\n"), "is no width or height"),
        (("- - 10\n", "- - 1\n  - 10\n"), "numbers in the levels"),
        (("anchors:\n", "unused:\n"), "anchors=None: give one list per level"),
    ],
)
def test_anchors(refusal, tmp_path, tiny_model, change, message):
    text = tiny_model.read_text()
    assert change[0] in text
    (tmp_path / "bad.yaml").write_text(text.replace(*change, 1))
    words = ("detect", "train", "model=bad.yaml", "data=coco8.yaml", "epochs=1", f"project={tmp_path}/runs")
    assert message in refusal(*words)


def test_formats_that_need_the_stock_head(refusal, tiny_model):
    line = refusal("export", f"model={tiny_model}", "format=imx", "imgsz=64")
    assert line == "yolo: format=imx: anchor models export to torchscript, onnx, openvino, engine"


def test_import_on_the_command_line(tmp_path, python):
    done = python("-m", "tintbox", "import-legacy", "old.pt", "new.pt")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "tintbox: old.pt: no such file"
    done = python("-m", "tintbox", "import-legacy", "old.pt", "new.pt", "cgf=x")
    assert done.stderr.strip().splitlines()[-1].endswith("did you mean 'cfg'?")
