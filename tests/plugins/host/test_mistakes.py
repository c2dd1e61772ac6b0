"""User errors that Ultralytics detects: a `TintboxError` for a colouriser, its own error for every other task."""

import pytest
from ultralytics import YOLO

from tintbox.errors import TintboxError

pytestmark = pytest.mark.attack("newcomer")


@pytest.fixture
def colouriser(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return YOLO("colorize-unet.yaml")


@pytest.mark.parametrize(
    "arguments", [{"epochs": -1}, {"epochs": "three"}, {"fliplr": 2}, {"device": "99"}, {"optimizer": "Foo"}]
)
def test_python_gets_a_mistake(colouriser, tiny_data, arguments):
    with pytest.raises(TintboxError, match=str(next(iter(arguments.values())))) as caught:
        colouriser.train(data=str(tiny_data), **{"imgsz": 32, "epochs": 1, **arguments})
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None, "the error of Ultralytics is kept"


@pytest.mark.parametrize(("arguments", "kind"), [({"epochs": "three"}, TypeError), ({"device": "99"}, ValueError)])
def test_another_task_keeps_its_errors(monkeypatch, tmp_path, arguments, kind):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as caught:
        YOLO("yolo11n.yaml").train(data="coco8.yaml", **arguments)
    assert not isinstance(caught.value, TintboxError)


def test_files_that_are_not_there_are_still_file_errors(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jpg does not exist") as caught:
        YOLO(trained / "weights" / "best.pt").predict(tmp_path / "nowhere.jpg")
    assert isinstance(caught.value, TintboxError)
    with pytest.raises(FileNotFoundError, match=r"nothing\.pt") as caught:
        YOLO("nothing.pt", task="colorize")
    assert isinstance(caught.value, TintboxError)


def test_a_bug_is_no_mistake(cli, trained, tiny_data, monkeypatch):
    """The same error from any other place in a colouriser's run is shown unchanged."""
    from tintbox.colorization.validator import ColorizeValidator

    def broken(self, *args):
        raise ValueError("a bug")

    monkeypatch.setattr(ColorizeValidator, "init_metrics", broken)
    with pytest.raises(ValueError, match="a bug") as caught:
        cli("colorize", "val", f"model={trained}/weights/best.pt", f"data={tiny_data}", "imgsz=32")
    assert not isinstance(caught.value, TintboxError)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("colorize trian=3 train", "'trian' is not a valid YOLO argument"),
        ("colorize train epochs", "'epochs' is a valid YOLO argument but is missing an '=' sign"),
        ("colorize mode=teach", "Invalid 'mode=teach'. Valid modes are"),
        ("colorize train cfg=nowhere.yaml", "'nowhere.yaml' does not exist"),
        ("colorize train classes=[1,2", "classes=[1,2"),
        ("colorize train model=nowhere.yaml", "'nowhere.yaml' does not exist"),
        ("colorize val model=weights.foo", "weights.foo"),
        ("colorize train half plots=", "'plots=' has no value"),
        ("colorize train resume", "resume=True: model=colorize-unet.yaml is no checkpoint of a stopped run"),
        ("colorize train model=colorize-unet.yaml resume=True", "give its last.pt as model="),
    ],
)
def test_words(refusal, words, line):
    assert line in refusal(*words.split())


@pytest.mark.parametrize(
    ("content", "why"),
    [("epochs: !!python/name:os.system", "YAML syntax error"), ("[1]", "not a valid YAML mapping")],
)
def test_a_configuration_that_cannot_be_read(refusal, tmp_path, content, why):
    """Stock says that `cfg=bad.yaml` is no valid argument: the name is right, the file is not."""
    (tmp_path / "bad.yaml").write_text(content)
    line = refusal("colorize", "train", f"cfg={tmp_path}/bad.yaml")
    assert f"cfg={tmp_path}/bad.yaml: " in line and why in line


def test_weights_of_another_kind(colouriser, tiny_data, tmp_path):
    (tmp_path / "weights.yaml").write_text("a: 1")
    with pytest.raises(TintboxError, match=r"weights\.yaml acceptable suffix is"):
        colouriser.train(data=str(tiny_data), imgsz=32, epochs=1, pretrained=str(tmp_path / "weights.yaml"))
