"""The drawn images with the worst errors: which ones, in what order, and what is in them."""

import cv2
import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.errors import picture as error_picture
from tintbox.plugins.coco_eval.errors.chart import bars
from tintbox.plugins.coco_eval.errors.examples import Weight, draw_worst, weigh
from tintbox.plugins.coco_eval.errors.picture import COLOURS
from tintbox.plugins.coco_eval.pictures import save

from .conftest import explain

CAT, DOG = 1, 2


@pytest.fixture
def drawn(monkeypatch):
    """The titles and panels that were drawn, in order."""
    calls, draw = [], error_picture.draw

    def recorded(picture, width, height, panels, faint, title, file):
        calls.append((title, panels, picture.shape, (width, height)))
        draw(picture, width, height, panels, faint, title, file)

    monkeypatch.setattr("tintbox.plugins.coco_eval.errors.examples.draw", recorded)
    return calls


def test_weights_are_objects_not_found_plus_scores_of_false_detections(case):
    truth, detections, explanation = case
    weights = weigh(explanation, truth, detections)
    assert [(w.image_id, w.lost, pytest.approx(w.false)) for w in weights] == [(6, 2, 1.3), (5, 1, 0.6), (7, 0, 0.7)]
    assert Weight(1, 2, 0.5).total == 2.5


def test_the_worst_pictures(near, case, drawn, tmp_path):
    truth, detections, explanation = case
    paths = {i: tmp_path / f"{i}.png" for i in (5, 6)}
    for path in paths.values():
        cv2.imwrite(str(path), np.full((150, 200, 3), 128, np.uint8))
    draw_worst(explanation, truth, detections, paths, tmp_path / "new" / "worst")
    files = sorted((tmp_path / "new" / "worst").iterdir())
    assert [file.name for file in files] == ["01_$6_a$.jpg", "02_$5_a$.jpg", "03_$7_a$.jpg"]
    assert drawn[0][0] == "1 of 3: $6_a$.png, weight 3.30: 2 not found, scores of false detections 1.30"
    assert list(drawn[0][1]) == [
        "truth: 1 localisation, 1 missed",
        "detections from 0.25 on: 1 localisation, 1 both",
    ]
    (objects, found), (seventh, _) = drawn[1][1].values(), drawn[2][1].values()
    assert [(box.kind, box.lost, box.faint) for box in objects] == [
        ("true positive", False, False),
        ("classification", True, False),
    ]
    assert [box.words for box in found] == ["cat 0.60, is dog $x$", "cat 0.90"]  # the highest score on top
    assert [(box.kind, box.faint) for box in seventh] == [("true positive", True)]
    pictures = [cv2.imread(str(file)) for file in files]
    for picture, kinds in zip(pictures, (("localisation", "both", "missed"), ("classification",), ("background",))):
        assert all(near(picture, COLOURS[kind]) > 500 for kind in kinds)
    assert near(pictures[0], COLOURS["background"]) < 20
    assert near(pictures[1], "#808080") > 50_000  # the image itself
    assert near(pictures[2], "#e1e1e1") > 50_000  # a grey area, because there is no file


def test_no_more_than_asked_for(case, tmp_path):
    truth, detections, explanation = case
    draw_worst(explanation, truth, detections, {}, tmp_path, n=1)
    assert [file.name for file in tmp_path.iterdir()] == ["01_$6_a$.jpg"]


def test_big_pictures_are_scaled_down_and_boxes_stay_in_place(case, drawn, tmp_path):
    truth, detections, explanation = case
    file = tmp_path / "big.png"
    cv2.imwrite(str(file), np.full((1000, 4000, 3), 128, np.uint8))
    draw_worst(explanation, truth, detections, {6: file}, tmp_path / "out", n=1)
    (made,) = (tmp_path / "out").iterdir()
    assert drawn[0][2:] == ((320, 1280, 3), (4000, 1000))
    assert max(cv2.imread(str(made)).shape) <= 2000


def test_pictures_that_cannot_be_read_or_have_no_size(case, drawn, tmp_path):
    _, detections, explanation = case
    truth = Truth([{"id": i} for i in (5, 6, 7, 8)], case[0].annotations, case[0].categories)
    (tmp_path / "text.png").write_text("no picture")
    draw_worst(explanation, truth, detections, {6: tmp_path / "text.png", 5: tmp_path}, tmp_path / "out", n=2)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["01_6.jpg", "02_5.jpg"]
    assert [call[3] for call in drawn] == [(180, 80), (180, 80)]  # the extent of the boxes


@pytest.mark.parametrize(
    ("name", "stem"), [("a\x00b/c\x1b.png", "c\\x1b"), ("ä" * 300 + ".png", "ä" * 100), ("a\udcff.png", "a\\udcff")]
)
def test_names_that_no_file_can_have(name, stem, case, tmp_path):
    truth, detections, explanation = case
    images = [{**image, "file_name": name} for image in truth.images]
    paths = {image["id"]: tmp_path / name for image in images}
    draw_worst(explanation, Truth(images, truth.annotations, truth.categories), detections, paths, tmp_path, n=1)
    assert [file.name for file in tmp_path.iterdir()] == [f"01_{stem}.jpg"]


def test_without_errors_there_is_nothing_to_draw(tmp_path):
    truth = Truth([{"id": 1, "width": 9, "height": 9}], [], [{"id": 1, "name": "a"}])
    nothing = Detections(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)), np.zeros(0))
    draw_worst(explain(truth, nothing), truth, nothing, {}, tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(case, tmp_path):
    truth, detections, explanation = case
    (tmp_path / "file").write_text("")
    with pytest.raises(TintboxError, match="cannot be written"):
        draw_worst(explanation, truth, detections, {}, tmp_path / "file")
    with pytest.raises(TintboxError, match="cannot be written"):
        save(bars(explanation), tmp_path / "file" / "chart.png")
