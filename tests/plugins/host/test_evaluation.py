"""Predictions are passed to a recording in full precision and in pixels of the file."""

import numpy as np
import pytest
from ultralytics import YOLO
from ultralytics.models.yolo.detect import DetectionValidator

from tintbox.plugins.host import evaluation

from ...tiny_models import YOLO11N


class Recording:
    """Records the calls of its methods."""

    def __init__(self):
        self.calls, self.records = [], []

    def begin(self, validator):
        self.calls.append("begin")

    def begin_images(self, validator):
        self.calls.append("begin images")

    def add(self, validator, record):
        self.records.append(record)

    def remove(self, validator):
        self.calls.append("remove")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "yolo11n.pt"
    YOLO(YOLO11N).save(file)
    return file


@pytest.fixture
def validator(weights, fruit, tmp_path):
    settings = {"imgsz": 64, "conf": 1e-7, "max_det": 7, "plots": False, "mode": "val", "device": "cpu", "workers": 0}
    made = DetectionValidator(args={"model": str(weights), "data": str(fruit), **settings}, save_dir=tmp_path)
    made.tintbox_recording = Recording()
    return made


def test_every_picture_is_recorded_and_nothing_is_rounded(validator):
    seen = {}

    def look(running):
        running.original = getattr(running, "original", None) or running.scale_preds

        def scale(pred, prepared):
            scaled = running.original(pred, prepared)
            seen[prepared["im_file"]] = (scaled["bboxes"].clone(), pred["conf"].clone(), pred["cls"].clone())
            return scaled

        running.scale_preds = scale

    validator.add_callback("on_val_batch_start", look)
    validator()
    recording = validator.tintbox_recording
    assert recording.calls == ["begin", "begin images", "remove"]
    assert len(recording.records) == len(seen) == 4
    for record in recording.records:
        corners, scores, classes = seen[record["file"]]
        assert record["bbox"].dtype == record["score"].dtype == np.float64 and 0 < len(record["bbox"]) <= 7
        corners = corners.double().numpy()
        assert np.array_equal(record["bbox"][:, :2], corners[:, :2])
        assert np.array_equal(record["bbox"][:, 2:], corners[:, 2:] - corners[:, :2])
        assert np.array_equal(record["score"], scores.double().numpy())
        assert record["class"].tolist() == classes.int().tolist() and "segmentation" not in record


def test_a_validation_that_fails_gives_the_validator_back(validator):
    def fail(running):
        raise RuntimeError("stopped")

    validator.add_callback("on_val_batch_end", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        validator()
    assert validator.tintbox_recording.calls[-1] == "remove"


def test_within_a_training_and_without_a_recording_nothing_is_recorded(validator):
    assert evaluation._recording(validator) is None, "training, until the run says otherwise"
    validator.training = False
    assert evaluation._recording(validator) is validator.tintbox_recording
    del validator.tintbox_recording
    assert evaluation._recording(validator) is None
