"""The results of a validation with COCO evaluation."""

import pytest

from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.outcome import Outcome, Predictions, check_task
from tintbox.plugins.coco_eval.settings import Settings

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.attack("newcomer")
def test_results_are_a_mapping(validate):
    outcome = validate("segment", coco_eval={"resamples": 0}).coco
    assert list(outcome) == list(outcome.keys()) == ["bbox", "segm"] and len(outcome) == 2
    assert "segm" in outcome and "pose" not in outcome and outcome.get("pose") is None
    assert dict(outcome) == outcome.evaluations and dict(outcome.items())["segm"] is outcome["segm"]
    assert repr(outcome).startswith("Outcome({'bbox': <boxes of 10 images: AP=") and len(repr(outcome)) < 300
    assert outcome._repr_html_().count("<table>") == 6


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_tasks_that_are_evaluated(task):
    assert check_task(task) is None


@pytest.mark.parametrize("task", ["pose", "classify", "colorize", "obb", ""])
def test_tasks_that_are_not(task):
    assert check_task(task) == f"COCO evaluation is for detect and segment models, not for {task}"


def test_an_outcome_is_a_mapping_of_what_was_evaluated():
    found = Outcome({"bbox": "boxes", "segm": "masks"}, None)
    assert list(found) == ["bbox", "segm"] and len(found) == 2 and found["segm"] == "masks"
    assert dict(found) == {"bbox": "boxes", "segm": "masks"} and "x" not in found
    with pytest.raises(KeyError):
        found["x"]
    assert repr(found) == "Outcome({'bbox': 'boxes', 'segm': 'masks'})"


def test_the_worst_pictures_have_a_folder_for_each_kind(pair, tmp_path):
    explained = evaluate(*pair, settings=Settings(resamples=0))
    silent = evaluate(*pair, settings=Settings(resamples=0, explain=False))
    Outcome({"bbox": explained, "segm": explained}, Predictions(*pair)).draw_worst({}, tmp_path, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worst", "worst_segm"]
    Outcome({"bbox": silent}, Predictions(*pair)).draw_worst({}, tmp_path / "none", 1)
    assert not (tmp_path / "none").exists(), "without errors there is nothing to draw"
