"""The figures hold the numbers of results.csv, and Plotly takes them."""

import json
import math
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from skimage.color import rgb2lab

from tintbox.reports import curves, evaluation_figures, figures, metrics, page
from tintbox.reports.gather import gather
from tintbox.reports.scripts import encode


def section(*folders):
    (found,), _ = gather([str(folder) for folder in folders])
    return found


def coloured(value):
    """The figure with the style sheet's variables filled in, as the page's script does."""
    if isinstance(value, dict):
        return {key: coloured(one) for key, one in value.items()}
    if isinstance(value, list):
        return [coloured(one) for one in value]
    return "#123456" if isinstance(value, str) and value.startswith("--") else value


def test_plotly_takes_every_figure(detector, stock, trained):
    found = section(detector, stock)
    figures = [*curves.curves(found, metrics.ruler(found))]
    for make in (evaluation_figures.class_figure, evaluation_figures.error_figure, evaluation_figures.precision_figure):
        figures.append(make(found.entries, "bbox"))
    colours = section(trained)
    figures += curves.curves(colours, metrics.ruler(colours))
    assert len(figures) > 15
    for figure in figures:
        assert figure.data and {trace["meta"] for trace in figure.data} <= {0, 1}
        go.Figure(coloured({"data": list(figure.data), "layout": figure.layout}))  # raises if it is no figure


def test_values(made):
    found = section(
        made("a", **{"metrics__mAP50-95(B)": [0.123456789, "nan"], "val__box_loss": [2, 1], "train__box_loss": [4, 3]}),
        made("b", **{"metrics__mAP50-95(B)": [0.5, 0.25], "val__box_loss": ["inf", 1], "lr__pg0": [0.1, 0.2]}),
    )
    figures = {figure.title.split(" (")[0]: figure for figure in curves.curves(found, metrics.ruler(found))}
    assert list(figures) == ["mAP50-95", "box_loss", "learning rate"]
    lines = [(t["meta"], t["x"], t["y"]) for t in figures["mAP50-95"].data if t["mode"] != "markers"]
    assert lines == [(0, [1.0, 2.0], [0.12346, None]), (1, [1.0, 2.0], [0.5, 0.25])]
    marks = [(t["meta"], t["x"], t["y"]) for t in figures["mAP50-95"].data if t["mode"] == "markers"]
    assert marks == [(0, [1.0], [0.12346]), (1, [1.0], [0.5])]
    losses = [(t["meta"], t["y"], t["line"]["dash"]) for t in figures["box_loss"].data]
    assert losses == [(0, [2.0, 1.0], "solid"), (1, [None, 1.0], "solid"), (0, [4.0, 3.0], "dot")]
    assert [t["meta"] for t in figures["learning rate"].data] == [1]


def test_a_run_has_one_look_everywhere(made):
    folders = [made(f"r{i}", **{"metrics__mAP50-95(B)": [0.5, i / 20], "val__box_loss": [2, 1]}) for i in range(14)]
    found = section(*folders)
    looks = {}
    for figure in curves.curves(found, metrics.ruler(found)):
        for trace in figure.data:
            look = (trace["line"]["color"], trace["line"]["dash"], trace["marker"]["symbol"])
            looks.setdefault(trace["meta"], set()).add(look)
    assert len(looks) == 14 and all(len(own) == 1 for own in looks.values())
    assert len(set.union(*looks.values())) == 14  # and no two share it


def test_an_axis_is_around_what_it_shows(made):
    """Plotly's own axis for equal values reaches from 1 below them to 1 above, where 0.01 looks like 0."""
    found = section(
        made("a", **{"metrics__mAP50-95(B)": [0.5, 0.25], "lr__pg0": [0.01, 0.01], "metrics__recall(B)": [0, 0]}),
        made("b", **{"metrics__mAP50-95(B)": [0.5, 0.25], "lr__pg0": [0.01, 0.01], "metrics__recall(B)": [0, 0]}),
    )
    figures = {figure.title.split(" (")[0]: figure.layout for figure in curves.curves(found, metrics.ruler(found))}
    assert figures["learning rate"]["yaxis"]["range"] == [0, 0.02]
    assert figures["recall"]["yaxis"]["range"] == [0, 1]
    assert "range" not in figures["mAP50-95"]["yaxis"] and "range" not in figures["mAP50-95"]["xaxis"]
    one = section(made("c", **{"metrics__mAP50-95(B)": [0.5]}))
    layout = curves.curves(one, metrics.ruler(one))[0].layout
    assert layout["xaxis"]["range"] == [0, 2] and layout["yaxis"]["range"] == [0, 1]


def test_classes_that_are_not_found(detector):
    """All AP are 0 after two epochs: the axis begins there."""
    assert evaluation_figures.class_figure(section(detector).entries, "bbox").layout["xaxis"]["range"][0] == 0


def test_class_figure(detector):
    figure = evaluation_figures.class_figure(section(detector).entries, "bbox")
    stored = json.loads((detector / "coco.json").read_text())["bbox"]["classes"]
    (trace,) = figure.data
    for place, numbers in enumerate(stored.values()):
        ap = numbers["metrics"]["AP"]
        assert trace["x"][place] == pytest.approx(ap["value"], rel=1e-4)
        assert trace["error_x"]["array"][place] == pytest.approx(ap["high"] - ap["value"], rel=1e-4, abs=1e-9)
        assert trace["error_x"]["arrayminus"][place] == pytest.approx(ap["value"] - ap["low"], rel=1e-4, abs=1e-9)
    assert figure.layout["yaxis"]["ticktext"] == ["red", "&lt;b&gt;gr&amp;een&lt;/b&gt;"]


def test_texts_cannot_leave_the_script():
    text = "</script><script>alert(1)</script><!-- & \u2028"
    written = encode({"name": text})
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == {"name": text}
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode([math.nan])


# Machado, Oliveira and Fernandes (2009): linear RGB as seen without one of the three kinds of cones.
SEEN = {
    "all": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_are_told_apart_by_the_colour_blind(scheme):
    style = (page.HERE / "page.css").read_text()
    paper = re.findall(r"--paper: #(\w+)", style)[scheme]
    runs = [re.findall(rf"--run-{i}: #(\w+)", style)[scheme] for i in range(figures.COLOURS)]
    encoded = np.array([[int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)] for text in [paper, *runs]])
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    luminance = light @ [0.2126, 0.7152, 0.0722]
    contrast = (np.maximum(luminance[1:], luminance[0]) + 0.05) / (np.minimum(luminance[1:], luminance[0]) + 0.05)
    assert contrast.min() >= 3  # WCAG 2.2, 1.4.11
    for matrix in SEEN.values():
        seen = np.clip(light[1:] @ np.transpose(matrix), 0, 1)
        lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
        distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
        assert distance[np.triu_indices(len(runs), 1)].min() > 16.5
