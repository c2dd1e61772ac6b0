"""The figures contain the values of results.csv, and Plotly accepts them."""

import json
import math

import plotly.graph_objects as go
import pytest

from tintbox.reports import curves, evaluation_figures
from tintbox.reports.scripts import encode

from .conftest import rewritten, section


def coloured(value):
    """The figure with the style sheet's variables filled in, as the page's script does."""
    if isinstance(value, dict):
        return {key: coloured(one) for key, one in value.items()}
    if isinstance(value, list):
        return [coloured(one) for one in value]
    return "#123456" if isinstance(value, str) and value.startswith("--") else value


def test_plotly_takes_every_figure(detector, stock, trained):
    found = section(detector, stock)
    figures = curves.curves(found)
    for make in (evaluation_figures.class_figure, evaluation_figures.error_figure, evaluation_figures.precision_figure):
        figures.append(make(found.entries, "bbox"))
    colours = section(trained)
    figures += curves.curves(colours)
    assert len(figures) > 15
    for figure in figures:
        assert figure.data and {trace["meta"] for trace in figure.data} <= {0, 1}
        go.Figure(coloured({"data": list(figure.data), "layout": figure.layout}))  # raises if it is not a figure


def test_values(made):
    found = section(
        made("a", **{"metrics__mAP50-95(B)": [0.123456789, "nan"], "val__box_loss": [2, 1], "train__box_loss": [4, 3]}),
        made("b", **{"metrics__mAP50-95(B)": [0.5, 0.25], "val__box_loss": ["inf", 1], "lr__pg0": [0.1, 0.2]}),
    )
    figures = {figure.title.split(" (")[0]: figure for figure in curves.curves(found)}
    assert list(figures) == ["mAP50-95", "box_loss", "learning rate"]
    lines = [(t["meta"], t["x0"], t["y"]) for t in figures["mAP50-95"].data if t["mode"] != "markers"]
    assert lines == [(0, 1.0, [0.12346, None]), (1, 1.0, [0.5, 0.25])]
    marks = [(t["meta"], t["x"], t["y"]) for t in figures["mAP50-95"].data if t["mode"] == "markers"]
    assert marks == [(0, [1.0], [0.12346]), (1, [1.0], [0.5])]
    losses = [(t["meta"], t["y"], t["line"]["dash"]) for t in figures["box_loss"].data]
    assert losses == [(0, [2.0, 1.0], "solid"), (1, [None, 1.0], "solid"), (0, [4.0, 3.0], "dot")]
    assert [t["meta"] for t in figures["learning rate"].data] == [1]


def test_epochs_are_written_only_if_they_do_not_follow_each_other(made):
    folders = [made(name, **{"metrics__mAP50-95(B)": [0.5, 0.25, 0.75]}) for name in "abc"]
    for folder, epochs in zip(folders, ([3, 4, 5], [1, 2, 4], ["inf", 2, 3])):
        rewritten(folder, "epoch", epochs)
    lines = [t for t in curves.curves(section(*folders))[0].data if t["mode"] != "markers"]
    assert [(t.get("x"), t.get("x0")) for t in lines] == [(None, 3), ([1, 2, 4], None), ([None, 2, 3], None)]
    assert [list(curves.coordinates(t, "x")) for t in lines] == [[3, 4, 5], [1, 2, 4], [None, 2, 3]]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.123456, 0.654321], [0.1235, 0.6543]),
        ([0.998123, 0.998321], [0.99812, 0.99832]),
        ([12.3456, math.nan, 0.0123456], [12.35, None, 0.01235]),
        ([0.123456], [0.12346]),
        ([-1.23456, 1.0], [-1.235, 1.0]),
        ([0, 0], [0, 0]),
        ([math.inf], [None]),
        ([], []),
    ],
)
def test_digits_that_nobody_sees_are_left_out(values, written):
    assert curves.shorten(values) == written
    known = [pair for pair in zip(values, written) if math.isfinite(pair[0])]
    reach = max((value for value, _ in known), default=0) - min((value for value, _ in known), default=0)
    assert all(abs(value - short) <= max(reach / 1000, 5e-5 * abs(value)) for value, short in known)


def test_an_axis_is_around_what_it_shows(made):
    """For equal values, Plotly's own axis extends 1 below and 1 above, where 0.01 looks like 0."""
    found = section(
        made("a", **{"metrics__mAP50-95(B)": [0.5, 0.25], "lr__pg0": [0.01, 0.01], "metrics__recall(B)": [0, 0]}),
        made("b", **{"metrics__mAP50-95(B)": [0.5, 0.25], "lr__pg0": [0.01, 0.01], "metrics__recall(B)": [0, 0]}),
    )
    figures = {figure.title.split(" (")[0]: figure.layout for figure in curves.curves(found)}
    assert figures["learning rate"]["yaxis"]["range"] == [0, 0.02]
    assert figures["recall"]["yaxis"]["range"] == [0, 1]
    assert "range" not in figures["mAP50-95"]["yaxis"] and "range" not in figures["mAP50-95"]["xaxis"]
    one = section(made("c", **{"metrics__mAP50-95(B)": [0.5]}))
    layout = curves.curves(one)[0].layout
    assert layout["xaxis"]["range"] == [0, 2] and layout["yaxis"]["range"] == [0, 1]


def test_texts_cannot_leave_the_script():
    text = "</script><script>alert(1)</script><!-- & \u2028"
    written = encode({"name": text})
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == {"name": text}
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode([math.nan])
