"""Shared by all figures: a style for each run, and JSON."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from skimage.color import rgb2lab

from tintbox.reports import curves, figures, page
from tintbox.reports.entries import Entry
from tintbox.run_folder import RunFolder

from .conftest import section


def test_a_run_has_one_look_everywhere(made):
    folders = [made(f"r{i}", **{"metrics__mAP50-95(B)": [0.5, i / 20], "val__box_loss": [2, 1]}) for i in range(14)]
    found = section(*folders)
    looks = {}
    for figure in curves.curves(found):
        for trace in figure.data:
            look = (trace["line"]["color"], trace["line"]["dash"], trace["marker"]["symbol"])
            looks.setdefault(trace["meta"], set()).add(look)
    assert len(looks) == 14 and all(len(own) == 1 for own in looks.values())
    assert len(set.union(*looks.values())) == 14  # and all differ


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


def entry(place, index=0, name="a<b"):
    return Entry(index, place, name, RunFolder(Path("r"), {}, {"epoch": [1.0]}))


def test_numbers_have_five_digits_and_what_is_not_finite_is_none():
    values = [0.123456789, math.nan, math.inf, -1e-12, 1e300, 0]
    assert figures.as_json_numbers(values) == [0.12346, None, None, -1e-12, 1e300, 0]
    assert json.loads(json.dumps(figures.as_json_numbers(values), allow_nan=False))


def test_texts_are_quoted():
    assert figures.quote("<b>'a' & \"b\"</b>") == "&lt;b&gt;'a' &amp; \"b\"&lt;/b&gt;"


def test_looks_come_again_late():
    traces = [figures.trace(entry(i), [1], [1]) for i in range(30)]
    assert len({(figures.colour(entry(i)), trace["line"]["dash"]) for i, trace in enumerate(traces)}) == 30
    assert figures.colour(entry(figures.COLOURS)) == figures.colour(entry(0)) == "--run-0"
    assert traces[7]["marker"]["symbol"] == traces[0]["marker"]["symbol"]


def test_few_epochs_are_marked_by_points():
    for length, mode in ((figures.FEW, "lines+markers"), (figures.FEW + 1, "lines")):
        made = figures.trace(entry(1, index=5), list(range(length)), [0] * length, hoverinfo="skip")
        assert made["mode"] == mode and made["meta"] == 5 and made["hoverinfo"] == "skip"
        assert made["name"] == "a&lt;b" and made["legendgroup"] == "5"


def test_axes_are_not_shared_between_figures():
    one, two = figures.layout("epoch", 300), figures.layout("epoch", 300, showlegend=True)
    one["yaxis"]["range"] = [0, 1]
    assert "range" not in two["yaxis"] and "range" not in one["xaxis"] and two["showlegend"]
    made = figures.Figure("t", "l", ({"x": 1},), one)
    assert figures.as_json({"a": made}) == {"a": {"data": [{"x": 1}], "layout": one}}
