"""The folder of a run, as data."""

import csv
import math
import random
from pathlib import Path

import pytest
import yaml

from tintbox import run_folder
from tintbox.errors import TintboxError


def write(folder, curves, **arguments):
    folder.mkdir(exist_ok=True)
    (folder / "args.yaml").write_text(yaml.safe_dump({"task": "colorize", **arguments}))
    with (folder / "results.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([list(curves), *zip(*curves.values())])
    return folder


def test_a_real_run(trained):
    run = run_folder.read(trained)
    assert (run.name, run.task, run.epochs, run.metric) == ("run", "colorize", 2, "metrics/accuracy")
    with (trained / "results.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert run.curves["metrics/accuracy"] == [float(row["metrics/accuracy"]) for row in rows]
    assert run.loss == [float(row["val/loss"]) for row in rows]
    assert run.seconds == float(rows[-1]["time"])
    assert run.weights == trained / "weights/best.pt"
    assert run.best == max((0, 1), key=lambda i: (run.curves["metrics/accuracy"][i], i))


def metrics(task, values):
    """Ultralytics' own metrics of a task, with these values where its fitness looks for them."""
    from ultralytics.utils import metrics as host

    from tintbox.colorization.metrics import ColorizeMetrics

    kinds = {
        "detect": host.DetMetrics, "obb": host.OBBMetrics, "segment": host.SegmentMetrics, "pose": host.PoseMetrics,
        "classify": host.ClassifyMetrics, "semantic": host.SemanticMetrics, "depth": host.DepthMetrics,
        "colorize": ColorizeMetrics,
    }  # fmt: skip
    found, (first, second, third, fourth) = kinds[task](), values
    if task == "classify":
        found.top1, found.top5 = first, second
    elif task == "semantic":
        found._miou, found._pixel_accuracy = first, second
    elif task == "depth":
        found._results = dict(zip(found.keys, [first, second, third, fourth] * 3))
    elif task == "colorize":
        found.sums[:] = found.sums.new_tensor([1.0, first, 2.0, 1.0, third, fourth])
    else:
        import numpy as np

        boxes = [("box", first, second)]
        boxes += {"segment": [("seg", third, fourth)], "pose": [("pose", third, fourth)]}.get(task, [])
        for name, low, high in boxes:
            part = getattr(found, name)
            part.p, part.r, part.all_ap = np.array([low]), np.array([high]), np.array([[high, *[low] * 9]])
            part.ap_class_index = np.array([0])
    return found.results_dict


@pytest.mark.parametrize("task", sorted(run_folder.FITNESS))
def test_the_best_epoch_is_that_of_the_tasks_fitness(task, tmp_path):
    draw = random.Random(task)
    epochs = [metrics(task, [round(draw.random(), 1) for _ in range(4)]) for _ in range(40)]
    fitness = [round(float(epoch.pop("fitness")), 5) for epoch in epochs]  # as `BaseValidator` does
    columns = {key: [float(epoch[key]) for epoch in epochs] for key in epochs[0]}
    run = run_folder.read(write(tmp_path / "run", {"epoch": range(1, 41), **columns}, task=task))
    assert run.best == max(range(40), key=lambda i: (fitness[i], i))
    assert run.metric in columns


def test_the_last_of_equal_epochs_is_the_best(tmp_path):
    """Ultralytics writes `best.pt` whenever an epoch is as good as the best one."""
    curves = {"epoch": [1, 2, 3, 4], "metrics/accuracy": [0.1, 0.5, 0.5, 0.2], "time": [1, 2, 3, 4]}
    assert run_folder.read(write(tmp_path / "a", curves)).best == 2
    assert run_folder.read(write(tmp_path / "b", curves, select="last")).best == 3


def test_sums_that_differ_by_rounding_are_equal(tmp_path):
    curves = {"epoch": [1, 2], "metrics/mAP50-95(B)": [0.1, 0.3], "metrics/mAP50-95(M)": [0.2, 0]}
    assert 0.1 + 0.2 > 0.3
    assert run_folder.read(write(tmp_path / "run", curves, task="segment")).best == 1


def test_metrics_that_only_the_last_row_has(tmp_path):
    curves = {"epoch": [1], "time": [2], "metrics/mAP50(B)": [0], "val/box_loss": [0], "lr/pg0": [0.1]}
    folder = write(tmp_path / "run", curves, task="detect")
    with (folder / "results.csv").open("a") as stream:
        stream.write("2,3,0.5,0.25,0.125,0.75,0.2\n")  # AP of small and medium objects
    found = run_folder.read(folder).curves
    assert [found[name][1] for name in curves] == [2, 3, 0.5, 0.75, 0.2]


def test_epochs_without_validation_count_for_nothing(tmp_path):
    curves = {"epoch": [1, 2, 3], "metrics/accuracy": ["nan", 0.5, "nan"]}
    assert run_folder.read(write(tmp_path / "a", curves)).best == 1
    assert run_folder.read(write(tmp_path / "b", {"epoch": [1, 2, 3]})).best == 2


def test_the_time_of_a_resumed_run_is_that_of_its_parts(tmp_path):
    curves = {"epoch": range(1, 7), "time": [10.0, 20.0, 5.0, 11.0, 2.0, 4.0]}
    assert run_folder.read(write(tmp_path / "run", curves)).seconds == 20 + 11 + 4


def test_a_line_written_in_half_and_an_epoch_written_twice(tmp_path):
    folder = write(tmp_path / "run", {"epoch": [1, 2, 2], "time": [1, 2, 3], "val/loss": [3.0, 2.0, 1.5]})
    with (folder / "results.csv").open("a") as stream:
        stream.write("3,4")
    run = run_folder.read(folder)
    assert run.curves == {"epoch": [1.0, 2.0], "time": [1.0, 3.0], "val/loss": [3.0, 1.5]}


def test_results_that_are_the_same_but_for_the_time(tmp_path):
    curves = {"epoch": [1, 2], "metrics/accuracy": [0.25, "nan"], "time": [1, 2]}
    one = run_folder.read(write(tmp_path / "a", curves, lr0=0.1))
    assert one.fingerprint == run_folder.read(write(tmp_path / "b", {**curves, "time": [3, 4]}, lr0=0.2)).fingerprint
    assert (
        one.fingerprint
        != run_folder.read(write(tmp_path / "c", {**curves, "metrics/accuracy": [0.25, 0.5]})).fingerprint
    )
    assert one.fingerprint != run_folder.read(write(tmp_path / "d", {**curves, "val/loss": [1, 1]})).fingerprint


def test_a_comma_at_the_end_and_spaces_in_names(tmp_path):
    folder = write(tmp_path / "run", {"epoch": [1]})
    (folder / "results.csv").write_text("  epoch,   time ,\n  1,  2.5 ,\n")
    assert run_folder.read(folder).curves == {"epoch": [1.0], "time": [2.5]}
    (folder / "results.csv").write_text("epoch,metrics/mAP50(B),lr/pg0\n1,0.5,0.1,\n2,0.25\n")
    assert run_folder.read(folder).curves == {"epoch": [1.0], "metrics/mAP50(B)": [0.5], "lr/pg0": [0.1]}


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    """As in files that Excel has saved."""
    (tmp_path / "results.csv").write_bytes(b"\xef\xbb\xbfepoch,time\r\n1,2\r\n")
    assert run_folder.read_curves(tmp_path / "results.csv") == {"epoch": [1.0], "time": [2.0]}


def test_numbers_that_no_training_has(tmp_path):
    curves = {"epoch": [1, 2, 3], "time": [1, "inf", "nan"], "metrics/accuracy": ["inf", 0.5, "1e300"]}
    run = run_folder.read(write(tmp_path / "run", curves))
    assert run.seconds == 1 and run.best == 1 and run.curves["metrics/accuracy"][2] == math.inf


def test_arguments_named_by_other_things_than_texts(tmp_path):
    folder = write(tmp_path / "run", {"epoch": [1]})
    (folder / "args.yaml").write_text("2: a\n2026-01-02: b\nnull: c\n0.5: d\ntrue: e\n")
    assert list(run_folder.read(folder).arguments) == ["2", "2026-01-02", "None", "0.5", "True"]


def test_losses_are_summed(tmp_path):
    curves = {"epoch": [1, 2], "train/box_loss": [9, 9], "val/box_loss": [1.0, 0.5], "val/cls_loss": [2.0, 0.25]}
    run = run_folder.read(write(tmp_path / "run", curves, task="detect"))
    assert run.loss == [3.0, 0.75]


def test_a_run_of_a_stock_ultralytics_has_no_environment(tmp_path):
    folder = write(tmp_path / "run", {"epoch": [1]})
    assert run_folder.read(folder).environment == {}
    (folder / "environment.json").write_text("[1")
    assert run_folder.read(folder).environment == {}


def test_mistakes(tmp_path):
    def said(folder):
        with pytest.raises(TintboxError, match=r"^.+$") as error:
            run_folder.read(folder)
        return str(error.value)

    folder = write(tmp_path / "run", {"epoch": []})
    assert "run has no finished epoch in results.csv" in said(folder)
    assert "no such folder; did you mean 'run'?" in said(tmp_path / "rum")
    (folder / "results.csv").write_text("epoch,time\n1,abc\n")
    assert "is no training run: could not convert string to float: 'abc'" in said(folder)
    (folder / "args.yaml").write_text("- 1\n")
    (folder / "results.csv").write_text("epoch\n1\n")
    assert "args.yaml has no arguments" in said(folder)
    (folder / "results.csv").unlink()
    assert "has no finished epoch: results.csv is missing; wait for it, or train again" in said(folder)
    (folder / "args.yaml").unlink()
    assert "is no training run: args.yaml and results.csv missing" in said(folder)


def test_a_run_that_is_where_ultralytics_keeps_its_runs(tmp_path, monkeypatch):
    from ultralytics.utils import SETTINGS

    (tmp_path / "clone/runs/detect/train").mkdir(parents=True)
    monkeypatch.setitem(SETTINGS, "runs_dir", str(tmp_path / "clone/runs"))
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "clone/runs/detect/train"
    assert run_folder.suggest_run(Path("runs/detect/train")) == f"; did you mean '{there}'?"
    assert run_folder.suggest_run(Path("clon")) == "; did you mean 'clone'?"
