"""The bar chart of the cost of each kind of error."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.errors import chart as error_chart
from tintbox.plugins.coco_eval.errors.picture import COLOURS
from tintbox.plugins.coco_eval.errors.tide import KINDS, SPECIALS
from tintbox.plugins.coco_eval.pictures import save

from .conftest import explain


def test_the_chart_has_a_column_per_kind_and_a_row_per_class(near, case, tmp_path, monkeypatch):
    _, _, explanation = case
    columns = {}
    bars = error_chart._bars

    def recorded(axes, title, places, values, colour, top):
        columns[title] = values
        bars(axes, title, places, values, colour, top)

    monkeypatch.setattr(error_chart, "_bars", recorded)
    file = tmp_path / "new" / "chart.png"
    save(error_chart.bars(explanation), file)
    assert list(columns) == ["AP50", *KINDS, *SPECIALS]
    cat, dog, _ = explanation.classes
    assert cat.ap > dog.ap == 0
    assert columns["AP50"] == [explanation.overall.ap, dog.ap, cat.ap]  # lowest first; no row without objects
    for kind in KINDS + SPECIALS:
        assert columns[kind] == [loss.gain[kind] for loss in (explanation.overall, dog, cat)]
    picture = cv2.imread(str(file))
    lost = [kind for kind in KINDS if max(columns[kind]) > 0.1]
    assert lost and all(near(picture, COLOURS[kind]) > 500 for kind in lost)


def test_the_chart_shows_no_more_than_twenty_classes(tmp_path, monkeypatch):
    count = 30
    truth = Truth(
        [{"id": 1, "width": 900, "height": 20}],
        [
            {"id": i, "image_id": 1, "category_id": i, "bbox": [30 * i - 30, 0, 10, 10], "area": 100, "iscrowd": 0}
            for i in range(1, count + 1)
        ],
        [{"id": i, "name": f"class {i}"} for i in range(1, count + 1)],
    )
    half = range(1, count, 2)  # these are found
    boxes = [truth.annotations[i - 1]["bbox"] for i in half]
    detections = Detections(np.ones(15, int), np.array(half), np.array(boxes, float), np.full(15, 0.5))
    labels = []
    label = error_chart._label
    monkeypatch.setattr(error_chart, "_label", lambda loss: labels.append(loss.name) or label(loss))
    save(error_chart.bars(explain(truth, detections)), tmp_path / "chart.png")
    assert labels[0] == "all" and len(labels) == 21
    assert labels[1:16] == [f"class {i}" for i in range(2, count + 1, 2)]


def test_the_chart_of_nothing(tmp_path):
    truth = Truth([{"id": 1, "width": 9, "height": 9}], [], [{"id": 1, "name": "a"}])
    nothing = Detections(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)), np.zeros(0))
    explanation = explain(truth, nothing)
    assert math.isnan(explanation.overall.ap)
    save(error_chart.bars(explanation), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 1000


def test_names_are_cut_and_objects_counted(case):
    _, _, explanation = case
    named = replace(explanation.classes[0], name="x" * 24, objects=3)
    assert error_chart._label(named) == f"{'x' * 24} (3)"
    assert error_chart._label(replace(named, name="x" * 25)) == f"{'x' * 23}… (3)"


def test_names_are_one_line(case):
    _, _, explanation = case
    assert error_chart._label(replace(explanation.classes[0], name="a\nb\x00", objects=3)) == r"a\nb\x00 (3)"


def test_numbers_are_percent_and_no_zero_has_a_sign(case):
    _, _, explanation = case
    shown = [replace(loss, ap=-1e-9) for loss in explanation.classes]
    figure = error_chart.bars(replace(explanation, classes=shown))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[0] == f"{100 * explanation.overall.ap:.1f}" and set(texts[1:]) == {"0.0"}


def test_a_figure_is_saved_whole_or_not_at_all(tmp_path):
    from matplotlib.figure import Figure

    figure = Figure()
    assert save(figure, None) is figure
    file = tmp_path / "new" / "a.svg"
    assert save(figure, file) is figure and b"<svg" in file.read_bytes()
    with pytest.raises(TintboxError, match=r"a\.foo cannot be written"):
        save(figure, tmp_path / "a.foo")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
