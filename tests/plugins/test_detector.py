"""Loading a detector's checkpoint, and errors of invalid ones."""

import pytest
import torch
from ultralytics import YOLO

from tintbox.errors import CheckpointError, TintboxError, TintboxFileError
from tintbox.plugins.detector import TASKS, load_detector


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Checkpoints of a detector and a classifier."""
    folder = tmp_path_factory.mktemp("weights")
    for name in ("yolo11n", "yolo11n-cls"):
        YOLO(f"{name}.yaml").save(folder / f"{name}.pt")
    return folder


def test_a_detector_is_loaded(weights):
    detector = load_detector(weights / "yolo11n.pt")
    assert detector.task == "detect" and detector.task in TASKS


def test_a_yaml_has_no_weights():
    for name in ("yolo11n.yaml", "mine.yml"):
        with pytest.raises(TintboxError, match=f"model={name} is a model's YAML, without trained weights"):
            load_detector(name)


def test_no_such_file(weights):
    with pytest.raises(TintboxFileError, match=r"yolo11nn\.pt: no such file; did you mean 'yolo11n\.pt'\?$"):
        load_detector(weights / "yolo11nn.pt")
    with pytest.raises(TintboxFileError, match=r"nowhere/zzz\.pt: no such file$"):
        load_detector(weights / "nowhere" / "zzz.pt")


def test_a_model_without_boxes(weights):
    with pytest.raises(TintboxError, match=r"is a classify model, which has no boxes; give one of detect, segment$"):
        load_detector(weights / "yolo11n-cls.pt", offered=("detect", "segment"))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04" + bytes(40)])
def test_a_file_that_is_no_checkpoint(tmp_path, content):
    file = tmp_path / "x.pt"
    file.write_bytes(content)
    with pytest.raises(TintboxError) as caught:
        load_detector(file)
    assert str(caught.value).startswith(f"model={file}") and "\n" not in str(caught.value)


def test_a_checkpoint_of_something_else(tmp_path):
    torch.save({"weights": torch.ones(3)}, tmp_path / "x.pt")
    with pytest.raises(TintboxError, match=r"model=.*x\.pt: cannot be loaded \(") as caught:
        load_detector(tmp_path / "x.pt")
    assert "\n" not in str(caught.value) and isinstance(caught.value.__cause__, CheckpointError)
