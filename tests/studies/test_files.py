"""The files that a study's arguments name."""

import pytest
import torch

from tintbox import run_arguments
from tintbox.errors import TintboxError, TintboxFileError
from tintbox.studies import files


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    files.model.cache_clear()
    files.recipe.cache_clear()


@pytest.mark.parametrize(
    ("name", "task", "head"),
    [
        ("yolo11n.yaml", "detect", "Detect"),
        ("yolo11n-seg.yaml", "segment", "Segment"),
        ("yolov8.yaml", "detect", "Detect"),
        ("colorize-unet.yaml", "colorize", None),
        ("yolov5n-anchor.yaml", "detect", "AnchorDetect"),
    ],
)
def test_what_a_model_is_by_its_yaml(name, task, head):
    assert files.model(name) == files.Model(task, head)


def test_of_weights_nothing_is_known_before_they_are_loaded(here):
    torch.save({}, here / "mine.pt")
    assert files.model("mine.pt") == files.Model()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yolo99.yaml", "model=yolo99.yaml: 'yolo99.yaml' does not exist"),
        ("mine.pt", "model=mine.pt: 'mine.pt' does not exist"),
        ("mine.onnx", r"model=mine.onnx: give weights that can be trained \(.pt\) or a .yaml"),
        ("it's.pt", "model=it's.pt: 'it's.pt' does not exist"),
        ("yolo11n.pt", "not here, and offline it cannot be downloaded; give the path of a file"),
        ("yolo11nn.pt", r"does not exist; did you mean 'yolo11n\.pt'"),
        ("empty.yaml", "a YAML file of key: value lines is wanted"),
        ("headless.yaml", "no model, for it has no head that is a list of modules"),
        ("broken.yaml", "model=.*broken.yaml"),
    ],
)
def test_models_that_cannot_be_trained(here, name, message):
    (here / "empty.yaml").touch()
    (here / "headless.yaml").write_text("nc: 3\nhead: [1]\n")
    (here / "broken.yaml").write_text("a: [\n")
    with pytest.raises(TintboxError, match=message) as caught:
        files.check("model", name)
    assert "\n" not in str(caught.value)


def test_recipes_are_checked_by_name_value_and_task(here):
    for text, message in (
        ("epohcs: 3\n", "cfg=r0.yaml: 'epohcs' is no argument of `yolo train`; did you mean 'epochs'"),
        ("epochs: many\n", "cfg=r1.yaml: "),
        ("task: detct\n", "cfg=r2.yaml: "),
        ("- 1\n", "cfg=r3.yaml: a YAML file of key: value lines is wanted"),
        ("crop: 9\n", "crop=9"),
    ):
        name = f"r{message[5]}.yaml" if message.startswith("cfg=r") else "r9.yaml"
        (here / name).write_text(text)
        with pytest.raises(TintboxError) as caught:
            files.check("cfg", name)
        assert message in str(caught.value) and "\n" not in str(caught.value)
    (here / "good.yaml").write_text("epochs: 3\ncfg: other.yaml\n")
    assert files.recipe("good.yaml") == {"epochs": 3}


@pytest.mark.parametrize("key", ["cfg", "data", "model", "pretrained"])
def test_none_stands_for_what_a_run_without_the_argument_has(here, key):
    files.check(key, None)


def test_a_runs_arguments_come_with_those_beside_them(here):
    (here / "args.yaml").write_text(f"{run_arguments.HEADER}epochs: 3\n")
    (here / "tintbox.yaml").write_text("freeze: neck\n")
    assert files.recipe("args.yaml") == {"epochs": 3, "freeze": "neck"}


@pytest.mark.parametrize("value", ["https://x.org/a.yaml", "folder", "a.zip", "mine", "fruitbowl", None])
def test_datasets_that_are_left_to_the_runs(here, value):
    """`mine` is `mine.yaml`, as for Ultralytics."""
    (here / "folder").mkdir()
    (here / "a.zip").touch()
    (here / "mine.yaml").write_text("train: a\n")
    files.check("data", value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("mien.yaml", r"^data=mien\.yaml: 'mien\.yaml' does not exist; did you mean 'mine\.yaml'\?$"),
        (
            "mien",
            r"^data=mien: 'mien' does not exist; give a dataset's YAML, which names its images",
        ),
        ("a.zip", r"^data=a\.zip: 'a.zip' does not exist; "),
        (3, r"^data=3: '3' does not exist; "),
    ],
)
def test_datasets_that_are_nowhere(here, value, message):
    (here / "mine.yaml").write_text("train: a\n")
    with pytest.raises(TintboxFileError, match=message):
        files.check("data", value)


def test_datasets_and_weights_that_are_nowhere():
    with pytest.raises(TintboxFileError, match=r"data=a\.yaml: 'a\.yaml' does not exist"):
        files.check("data", "a.yaml")
    with pytest.raises(TintboxFileError, match=r"pretrained=x\.pt: 'x\.pt' does not exist"):
        files.check("pretrained", "x.pt")
    for value in (True, False, None):
        files.check("pretrained", value)
    files.check("pretrained", "https://x.org/x.pt")
