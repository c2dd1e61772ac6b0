"""Comparisons, checked against two runs of pycocotools."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import output, tables
from tintbox.plugins.coco_eval.bootstrap import is_sure
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.settings import Settings

FEW = Settings(resamples=60)


def test_differences_are_those_of_two_pycocotools_runs(pair, better, synthetic, tmp_path):
    truth, detections = pair
    settings = Settings(resamples=100, explain=False)
    compared = Comparison(*(evaluate(truth, d, settings=settings) for d in (detections, better)), ("old", "new"))
    stats = [synthetic.pycocotools(truth, d).stats for d in (detections, better)]
    content = output.comparison_dict(compared)
    for key, a, b in zip(KEYS, *stats):
        row = content["metrics"][key]
        if a == -1:
            assert row["difference"] is None and not row["distinguishable"]
            continue
        assert row["first"] == pytest.approx(a, abs=1e-9) and row["second"] == pytest.approx(b, abs=1e-9)
        assert row["difference"] == pytest.approx(b - a, abs=1e-9)
        assert row["low"] - 1e-9 <= row["difference"] <= row["high"] + 1e-9
    assert content["metrics"]["AP"]["distinguishable"] and content["metrics"]["AP"]["low"] > 0
    assert not content["metrics"]["AR100"]["distinguishable"], "the same boxes are found"
    lines = tables.comparison_text(compared).splitlines()
    assert next(line.split()[-1] for line in lines if line.startswith("AP ")) == "better"
    assert [line.split()[-1] for line in lines if line.startswith("AR100")] == ["equal"]
    assert "-0.000" not in "\n".join(lines)

    output.save_comparison_csv(tmp_path / "c.csv", {"bbox": content})
    with (tmp_path / "c.csv").open() as file:
        rows = {(row["class"], row["metric"]): row for row in csv.DictReader(file)}
    assert len(rows) == (1 + len(truth.categories)) * len(KEYS)
    assert float(rows["all", "AP"]["difference"]) == content["metrics"]["AP"]["difference"]
    for k, name in enumerate(compared.first.names):
        expected = compared.second.classes[k, 0] - compared.first.classes[k, 0]
        cell = rows[name, "AP"]["difference"]
        assert cell == "n/a" if math.isnan(expected) else float(cell) == expected


def test_the_other_way_round_it_is_worse(pair, better):
    both = [evaluate(pair[0], d, settings=Settings(resamples=100, explain=False)) for d in (pair[1], better)]
    one, other = Comparison(*both), Comparison(*both[::-1])
    assert np.array_equal(one.values, -other.values, equal_nan=True)
    assert tables.verdict(other["AP"], other.intervals[0]) == "worse"


def test_rounding_is_no_difference():
    assert is_sure(np.array([[1e-3, 2e-3], [-2e-3, -1e-3], [-1e-3, 1e-3], [1e-17, 2e-17], [np.nan, np.nan]])).tolist() \
        == [True, True, False, False, False]  # fmt: skip
    assert tables.verdict(0.0, np.array([-1e-17, 1e-17])) == "equal"
    assert tables.verdict(0.1, np.array([-0.1, 0.2])) == "may be chance"
    assert tables.verdict(math.nan, np.array([math.nan, math.nan])) == ""


def test_only_evaluations_of_the_same_are_compared(pair):
    truth, detections = pair
    one = evaluate(truth, detections, settings=FEW)
    with pytest.raises(TintboxError, match="differ in images: 24 and 23"):
        less = Truth(truth.images[1:], [a for a in truth.annotations if a["image_id"] != 1000], truth.categories)
        kept = detections.image_id != 1000
        columns = (getattr(detections, key)[kept] for key in ("image_id", "category_id", "bbox", "score"))
        Comparison(one, evaluate(less, Detections(*columns), settings=FEW))
    named = replace(one, names=[f"a long name of class {k}" for k in range(500)])
    with pytest.raises(TintboxError, match=r"differ in names: \[.* and \[") as caught:
        Comparison(one, named)
    assert len(str(caught.value)) < 200
    with pytest.raises(TintboxError, match="differ in settings"):
        Comparison(one, evaluate(truth, detections, settings=Settings(resamples=61)))
