"""The tables of a study, compared to NumPy."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tintbox.studies import table
from tintbox.studies.cells import Result, group_by_cell
from tintbox.studies.grid import Run
from tintbox.studies.outcome import Outcome

# Accuracy and loss at best.pt's epoch, by batch and seed: the values of `made`, selected by hand.
ACCURACY = {4: [0.30, 0.25], 8: [0.40, 0.30, 0.35], 64: [0.15]}
LOSS = {4: [2.0, 2.8], 8: [1.8, 2.1, 1.9], 64: [2.8]}
EPOCHS = {4: [2, 1], 8: [3, 3, 2], 64: [3]}


def markdown(results):
    return table.markdown(results, group_by_cell(results), "mine")


def lines(file):
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_row_per_cell(made, tmp_path):
    table.save(tmp_path, made)
    rows = lines(tmp_path / "study.csv")
    assert [(row["batch"], row["n"]) for row in rows] == [("4", "2"), ("8", "3"), ("64", "1")]
    for row in rows:
        batch = int(row["batch"])
        for column, values in (("metrics/accuracy", ACCURACY), ("val/loss", LOSS), ("best_epoch", EPOCHS)):
            assert float(row[f"{column}_mean"]) == pytest.approx(np.mean(values[batch]), abs=1e-12)
            if batch == 64:
                assert row[f"{column}_sd"] == ""
            else:
                assert float(row[f"{column}_sd"]) == pytest.approx(np.std(values[batch], ddof=1), abs=1e-12)
        assert (float(row["seconds_mean"]), float(row["epochs_mean"])) == (6.0, 3.0)


def test_the_first_setting_without_a_result_is_told(made):
    assert "The first setting" not in markdown(made)
    lost = [Result(one.run, Outcome("failed", "x"), None) if one.run.settings["batch"] == 4 else one for one in made]
    told = "The first setting, batch=4, has no result; differences are against batch=8 in its place."
    assert told in markdown(lost)


def test_a_row_per_run(made, tmp_path):
    table.save(tmp_path, made)
    rows = lines(tmp_path / "runs.csv")
    assert len(rows) == 9
    assert [row["state"] for row in rows] == ["finished"] * 2 + ["failed"] + ["finished"] * 4 + ["waiting"] * 2
    assert rows[2]["reason"] == "ValueError: a | b"
    assert rows[2]["metrics/accuracy"] == rows[8]["metrics/accuracy"] == ""
    assert (float(rows[0]["metrics/accuracy"]), float(rows[0]["metrics/accuracy_last"])) == (0.30, 0.20)
    assert (float(rows[0]["val/loss"]), float(rows[0]["val/loss_last"])) == (2.0, 2.5)
    assert "best_epoch_last" not in rows[0]


def test_differences_are_seed_by_seed(made):
    head, rows = table.rows(group_by_cell(made))
    assert head == [
        "batch", "n", "accuracy", "accuracy, against the first", "validation loss", "best epoch", "time per run"
    ]  # fmt: skip
    assert [row[3] for row in rows] == [
        "",
        "+0.0750 ± 0.0354",  # 0.40 - 0.30 and 0.30 - 0.25: their mean, and their standard deviation 0.05 / sqrt 2
        "-0.1500",
    ]
    assert rows[0][2] == "0.2750 ± 0.0354"
    assert rows[1][4:] == ["1.9333 ± 0.1528", "3, 3, 2", "6.0 s"]
    differences = np.subtract(ACCURACY[8][:2], ACCURACY[4])
    assert rows[1][3] == f"{differences.mean():+.4f} ± {differences.std(ddof=1):.4f}"


def test_the_difference_of_means_where_no_seed_is_common(folder_of):
    runs = [Run(f"r{seed}", {"batch": batch, "seed": seed}, {}) for batch, seed in ((4, 0), (4, 1), (8, 2))]
    values = [0.2, 0.4, 0.7]
    cells = group_by_cell(
        [folder_of(run, {"epoch": [1], "time": [1], "metrics/accuracy": [v]}) for run, v in zip(runs, values)]
    )
    assert table.difference(cells[1], cells[0], "metrics/accuracy") == "+0.4000"
    assert table.rows(cells)[1][0][4] == "", "a run without validation losses has no loss"


def test_markdown(made):
    text = markdown(made)
    assert text.startswith("# mine\n\nMean ± standard deviation over the seeds, at the epoch of `best.pt`.\n")
    assert "| 64 | 1 | 0.1500 | -0.1500 | 2.8000 | 3 | 6.0 s |\n" in text
    assert "- batch_4-seed_2 failed: ValueError: a | b\n" in text
    assert "2 of 9 runs are not there yet." in text
    assert "tasks" not in text


def test_markdown_cells_end_no_column(folder_of):
    run = Run("run", {"freeze": "a|b"}, {})
    text = markdown([folder_of(run, {"epoch": [1], "time": [1], "metrics/accuracy": [0.5]})])
    assert "| a\\|b | 1 | 0.5000 |" in text
    assert "One run each, at the epoch of `best.pt`." in text


def test_tasks_have_a_table_each(folder_of):
    found = [
        folder_of(
            Run(f"model_{model}-seed_{seed}", {"model": model, "seed": seed}, {}),
            {"epoch": [1], "time": [1], column: [value], "val/loss": [1.0]},
            task,
        )
        for model, task, column, values in (
            ("a.yaml", "colorize", "metrics/accuracy", (0.1, 0.2)),
            ("b.yaml", "detect", "metrics/mAP50-95(B)", (0.3, 0.4)),
            ("c.yaml", "detect", "metrics/mAP50-95(B)", (0.5, 0.6)),
        )
        for seed, value in enumerate(values)
    ]
    text = markdown(found)
    assert "These are runs of 2 tasks, colorize, detect: a table for each." in text
    colour, detect = text.split("## detect")
    assert "| model | n | accuracy | validation loss |" in colour
    assert "mAP50-95(B), against the first" in detect
    assert "| c.yaml | 2 | 0.5500 ± 0.0707 | +0.2000 ± 0.0000 |" in detect, "against the first of its own task"


def test_nothing_is_finished(made):
    text = markdown(made[2:3])
    assert "Mean" not in text
    assert "failed" in text


def test_a_finished_run_that_cannot_be_read_is_named():
    run = Run("run", {}, {})
    text = markdown([Result(run, Outcome("finished"), None)])
    assert (
        "- run is finished, but its results.csv or args.yaml cannot be read; delete its folder to train it again"
        in text
    )


def test_the_files_are_whole(made, tmp_path):
    table.save(tmp_path, made)
    assert sorted(p.name for p in Path(tmp_path).glob("*.*")) == ["runs.csv", "study.csv", "study.md"]


@pytest.mark.attack("study inputs")
def test_equal_runs_are_called_equal(folder_of):
    runs = [Run(f"lr0_{lr0}-seed_{s}", {"lr0": lr0, "seed": s}, {}) for lr0 in (0.1, 0.2, 0.3) for s in (0, 1)]
    found = [
        folder_of(run, {"epoch": [1], "time": [i], "metrics/accuracy": [0.5 + run.settings["seed"] + (i > 3)]})
        for i, run in enumerate(runs)
    ]
    text = markdown(found)
    assert "| 0.2 | 2 | 1.0000 ± 0.7071 | equal |" in text
    assert "| 0.3 | 2 | 2.0000 ± 0.7071 | +1.0000 ± 0.0000 |" in text
    assert "- Equal in every number of every epoch: lr0=0.1; lr0=0.2. None of them is better.\n" in text
