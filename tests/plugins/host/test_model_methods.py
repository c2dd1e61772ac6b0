"""What the methods of `YOLO` check before stock runs, and the errors that they report."""

import numpy as np
import pytest
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins import host

METHODS = ("train", "val", "predict", "track", "export", "benchmark", "_new", "_load")


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_is_gone_switches_off_no_other(method):
    relying = [p.function.__name__ for p in host.PATCHES if f"Model.{method}" in p.names]
    assert relying == [f"model_{method.strip('_')}"]
    (p,) = (p for p in host.PATCHES if p.function.__name__ == relying[0])
    assert [name for name in p.names if name.startswith("Model.")] == [f"Model.{method}"]


def test_arguments_of_a_recipe_are_checked_with_those_given(tmp_path, monkeypatch):
    """Before anything is created."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text("freeze: bakbone\n")
    model = YOLO("yolo11n.yaml")
    with pytest.raises(TintboxError, match="did you mean 'backbone'"):
        model.train(cfg="recipe.yaml", data="coco8.yaml")
    with pytest.raises(TintboxError, match="freeze='nack'"):
        model.train(cfg="recipe.yaml", data="coco8.yaml", freeze="nack")
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


def test_arguments_are_checked_with_the_defaults_and_what_the_checkpoint_says(tmp_path, monkeypatch, fruit):
    monkeypatch.chdir(tmp_path)
    model = YOLO("yolo11n.yaml")
    model.ckpt = {"train_args": {"single_cls": True}}
    model.save("single.pt")
    for file, arguments, message in (
        ("single.pt", {"cls_pos_weight": {"b": 2}}, "no class 'b'; there are: item"),
        ("single.pt", {"cls_pos_weight": {"item": 2}, "single_cls": False}, "no class 'item'"),
        ("single.pt", {"freeze": "backbone", "unfreeze": {150: "backbone"}}, "the run has 100 epochs"),
    ):
        with pytest.raises(TintboxError, match=message):
            YOLO(file).train(data=str(fruit), **arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["single.pt"]


def test_an_array_is_checked_like_a_list(fruit):
    with pytest.raises(TintboxError, match=r"cls_pos_weight=\[1.0, 1.0, 1.0\]: 3 weights, expected nc="):
        YOLO("yolo11n.yaml").train(data=str(fruit), cls_pos_weight=np.ones(3))
    with pytest.raises(TintboxError, match=r"cls_pos_weight=\[1.0, 1.0, 1.0\]: counts in "):
        YOLO("yolo11n.yaml").val(data=str(fruit), cls_pos_weight=np.ones(3))


@pytest.mark.parametrize("mode", ["val", "predict", "track", "export", "benchmark"])
def test_an_argument_of_training_is_refused_elsewhere(mode):
    with pytest.raises(TintboxError, match="freeze") as caught:
        getattr(YOLO("yolo11n.yaml"), mode)(freeze="backbone")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("words", "mode"), [("freeze=backbone", "train"), ("coco_eval=True", "val"), ("", "train")])
def test_a_run_of_ours_says_where_it_cannot_write(cli, fruit, tmp_path, words, mode):
    (tmp_path / "file").write_text("mine")
    said = (mode, "model=yolo11n.yaml", f"data={fruit}", "imgsz=32", f"project={tmp_path}/file", *words.split())
    if not words:  # stock
        with pytest.raises(NotADirectoryError):
            cli(*said)
        return
    code, text = cli(*said)
    assert code == 1
    last = [line for line in text.splitlines() if line.strip()][-1]
    assert last.startswith(f"yolo: {tmp_path}/file/{mode}")
    assert last.endswith(": cannot be written (Not a directory); give another folder, project=")


@pytest.mark.parametrize(
    ("name", "task", "line"),
    [
        ("yolo11n.yaml", "colorize", "model=yolo11n.yaml is a detect model, not a colorize model; "
         "use `yolo detect ...`, or give a colorize model, e.g. model=colorize-unet.yaml"),
        ("colorize-unet.yaml", "detect", "model=colorize-unet.yaml is a colorize model, not a detect model; "
         "use `yolo colorize ...`, or give a detect model and this one as pretrained="),
    ],
)  # fmt: skip
def test_a_model_of_another_task_is_refused(name, task, line):
    with pytest.raises(TintboxError) as caught:
        YOLO(name, task=task)
    assert str(caught.value) == line


def test_stock_tasks_are_not_compared():
    assert YOLO("yolo11n.yaml", task="segment").task == "segment"


def test_darknets_weights_are_told_how_to_be_imported():
    with pytest.raises(TintboxError) as caught:
        YOLO("a/yolov3.weights")
    line = "model=a/yolov3.weights is Darknet's; import it with its .cfg first: "
    assert str(caught.value) == f"{line}tintbox import-legacy a/yolov3.weights a/yolov3.pt"
