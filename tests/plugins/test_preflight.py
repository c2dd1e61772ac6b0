"""Errors in fine-tuning arguments: one line, before anything is created."""

import pytest

DETECT = ("detect", "train", "model=yolo11n.yaml", "data=coco8.yaml", "epochs=20")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["freeze=bakbone"], "did you mean 'backbone'"),
        (["freeze=[backbone, 99]"], "99"),
        (["freeze=all"], "nothing is left to train"),
        (["freeze=backbone", "unfreeze={50: all}"], "the run has 20 epochs"),
        (["freeze=backbone", "unfreeze=neck"], "give a mapping from epoch to selectors"),
        (["unfreeze={5: neck}"], "nothing is frozen"),
        (["freeze_bn=sometimes"], "give auto, true or false"),
        (["lr_scale={backbnoe: 0.1}"], "did you mean 'backbone'"),
        (["lr_scale=-1"], "lr_scale=-1"),
        (["cls_pos_weight=balanecd"], "did you mean 'balanced'"),
        (["cls_pos_weight=-1"], "a weight is a number from 1e-6 to 1e6"),
        (["cls_pos_weight=.nan"], "cls_pos_weight=.nan"),
        (["cls_pos_weight=[1, 2]"], "2 weights, expected nc=80 names"),
        (["cls_pos_weight={persn: 2}"], "did you mean 'person'"),
        (["cls_pos_weight={person: 2}", "single_cls=True"], "no class 'person'; there are: item"),
        (["cls_smoothing=1.5"], "give a number from 0 to 1"),
        (["cls_focal={gama: 2}"], "did you mean 'gamma'"),
    ],
)
def test_mistakes(refusal, tmp_path, words, message):
    assert message in refusal(*DETECT, *words, f"project={tmp_path}/runs")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("coco9.yaml", "data=coco9.yaml: 'coco9.yaml' does not exist"),
        ("half.yaml", "data=half.yaml: no val split; `tintbox recipe model= data=half.yaml split=0.2` makes one"),
    ],
)
def test_a_dataset_that_cannot_be_trained_on(refusal, tmp_path, monkeypatch, data, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "half.yaml").write_text("train: images\nnames: [a]\n")
    assert message in refusal("detect", "train", "model=yolo11n.yaml", f"data={data}", "freeze=backbone")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("segment", "data=boxes.yaml: its labels are boxes, so it is no dataset for `yolo segment`"),
        ("obb", "data=boxes.yaml: its labels are boxes, so it is no dataset for `yolo obb`"),
        ("pose", "data=boxes.yaml: it has no kpt_shape, so it is no dataset for `yolo pose`"),
        ("classify", "data=boxes.yaml: `yolo classify` takes a folder with a folder of images for each class"),
    ],
)
def test_a_dataset_of_another_task(refusal, tmp_path, monkeypatch, task, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boxes.yaml").write_text(f"path: {tmp_path}\ntrain: images\nval: images\nnames: [a]\n")
    for name, rows in (("a", ""), ("b", "0 0.5 0.5 0.1 0.1\n")):
        for folder, file, content in (("images", f"{name}.png", b""), ("labels", f"{name}.txt", rows.encode())):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / file).write_bytes(content)
    model = {"classify": "cls", "segment": "seg"}.get(task, task)
    assert message in refusal(task, "train", f"model=yolo11n-{model}.yaml", "data=boxes.yaml", "lr_scale=0.9")


@pytest.mark.parametrize(
    ("model", "task"),
    [("yolo11n-cls.yaml", "classify"), ("rtdetr-l.yaml", "detect"), ("colorize-unet.yaml", "colorize")],
)
def test_models_without_a_classification_bce_are_named(refusal, tmp_path, model, task):
    line = refusal("train", f"model={model}", "cls_focal=1.5", "data=coco8.yaml", f"project={tmp_path}/runs")
    assert "cls_focal=1.5" in line
    assert task in line


@pytest.mark.attack("arguments")
@pytest.mark.parametrize("argument", ["freeze=backbone", "extend=true", "cls_focal=1.5"])
def test_an_exported_model_is_refused(refusal, tmp_path_factory, argument):
    file = tmp_path_factory.mktemp("exported") / "model.onnx"
    file.write_bytes(b"")
    line = refusal("detect", "train", f"model={file}", "data=coco8.yaml", argument)
    assert f"model={file} cannot be trained; give the checkpoint" in line


def test_an_exported_model_without_our_arguments_is_refused_as_ever(tmp_path):
    from ultralytics import YOLO

    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(TypeError, match=r"should be a \*.pt PyTorch model"):
        YOLO(tmp_path / "model.onnx", task="detect").train(data="coco8.yaml")
