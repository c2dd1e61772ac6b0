"""`coco_eval` at the end of `yolo train`, with small models that really detect."""

import json

import numpy as np
import pytest
from ultralytics import YOLO

from tintbox.errors import TintboxError

from .conftest import CHOSEN, broken_labels, pycocotools, warnings

pytestmark = pytest.mark.usefixtures("one_thread", "nothing_is_installed")


def test_other_tasks_are_refused_before_training(tmp_path):
    for file, task in (("yolo11n-pose.yaml", "pose"), ("yolo11n-cls.yaml", "classify")):
        with pytest.raises(TintboxError, match=f"COCO evaluation is for detect and segment models, not for {task}"):
            YOLO(file).train(data="nothing.yaml", coco_eval=True, project=str(tmp_path))


@pytest.fixture
def train(rectangles, detectors, tmp_path):
    """Train a small model for one epoch."""

    def run(task="detect", data=None, name="run", callbacks=(), **arguments):
        model = YOLO(detectors[task])
        for event, function in callbacks:
            model.add_callback(event, function)
        settings = {
            "data": str(data or rectangles[task]), "epochs": 1, "batch": 8, "imgsz": 64, "workers": 0, "plots": False,
            "device": "cpu", "project": str(tmp_path), "name": name, "lr0": 1e-4, "optimizer": "AdamW", "seed": 1,
        }  # fmt: skip
        return model.train(**{**settings, **arguments})

    return run


def result(folder):
    """The rows of results.csv, without the time."""
    header, *rows = (line.split(",") for line in (folder / "results.csv").read_text().splitlines())
    return [{k: v for k, v in zip(header, row) if k != "time"} for row in rows]


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_once_at_the_end_of_training(task, train, tmp_path, log):
    metrics = train(task, coco_eval=CHOSEN, epochs=2, save_json=True)
    assert sum("COCO evaluation of boxes" in text for _, text in log) == 1
    content = json.loads((tmp_path / "run" / "coco.json").read_text())
    assert content["model"] == str(tmp_path / "run" / "weights" / "best.pt")
    for kind, evaluation in metrics.coco.evaluations.items():
        stats = pycocotools(tmp_path / "run", kind)
        assert stats[1] > 0.3
        assert np.abs(np.nan_to_num(evaluation.values, nan=-1) - stats).max() < 1e-9
    assert "coco_eval:" in (tmp_path / "run" / "tintbox.yaml").read_text()


def test_training_is_the_same_with_it(train, tmp_path):
    with_it, without = train(coco_eval=CHOSEN), train(name="stock")
    assert with_it.results_dict == without.results_dict
    assert result(tmp_path / "run") == result(tmp_path / "stock")


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_failing_evaluation_leaves_the_run_its_results(when, train, variant, tmp_path, log):
    data = variant(extra="annotations: {val: gt.json}\n" if when == "before" else "")
    if when == "before":
        (data.parent / "gt.json").write_text("[]")
    late = [("on_train_epoch_start", lambda trainer: broken_labels(data.parent))] if when == "meanwhile" else []
    metrics = train(data=data, coco_eval=CHOSEN, callbacks=late)
    assert not hasattr(metrics, "coco")
    assert metrics.results_dict["metrics/mAP50(B)"] > 0.3
    assert (tmp_path / "run" / "weights" / "best.pt").is_file() and len(result(tmp_path / "run")) == 1
    told = warnings(log)
    assert len(told) == (2 if when == "before" else 1)
    assert ("gt.json" if when == "before" else "is outside 0..1") in told[-1]
    assert "the run's other results are complete" in told[-1]
    assert told[-1].endswith(f"tintbox coco-eval model={tmp_path / 'run' / 'weights' / 'best.pt'}")
    assert all("\n" not in line for line in told)
    if when == "before":
        assert "mend it before the run ends" in told[0]


def test_any_error_of_the_evaluation_leaves_the_run_its_results(train, monkeypatch, tmp_path, log):
    from tintbox.plugins.coco_eval import validation

    monkeypatch.setattr(validation, "evaluate", lambda *args, **kwargs: 1 / 0)
    metrics = train(coco_eval=CHOSEN)
    assert metrics.results_dict["metrics/mAP50(B)"] > 0.3
    (told,) = warnings(log)
    assert told.startswith("coco_eval=True: ZeroDivisionError: division by zero; the run's other results are complete")
