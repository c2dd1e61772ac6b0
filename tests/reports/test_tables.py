"""The numbers on the page match the run folders."""

import csv
import json
import math

import pytest

from tintbox.plugins.coco_eval import command
from tintbox.plugins.coco_eval.settings import Settings
from tintbox.plugins.coco_eval.tables import number
from tintbox.reports import metrics, pairs, seeds, tables

from .conftest import section, texts


def summary(found):
    criterion = metrics.criterion(found)
    kept = pairs.evaluate_again(found.entries, criterion.kind) if criterion.kind else {}
    return criterion, tables.summary(found, criterion, kept)


def column(table, title):
    place = [cell.text for cell in table.columns].index(title) - 1
    return [row.cells[place] for row in table.rows]


def results(folder):
    with (folder / "results.csv").open() as file:
        return [{key.strip(): float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def test_the_best_epoch_of_results_csv(detector, stock):
    criterion, table = summary(section(stock, detector))  # two runs without a common evaluation
    assert criterion.title == "mAP50-95 at the best epoch" and criterion.kind == ""
    best = max(results(detector), key=lambda row: row["metrics/mAP50-95(B)"])
    assert [cell.text for cell in column(table, "mAP50-95")] == ["0.125", f"{best['metrics/mAP50-95(B)']:.3f}"]
    assert column(table, "precision")[1].text == f"{best['metrics/precision(B)']:.3f}"
    assert column(table, "best epoch")[0].text == "1 of 2"
    assert [cell.best for cell in column(table, "mAP50-95")] == [True, False]
    ap = json.loads((detector / "coco.json").read_text())["bbox"]["metrics"]["AP"]
    assert [cell.text for cell in column(table, "COCO AP")] == ["–", f"{ap['value']:.3f}"]
    assert column(table, "seed")[0].text == "0" and column(table, "model")[0].text == "yolo11n.yaml"


def test_intervals_of_coco_json(detector, copy):
    other = copy(detector, "other", ap=(0.5, 0.25, 0.75), seed=1)
    criterion, table = summary(section(detector, other))
    stored = json.loads((detector / "coco.json").read_text())["bbox"]
    assert criterion.title == "COCO AP on val" and criterion.level == 0.95
    cells = column(table, "COCO AP on val")
    ap = stored["metrics"]["AP"]
    assert ap["low"] is None, "it finds nothing, and no resample differs"
    assert (cells[0].text, cells[0].note) == (f"{ap['value']:.3f}", "")
    assert (cells[1].text, cells[1].note, cells[1].best) == ("0.500", "[0.250, 0.750]", True)
    assert [cell.text for cell in table.columns].count("mAP50-95") == 1  # Ultralytics' own is next to it

    found = section(detector, other).entries
    classes = tables.per_class(found, "bbox")
    assert [cell.text for cell in classes.columns] == ["class", "objects", "woken", "other"]
    for row, (name, numbers) in zip(classes.rows, stored["classes"].items(), strict=True):
        value = numbers["metrics"]["AP"]["value"]
        assert (row.head.text, row.cells[0].text, row.cells[1].text) == (name, "6", f"{value:.3f}")
    errors = tables.errors(found, "bbox")
    loss = stored["errors"]["overall"]
    assert [row.head.text for row in errors.rows] == list(loss["gain"])
    for row in errors.rows:
        kind = row.head.text
        assert row.cells[0].text == f"{loss['gain'][kind]:.3f}" and row.cells[0].note == f"{loss['count'][kind]:,} ×"


def test_paired_differences_are_those_of_compare(detector, copy, tmp_path):
    other = copy(detector, "other")
    predictions = json.loads((other / "predictions.json").read_text())
    for i, one in enumerate(predictions):
        one["score"] *= 0.25 + 0.5 * (i % 2)
    (other / "predictions.json").write_text(json.dumps(predictions))
    found = section(detector, other)
    kept = pairs.evaluate_again(found.entries, "bbox")
    difference = pairs.difference(kept, *found.entries)
    compared = command.compare(
        str(detector), str(other), {"out": str(tmp_path / "out")}, Settings(resamples=100, explain=False)
    )
    ap = json.loads((compared / "compare.json").read_text())["bbox"]["metrics"]["AP"]
    assert difference["AP"] == pytest.approx(ap["difference"], abs=1e-12)
    assert difference.intervals[0] == pytest.approx([ap["low"], ap["high"]], abs=1e-12)
    _, table = summary(found)
    cells = column(table, "against woken")
    assert cells[0].text == "–" and cells[1].note == f"[{ap['low']:+.3f}, {ap['high']:+.3f}]".replace(
        "-0.000", "+0.000"
    )
    # Predictions for other images do not form a pair.
    (other / "annotations.json").write_text('{"images": [], "annotations": [], "categories": []}')
    assert pairs.evaluate_again(section(detector, other).entries, "bbox") == {}


def test_what_differs(detector, stock, copy):
    # A stock run lacks tintbox's arguments, which makes no difference if they have their defaults.
    assert texts(tables.difference_table(section(detector, stock).entries)) == [
        ["freeze", "backbone", "None"],
        ["unfreeze", "{0.5: backbone}", "None"],
    ]
    both = section(detector, copy(detector, "hot", lr0=0.5, name="other", project="elsewhere")).entries
    assert texts(tables.difference_table(both)) == [["lr0", "0.01", "0.5"]]
    assert tables.difference_table(section(detector, copy(detector, "same")).entries) is None
    alone = dict(texts(tables.difference_table(section(detector).entries)))
    assert alone["epochs"] == "2" and alone["unfreeze"] == "{0.5: backbone}" and "lr0" not in alone


def test_all_arguments_have_a_column_per_run_only_where_they_differ(detector, copy):
    both = section(detector, copy(detector, "hot", lr0=0.5, name="other")).entries
    differing, shared = tables.all_arguments(both)
    assert [cell.text for cell in shared.columns] == ["argument", "all runs"]
    assert [cell.text for cell in differing.columns] == ["argument", "woken", "hot"]
    assert texts(differing) == [["lr0", "0.01", "0.5"], ["name", "woken", "other"]]
    assert [cell.run for cell in differing.rows[0].cells] == [0, 1]
    every = dict(texts(shared))
    assert every["epochs"] == "2" and {*every, "lr0", "name"} == {*both[0].run.arguments}
    (same,) = tables.all_arguments(section(detector, copy(detector, "same")).entries)
    assert dict(texts(same))["lr0"] == "0.01"
    (alone,) = tables.all_arguments(section(detector).entries)
    assert [cell.text for cell in alone.columns] == ["argument", "woken"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (math.nan, "–"),
        (0.0, "–"),
        (math.inf, "–"),
        (1e308, "–"),
        (59.4, "59 s"),
        (59.7, "1 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3900.0, "1 h 05 min"),
    ],
)
def test_durations(seconds, text):
    assert tables.duration(seconds) == text


@pytest.mark.parametrize(
    ("task", "columns", "main"),
    [
        ("segment", {"metrics__mAP50-95(B)": [0.2, 0.1], "metrics__mAP50-95(M)": [0.1, 0.3]}, "mAP50-95 (masks)"),
        ("pose", {"metrics__mAP50-95(B)": [0.2, 0.1], "metrics__mAP50-95(P)": [0.1, 0.3]}, "mAP50-95 (keypoints)"),
        ("obb", {"metrics__mAP50-95(B)": [0.1, 0.3]}, "mAP50-95"),
        ("classify", {"metrics__accuracy_top5": [1, 1], "metrics__accuracy_top1": [0.1, 0.3]}, "accuracy_top1"),
    ],
)
def test_stock_runs_of_any_task(task, columns, main, made):
    found = section(made("a", {"task": task}, **columns), made("b", {"task": task}, **columns))
    criterion, table = summary(found)
    assert criterion.title == f"{main} at the best epoch"
    best = columns[next(reversed(columns))][1]
    assert [cell.text for cell in column(table, main)] == [f"{best:.3f}"] * 2
    assert column(table, "best epoch")[0].text == "2 of 2"


def test_no_objects_of_a_size(made):
    """Ultralytics writes -1 for an AP by size without objects of that size."""
    columns = {
        "metrics__mAP50-95(B)": [0.5, 0.75],
        "metrics__mAP_small(B)": [-1, -1],
        "metrics__mAP_large(B)": [-1, 0.5],
    }
    _, table = summary(section(made("a", **columns)))
    titles = [cell.text for cell in table.columns]
    assert "mAP_small" not in titles and column(table, "mAP_large")[0].text == "0.500"


def test_no_ap_by_size_that_nobody_computed(made):
    """With save_json Ultralytics writes 0 for an AP by size, and leaves it there unless it can compute one."""
    sizes = [f"metrics__mAP_{size}(B)" for size in ("small", "medium", "large")]
    main = {"metrics__mAP50-95(B)": [0.5, 0.75], "metrics__recall(B)": [0, 0]}
    stock = made("stock", **main, **{size: [0, 0] for size in sizes})
    true = made("true", **main, **{size: [0, 0.25] for size in sizes})
    _, table = summary(section(stock))
    assert not any("mAP_" in cell.text for cell in table.columns) and column(table, "recall")[0].text == "0.000"
    _, table = summary(section(stock, true))
    assert [cell.text for cell in column(table, "mAP_small")] == ["n/a", "0.250"]


def test_equal_runs_have_no_best(made):
    _, table = summary(section(*(made(name, **{"metrics__mAP50-95(B)": [0.5]}) for name in "ab")))
    assert not any(cell.best for cell in column(table, "mAP50-95"))


@pytest.mark.parametrize(("number_of_settings", "said"), [(2, False), (3, True)])
def test_the_best_of_several_settings_says_that_it_was_chosen(made, number_of_settings, said):
    criterion = metrics.criterion(section(made("a", **{"metrics__mAP50-95(B)": [0.5]})))
    found = [seeds.Setting(f"lr0={i}", [], [0.5, 0.4 + i / 100]) for i in range(number_of_settings)]
    (note,) = tables.seed_table(found, criterion).notes
    assert ("as the best is chosen by its mean" in note) == said


def test_numbers():
    assert [number(-0.0001, "+"), number(-0.0), number(1e300), number(math.inf)] == ["+0.000", "0.000", "1e+300", "n/a"]
