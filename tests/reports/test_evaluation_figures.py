"""The figures of COCO evaluations."""

import json
from dataclasses import replace

import pytest

from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.reports import evaluation_figures

from .conftest import section


def test_classes_that_are_not_found(detector):
    """All AP values are 0 after two epochs: the axis starts there."""
    assert evaluation_figures.class_figure(section(detector).entries, "bbox").layout["xaxis"]["range"][0] == 0


def test_class_figure(detector, copy):
    run = copy(detector, "run")
    content = json.loads((run / "coco.json").read_text())
    for place, numbers in enumerate(content["bbox"]["classes"].values()):
        numbers["metrics"]["AP"] |= {"value": 0.5, "low": 0.4 - 0.1 * place, "high": 0.75}
    (run / "coco.json").write_text(json.dumps(content))
    figure = evaluation_figures.class_figure(section(run).entries, "bbox")
    (trace,) = figure.data
    for place, numbers in enumerate(content["bbox"]["classes"].values()):
        ap = numbers["metrics"]["AP"]
        assert trace["x"][place] == pytest.approx(ap["value"], rel=1e-4)
        assert trace["error_x"]["array"][place] == pytest.approx(ap["high"] - ap["value"], rel=1e-4, abs=1e-9)
        assert trace["error_x"]["arrayminus"][place] == pytest.approx(ap["value"] - ap["low"], rel=1e-4, abs=1e-9)
    assert figure.layout["yaxis"]["ticktext"] == ["red", "&lt;b&gt;gr&amp;een&lt;/b&gt;"]


def test_without_an_evaluation_there_is_no_figure(stock):
    entries = section(stock).entries
    for make in (evaluation_figures.class_figure, evaluation_figures.error_figure, evaluation_figures.precision_figure):
        assert make(entries, "bbox") is None and make([], "segm") is None


def test_errors_are_bars_of_what_they_cost(detector, copy):
    figure = evaluation_figures.error_figure(section(detector, copy(detector, "other")).entries, "bbox")
    stored = json.loads((detector / "coco.json").read_text())["bbox"]["errors"]["overall"]["gain"]
    assert len(figure.data) == 2 and [bars["meta"] for bars in figure.data] == [0, 1]
    assert figure.data[0]["y"] == list(stored)
    assert figure.data[0]["x"] == pytest.approx(list(stored.values()), rel=1e-4)
    top = figure.layout["xaxis"]["range"][1]
    assert top == pytest.approx(1.05 * max([0.05, *stored.values()]))


def test_precision_is_the_mean_over_the_classes(detector):
    entries = section(detector).entries
    figure = evaluation_figures.precision_figure(entries, "bbox")
    (line,) = figure.data
    part = entries[0].coco.parts["bbox"]
    assert line["x"] == pytest.approx(part.recall, rel=1e-4) and line["y"] == pytest.approx(part.precision, rel=1e-4)
    assert line["mode"] == "lines" and figure.layout["yaxis"]["range"] == [0, 1.02]


def test_of_many_classes_those_with_most_objects_are_shown_in_their_order(detector, monkeypatch):
    entries = section(detector).entries
    part = entries[0].coco.parts["bbox"]
    many = {f"c{i}": (i % 50, Estimate(0.5)) for i in range(60)}
    coco = replace(entries[0].coco, parts={"bbox": replace(part, classes=many)})
    figure = evaluation_figures.class_figure([replace(entries[0], coco=coco)], "bbox")
    shown = figure.layout["yaxis"]["ticktext"]
    assert len(shown) == evaluation_figures.CLASSES and "c0" not in shown and "c49" in shown and "c59" not in shown
    assert shown == sorted(shown, key=lambda name: int(name[1:])) and "the 40 with most objects" in figure.title
    assert figure.data[0]["error_x"]["array"] == [None] * len(shown), "without intervals no bars"
