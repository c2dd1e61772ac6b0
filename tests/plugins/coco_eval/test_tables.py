"""Evaluations and comparisons as text."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tintbox.plugins.coco_eval import tables
from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.settings import Settings

FEW = Settings(resamples=60)


def test_the_table_has_the_same_numbers_rounded(pair):
    truth, detections = pair
    evaluation = evaluate(truth, detections, settings=FEW)
    shown = tables.text({"bbox": evaluation})
    assert "boxes: 24 images" in shown and "95% intervals from 60 resamples" in shown
    assert "of the images, none where fewer than 6 of them have an object\n" in shown
    assert "60 resamples of the 3 groups, none" in tables.intervals_text(evaluation, "3 groups")
    lines = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    for key, value, (low, high) in zip(KEYS, evaluation.values, evaluation.intervals):
        bounds = "" if math.isnan(low) else f"   [{low:.3f}, {high:.3f}]"
        assert lines[key].endswith("n/a" if math.isnan(value) else f"{value:.3f}{bounds}")
    for name, values in zip(evaluation.names, evaluation.classes):
        (line,) = [line for line in shown.splitlines() if line.startswith(name)]
        assert line.split()[-4:] == [tables.number(values[KEYS.index(k)]) for k in ("AP", "AP50", "AP75", "AR100")]
    loss = evaluation.errors.overall
    for kind, gain in loss.gain.items():
        (line,) = [line for line in shown.splitlines() if line.startswith(kind)]
        assert line.split()[-2:] == [f"{gain:.3f}", f"{loss.count[kind]:,}"]
    assert "class 0" not in tables.text({"bbox": evaluation}, classes=False)


def shown_classes(text):
    """The rows of the class table, which has a title."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if "of 40 classes" in line) + 3
    return lines[start : lines.index("", start)]


def test_of_many_classes_the_worst_and_the_best_are_shown(synthetic):
    truth, detections = synthetic.case(2, images=60, classes=40, crowded=False)
    evaluation = evaluate(truth, detections, settings=FEW)
    text = tables.text({"bbox": evaluation})
    assert "AP of boxes: the 10 worst and the 10 best of 40 classes\n" in text
    rows = shown_classes(text)
    there = np.flatnonzero(~np.isnan(evaluation.classes[:, 0]))
    order = [f"class {k}" for k in there[np.argsort(evaluation.classes[there, 0], kind="stable")]]
    names = [" ".join(row.split()[:2]) for row in rows]
    assert names == [*order[:10], "... 20", *order[-10:]]
    others = sum(evaluation.truths) - sum(evaluation.truths[int(n.split()[1])] for n in order[:10] + order[-10:])
    assert rows[10].split() == ["...", "20", "others:", "coco.csv", str(others)]
    assert text.index("of 40 classes") < text.index("AP50 to gain") < text.index("COCO evaluation of boxes")
    assert "others: coco.csv" not in tables.html({"bbox": evaluation}) and "20 others" in tables.html(
        {"bbox": evaluation}
    )


def test_of_many_compared_classes_those_that_differ_most_are_shown(synthetic):
    truth, detections = synthetic.case(2, images=60, classes=40, crowded=False)
    other = synthetic.case(2, images=60, classes=40, crowded=False)[1]
    other.score[:] = np.random.default_rng(0).random(len(other.score))
    compared = Comparison(*(evaluate(truth, found, settings=FEW) for found in (detections, other)), ("a", "b"))
    text = tables.comparison_text(compared)
    assert "AP of boxes: the 20 of 40 classes that differ most\n" in text
    rows = shown_classes(text)
    differences = np.nan_to_num(compared.classes[:, 0])
    most = np.argsort(-np.abs(differences), kind="stable")[:20]
    most = most[np.argsort(differences[most], kind="stable")]
    worse = int((differences[most] < 0).sum())
    names = [" ".join(row.split()[:2]) for row in rows]
    assert 0 < worse < 20
    assert names == [f"class {k}" for k in most[:worse]] + ["... 20"] + [f"class {k}" for k in most[worse:]]
    assert rows[worse].split() == ["...", "20", "others:", "compare.csv"]
    assert text.index("of 40 classes") < text.index("b against a, boxes")
    same = tables.comparison_text(Comparison(compared.first, compared.first, ("a", "b")))
    assert "the 0 of 40 classes that differ most" in same and "... 40 others: compare.csv" in same


def test_compared_classes_say_how_many_differ_by_chance(pair, synthetic):
    truth, detections = pair
    other = replace(detections, score=detections.score[::-1].copy())
    compared = Comparison(
        *(evaluate(truth, d, settings=Settings(resamples=60, level=0.9)) for d in (detections, other))
    )
    line = "Of classes that are equal in truth, about one in 10 is called better or worse."
    shown = tables.comparison_text(compared)
    assert shown.endswith(f"\n{line}\n") and tables.comparison_tables(compared)[-1].html().endswith(f"<p>{line}</p>")
    same = tables.comparison_text(Comparison(compared.first, compared.first))
    assert "equal in truth" not in same, "there is no verdict but equal"
    truth, detections = synthetic.case(2, images=60, classes=40, crowded=False)
    other = replace(detections, score=detections.score[::-1].copy())
    shown = tables.comparison_text(Comparison(*(evaluate(truth, d, settings=FEW) for d in (detections, other))))
    assert shown.index("of 40 classes") < shown.index("about one in 20") < shown.index("boxes: 60 images")


@pytest.mark.parametrize("classes", [0, 5, 19])
def test_of_many_classes_few_have_objects(classes, synthetic):
    truth, detections = synthetic.case(2, images=60, classes=40, crowded=False)
    last = 3 + 2 * classes
    truth.annotations[:] = [a for a in truth.annotations if a["category_id"] < last]
    evaluation = evaluate(truth, detections, settings=FEW)
    rows = shown_classes(tables.text({"bbox": evaluation}))
    assert len(rows) == sum(map(bool, evaluation.truths)) + 1
    assert sum("others" in row for row in rows) == 1
    assert tables.comparison_text(Comparison(evaluation, evaluation)).count("class ") <= 20


@pytest.mark.parametrize(
    ("estimate", "sign", "shown"),
    [
        (Estimate(0.2, 0.1, 0.3), "", "[0.100, 0.300]"),
        (Estimate(0.0, -0.1, 0.3), "+", "[-0.100, +0.300]"),
        (Estimate(0.2, math.nan, math.nan), "", ""),
        (Estimate(0.2), "", ""),
    ],
)
def test_an_interval(estimate, sign, shown):
    assert tables.span(estimate.bounds, sign) == shown and estimate.bounded == bool(shown)


@pytest.mark.parametrize("name", ["[bold]x", "a:car:b", "back\\"])
def test_texts_are_shown_as_they_are(name):
    heading, _, row = tables.Table(("class", name), [(name, "0.5")]).text().splitlines()
    assert heading.split() == ["class", name] and row.split() == [name, "0.5"]


def test_names_of_runs_hold_no_terminal_codes(pair):
    evaluation = evaluate(*pair, settings=Settings(resamples=0))
    shown = tables.comparison_text(Comparison(evaluation, evaluation, ("a\x1b[31mX", "b\n" * 40)))
    assert r"a\x1b[31mX" in shown and "\x1b" not in shown and r"b\nb\n" in shown
