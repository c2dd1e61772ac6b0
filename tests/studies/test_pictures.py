"""The plots of a study: they show the values of the runs."""

import math

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from tintbox.studies import pictures, table
from tintbox.studies.cells import group_by_cell
from tintbox.studies.grid import Run


@pytest.fixture
def cells(made):
    return group_by_cell(made)


def drawn(paint, *arguments):
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    paint(figure, *arguments)
    return figure


def test_the_mean_and_the_spread_against_a_number(cells):
    figure = drawn(pictures.effect, cells, "batch")
    loss, accuracy = figure.axes
    assert (loss.get_title(), accuracy.get_title()) == ("validation loss", "accuracy")
    (line,) = accuracy.get_lines()
    np.testing.assert_allclose(line.get_xdata(), [4, 8, 64])
    np.testing.assert_allclose(line.get_ydata(), [0.275, 0.35, 0.15])
    (band,) = accuracy.collections
    edge = band.get_paths()[0].vertices
    high = {x: edge[edge[:, 0] == x, 1].max() for x in (4, 8, 64)}
    np.testing.assert_allclose([high[4], high[8]], [0.275 + np.std([0.3, 0.25], ddof=1), 0.35 + 0.05])
    assert accuracy.get_xscale() == "log"
    assert [t.get_text() for t in accuracy.get_xticklabels()] == ["4", "8", "64"]
    np.testing.assert_allclose(loss.get_lines()[0].get_ydata(), [2.4, 5.8 / 3, 2.8])


def test_names_are_points_without_a_line(folder_of):
    values = {("a.yaml", "x"): 0.1, ("a.yaml", "y"): 0.2, ("b.yaml", "x"): 0.3, ("b.yaml", "y"): 0.4}
    cells = group_by_cell([
        folder_of(Run(f"{model}{freeze}", {"model": model, "freeze": freeze}, {}),
                  {"epoch": [1], "time": [1], "metrics/accuracy": [value], "val/loss": [1.0]})
        for (model, freeze), value in values.items()
    ])  # fmt: skip
    axes = drawn(pictures.effect, cells, "model").axes[1]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["freeze=x", "freeze=y"]
    points = [container[0].get_ydata().tolist() for container in axes.containers]
    np.testing.assert_allclose(points, [[0.1, 0.3], [0.2, 0.4]])
    assert all(container[0].get_linestyle() == "None" for container in axes.containers)


def test_files_of_one_name_have_a_point_each(folder_of):
    results = [
        folder_of(Run(f"model_{i}", {"model": f"{'ab'[i]}/best.pt"}, {}),
                  {"epoch": [1], "time": [1], "metrics/accuracy": [i], "val/loss": [1.0]})
        for i in range(2)
    ]  # fmt: skip
    axes = drawn(pictures.effect, group_by_cell(results), "model").axes[1]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["a/best.pt", "b/best.pt"]
    assert axes.containers[0][0].get_ydata().tolist() == [0, 1]
    text = table.markdown(results, group_by_cell(results), "x")
    assert "| a/best.pt | 1 |" in text and "| b/best.pt | 1 |" in text


def test_a_name_is_no_formula(folder_of, tmp_path):
    values = {"metrics/accuracy": [0.5], "val/loss": [1.0], "epoch": [1], "time": [1]}
    names = ("$_$.yaml", r"$\frac$.yaml")
    runs = [Run(f"{i}{k}", {"model": names[i], "data": names[k]}, {}) for i in range(2) for k in range(2)]
    pictures.draw(tmp_path, group_by_cell([folder_of(run, values) for run in runs]))
    assert {file.name for file in tmp_path.glob("*.png")} == {"curves.png", "model.png", "data.png"}


def test_all_curves_are_there(cells):
    figure = drawn(pictures.curves, cells)
    loss, accuracy = figure.axes
    assert len(loss.get_lines()) == len(accuracy.get_lines()) == 6
    np.testing.assert_allclose(accuracy.get_lines()[1].get_ydata(), [0.25, 0.24, 0.23])
    np.testing.assert_allclose(loss.get_lines()[-1].get_ydata(), [3.0, 2.9, 2.8])
    np.testing.assert_allclose(loss.get_lines()[0].get_xdata(), [1, 2, 3])
    colours = [line.get_color() for line in loss.get_lines()]
    assert [colours.index(c) for c in colours] == [0, 0, 2, 2, 2, 5], "the seeds of a cell have its colour"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["batch=4", "batch=8", "batch=64"]
    figure.canvas.draw()
    assert all(tick == int(tick) for tick in loss.get_xticks()), "an epoch is whole"


def test_a_single_epoch_is_seen(folder_of, tmp_path):
    run = Run("run", {}, {})
    cells = group_by_cell([folder_of(run, {"epoch": [1], "time": [1], "metrics/accuracy": [0.5], "val/loss": [1.0]})])
    assert drawn(pictures.curves, cells).axes[0].get_lines()[0].get_marker() == "o"
    pictures.draw(tmp_path, cells)
    assert [file.name for file in tmp_path.glob("*.png")] == ["curves.png"]


def test_a_loss_without_end_is_a_gap(folder_of, tmp_path):
    losses = {(0.1, 0): 1.0, (0.1, 1): math.inf, (1.0, 0): 2.0, (1.0, 1): 3.0}
    cells = group_by_cell([
        folder_of(Run(f"lr0_{lr0}-seed_{seed}", {"lr0": lr0, "seed": seed}, {}),
                  {"epoch": [1], "time": [1], "metrics/accuracy": [0.5], "val/loss": [loss]})
        for (lr0, seed), loss in losses.items()
    ])  # fmt: skip
    (line,) = drawn(pictures.effect, cells, "lr0").axes[0].get_lines()
    np.testing.assert_equal(line.get_ydata(), [math.nan, 2.5])
    pictures.draw(tmp_path, cells)
    assert sorted(file.name for file in tmp_path.glob("*.png")) == ["curves.png", "lr0.png"]


def test_gaps_are_no_zeros(folder_of):
    nan = float("nan")
    found = folder_of(Run("run", {}, {}), {"epoch": [1, 2, 3], "time": [1, 2, 3], "metrics/accuracy": [nan, 0.2, nan]})
    values = drawn(pictures.curves, group_by_cell([found])).axes[1].get_lines()[0]
    assert np.isnan(values.get_ydata()).tolist() == [True, False, True]
    assert values.get_marker() == "o", "a line alone would not show it"


def test_files_by_argument_and_task(cells, tmp_path):
    pictures.draw(tmp_path, cells)
    assert sorted(file.name for file in tmp_path.glob("*.png")) == ["batch.png", "curves.png"]
    assert cv2.imread(str(tmp_path / "batch.png")).shape == (630, 1650, 3)
