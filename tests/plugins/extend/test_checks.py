"""User errors with `extend=` on the command line: one line, and nothing is created."""

import pytest
import yaml

from tintbox.errors import TintboxError

from .conftest import OLD

pytestmark = pytest.mark.attack("arguments")


@pytest.fixture
def refused(refusal, old, fruit):
    """Run `yolo detect train` with `extend=true` unless other arguments are given; returns the error line."""

    def run(*words, model=old["yolo11n"], data=fruit, extend="true"):
        return refusal("detect", "train", f"model={model}", f"data={data}", f"extend={extend}", "epochs=1", *words)

    return run


@pytest.fixture
def names(tmp_path_factory, fruit):
    """A dataset YAML with other class names for the same images."""

    def make(*names):
        described = yaml.safe_load(fruit.read_text())
        file = tmp_path_factory.mktemp("names") / "other.yaml"
        file.write_text(yaml.safe_dump({**described, "names": list(names)}))
        return file

    return make


@pytest.mark.parametrize(
    ("extend", "words"),
    [
        ("nek", "extend=nek: give true, head, slim, neck"),
        ("7", "extend=7: give true, head, slim, neck"),
        ("slimm", "did you mean 'slim'?"),
        ("backbone[2:4]", "a branch goes on to the end"),
        ("backbone[0:]", "nothing would be shared"),
        ("neck[40:]", "extend=neck[40:]: neck has 12 layers in yolo11n"),
    ],
)
def test_forks_that_are_none(refused, extend, words):
    assert words in refused(extend=extend)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("freeze=backbone[5:]", "backbone has 2 layers in yolo11n"),
        ("freeze=10", "freeze=10: numbers of layers are the old model's"),
        ("freeze=model.3", "freeze=model.3: model.3.bn.bias is of the old model"),
        ("freeze=['all',7]", "freeze=7: no layer 7 in yolo11n (23 to 37)"),
        ("lr_scale={3: 0.1}", "lr_scale={3: 0.1}: no layer 3"),
        ("lr_scale={model.0.conv: 0.1}", "is of the old model, which stays as it is"),
        ("freeze=all", "nothing is left to train"),
        ("unfreeze={1: backbone}", "nothing is frozen"),
        ("classes=[0,1]", "no new class in data="),
        ("classes=[99]", "classes=[99]: no class 99 in data="),
        ("classes=[2,8]", "no class 8 in data="),
        ("classes=c", "classes=c: no class c in data="),
        ("classes=[[2],[3]]", "no class [2] in data="),
        ("classes=[]", "classes=[] chooses none; its classes are numbered 0 to 7"),
        ("pretrained=other.pt", "pretrained=other.pt would replace the weights"),
        ("distill_model=yolo11n.pt", "distill_model=yolo11n.pt does not go with extend=True"),
        ("compile=True", "compile=True does not go with extend=True"),
        ("cls_pos_weight={a: 2}", "cls_pos_weight={'a': 2}"),
    ],
)
def test_arguments_that_do_not_go_with_it(refused, argument, words):
    extend = "neck" if argument.startswith("unfreeze") else "backbone[9:]"
    line = refused(argument, extend=extend if "extend=True" not in words else "true")
    assert words in line


def test_a_group_that_is_shared(refused):
    for argument in ("freeze=backbone", "lr_scale={backbone: 0.5}"):
        line = refused(argument, extend="neck").replace("'", "")
        assert f"{argument}: no such group" in line and "add freeze=None unfreeze=None lr_scale=None" in line


def test_models_that_cannot_be_extended(refused, old):
    assert "yolo11n has no trained weights; give a checkpoint" in refused(model="yolo11n.yaml")


def test_models_that_are_none(refused, tmp_path_factory, fruit):
    folder = tmp_path_factory.mktemp("none")
    (folder / "list.yaml").write_text("- 1\n")
    assert f"{fruit}: no model's YAML, which would have a backbone" in refused(model=fruit)
    assert "list.yaml: no mapping" in refused(model=folder / "list.yaml")
    assert f"model={folder} cannot be trained" in refused(model=folder)
    assert f"{folder}/no.pt: No such file" in refused(model=folder / "no.pt")
    assert "'no.onnx' does not exist" in refused(model="no.onnx")


