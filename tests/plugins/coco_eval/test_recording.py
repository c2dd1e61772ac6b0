"""What is stored on Ultralytics' validator while it is recorded, what it records, and that it is removed again."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ultralytics import YOLO

from tintbox.plugins.coco_eval.recording import NAME, Recording

pytestmark = pytest.mark.usefixtures("one_thread")

CHOSEN = {"resamples": 40}


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_recorded_are_the_predictions_that_ultralytics_saves(task, validate, tmp_path, monkeypatch):
    """Ultralytics' own JSON has them rounded, boxes to 3 digits and scores to 5."""
    from ultralytics.models.yolo.detect import DetectionValidator

    monkeypatch.setattr(DetectionValidator, "coco_evaluate", lambda self, stats, *args, **kwargs: stats)
    validate(task, save_json=True, name="stock")
    stock = json.loads((tmp_path / "stock" / "predictions.json").read_text())
    found = validate(task, coco_eval=CHOSEN).coco.predictions.detections
    # For a custom detection dataset Ultralytics writes no ids, for segmentation the number in a file's name.
    assert [Path(row["file_name"]).stem for row in stock] == [str(i) for i in found.image_id]
    assert [row["category_id"] for row in stock] == found.category_id.tolist()
    assert np.abs(np.array([row["bbox"] for row in stock]) - found.bbox).max() < 0.0006
    assert np.abs(np.array([row["score"] for row in stock]) - found.score).max() < 0.000006
    if task == "segment":
        assert [row["segmentation"] for row in stock] == found.segmentation


def test_recorded_boxes_are_those_that_predict_gives(validate, detectors, rectangles):
    """In pixels of the file, although validation pads its batches differently."""
    outcome = validate(coco_eval=CHOSEN, conf=0.3, rect=False).coco
    for file, image_id in outcome.predictions.image_ids.items():
        boxes = YOLO(detectors["detect"]).predict(file, imgsz=64, conf=0.3, iou=0.7, rect=False, verbose=False)[0].boxes
        own = outcome.predictions.detections.image_id == image_id
        corners = outcome.predictions.detections.bbox[own]
        corners[:, 2:] += corners[:, :2]
        assert len(boxes) == own.sum()
        assert np.abs(corners - boxes.xyxy.numpy()).max(initial=0) < 0.01


@pytest.mark.parametrize("how", ["error", "interrupt"])
def test_a_validation_that_breaks_off_leaves_the_validator_as_it_was(how, rectangles, detectors, tmp_path):
    from ultralytics.models.yolo.detect import DetectionValidator

    def stop(validator):
        raise KeyboardInterrupt if how == "interrupt" else RuntimeError("the disk is on fire")

    arguments = {"model": str(detectors["detect"]), "data": str(rectangles["detect"]), "imgsz": 64, "plots": False}
    settings = {"coco_eval": CHOSEN, "save_json": True, "mode": "val", "device": "cpu"}
    validator = DetectionValidator(args={**arguments, **settings}, save_dir=tmp_path)
    validator.callbacks["on_val_batch_end"].append(stop)
    with pytest.raises((KeyboardInterrupt, RuntimeError)):
        validator()
    assert validator.args.save_json is True and validator.jdict == []
    assert not [name for name in vars(validator) if "tintbox" in name]


@pytest.mark.parametrize("save_json", [False, True])
def test_the_validator_is_left_as_it_was(save_json, rectangles, detectors, tmp_path):
    from ultralytics.models.yolo.detect import DetectionValidator

    arguments = {"model": str(detectors["detect"]), "data": str(rectangles["detect"]), "imgsz": 64, "plots": False}
    settings = {"coco_eval": {**CHOSEN, "explain": False}, "save_json": save_json, "mode": "val", "device": "cpu"}
    validator = DetectionValidator(args={**arguments, **settings}, save_dir=tmp_path)
    first, validator.dataloader = validator(), None
    assert (validator.args.save_json, validator.jdict) == (save_json, [])
    assert validator() == first, "and may run again"
    assert len(json.loads((tmp_path / "predictions.json").read_text()) if save_json else [1]) > 0


class Validator:
    """The parts of Ultralytics' validator that a recording uses."""

    def __init__(self, save_json):
        self.args, self.jdict = SimpleNamespace(save_json=save_json), []


@pytest.mark.parametrize("save_json", [False, True])
def test_a_recording_gives_back_what_it_took(save_json):
    validator = Validator(save_json)
    assert Recording.of(validator) is None and Recording.remove(validator) == {}
    checked = []
    recording = Recording(None, checked.append)
    recording.attach(validator)
    assert Recording.of(validator) is recording
    recording.begin(validator)
    assert not checked, "the class names are not there yet"
    validator.args.save_json = True  # as Ultralytics does for COCO's own dataset
    recording.begin_images(validator)
    assert checked == [validator]
    assert validator.args.save_json is False
    for file, score in (("a.png", 1), ("b.png", 2), ("a.png", 3)):  # a distributed sampler repeats images
        recording.add(validator, {"file": file, "score": score})
    found = Recording.remove(validator)
    assert {file: record["score"] for file, record in found.items()} == {"a.png": 3, "b.png": 2}
    assert validator.args.save_json is save_json and validator.jdict == [] and Recording.of(validator) is None
    assert Recording.remove(validator) == {}, "nothing the second time"


def test_a_recording_that_never_began_leaves_the_rows_of_ultralytics():
    validator = Validator(True)
    validator.jdict = [{"image_id": 1}]
    Recording(None, id).attach(validator)
    assert Recording.remove(validator) == {} and validator.jdict == [{"image_id": 1}] and validator.args.save_json


def test_the_seam_looks_for_the_same_name():
    from tintbox.plugins.host import evaluation

    assert evaluation.RECORDING == NAME