def test_another_task(refusal, fruit):
    line = refusal("segment", "train", "model=yolo11n-seg.yaml", f"data={fruit}", "extend=true", "epochs=1")
    assert "extend=True: yolo11n-seg is a segment model; only detect models can be extended" in line


def test_datasets_that_add_nothing_or_contradict(refused, names):
    assert "no new class in data=" in refused(data=names("x", " Y", "A", "b "), extend="true")
    assert "'n' is the name of two classes" in refused(data=names("n", "m", "N"))


def test_a_finished_extension_knows_its_classes_and_trains_with_extend_alone(refused, refusal, extended, fruit):
    best = extended["yolo11n"].best
    assert "the model knows a, b, c, d, e, 3 more" in refused(model=best)
    line = refusal("train", f"model={best}", f"data={fruit}", "epochs=1")
    assert "is an extended model, which stays as it is; train new classes beside it with extend=true" in line


def test_boxes_that_a_dataset_does_not_have(refused, names):
    """Before a folder is created: the labels are read for it."""
    bare = names(*"abcdefghi")
    line = refused("classes=[0,8]", data=bare)
    assert f"no training image of data={bare} has a box of i" in line
    assert "has a box of item" in refused("classes=8", "single_cls=True", data=bare)


def test_datasets_that_cannot_be_read(refused, tmp_path_factory):
    assert "data=nowhere.yaml: 'nowhere.yaml' does not exist" in refused(data="nowhere.yaml")
    empty = tmp_path_factory.mktemp("empty")
    assert f"data={empty}: No YAML file found" in refused(data=empty)
    (empty / "data.yaml").write_text("names: [n]\ntrain: images\nval: .\n")
    assert "no images in split 'train'" in refused(data=empty / "data.yaml")


def test_images_of_other_channels(refused, fruit, tmp_path_factory):
    grey = tmp_path_factory.mktemp("grey") / "grey.yaml"
    grey.write_text(f"{fruit.read_text()}channels: 1\n")
    assert f"data={grey} has images of 1 channels, the model takes 3" in refused(data=grey)


def test_one_class_made_of_chosen_ones(old, fruit, train_tiny):
    trainer = train_tiny(old["yolo11n"], fruit, extend="head", single_cls=True, classes=[2, 3], val=False)
    assert list(trainer.model.names.values()) == [*OLD, "item"]
    whole = [line for file in fruit.parent.glob("labels/train/*.txt") for line in file.read_text().splitlines()]
    boxes = sum(len(label["cls"]) for label in trainer.train_loader.dataset.labels)
    assert boxes == sum(line.split()[0] in "23" for line in whole) > 0
    again = train_tiny(trainer.last, fruit, extend="head", val=False)  # Ultralytics' default is the checkpoint's value
    assert list(again.model.names.values()) == [*OLD, "item", *"cdefgh"]
    with pytest.raises(TintboxError, match="single_cls=True: the new class would be 'item', which the model knows"):
        train_tiny(trainer.last, fruit, extend="head", single_cls=True)


def test_nothing_to_resume(refused):
    assert "is a finished run's: there is nothing to resume" in refused("resume=True")


def test_several_datasets(extended, old, fruit, tmp_path):
    from ultralytics import YOLO

    with pytest.raises(TintboxError, match="give one dataset"):
        YOLO(old["yolo11n"]).train(data=[str(fruit)] * 2, extend=True, project=str(tmp_path / "runs"))
    assert not list(tmp_path.iterdir())


def test_an_export_that_needs_the_stock_head(refusal, extended):
    line = refusal("export", f"model={extended['yolo11n'].best}", "format=ncnn", "imgsz=64")
    assert "format=ncnn: extended models export to torchscript, onnx, openvino, engine" in line


def test_where_it_does_not_count(refusal, old, fruit):
    line = refusal("detect", "val", f"model={old['yolo11n']}", f"data={fruit}", "extend=true")
    assert "extend=True: counts in `yolo detect train` only" in line
