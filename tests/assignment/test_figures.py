"""Learning curves beside what the assignment reached."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tintbox.assignment import figures
from tintbox.assignment.published import COLOURISERS
from tintbox.run_folder import RunFolder

CURVES = {"epoch": [1.0, 2.0], "train/loss": [3.0, 2.0], "val/loss": [2.5, 1.5], "metrics/accuracy": [0.25, 0.5]}
RUN = RunFolder(Path("run"), {"task": "colorize"}, CURVES)


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of files."""
    made = {}

    def save(file, paint):
        made[file] = Figure()
        paint(made[file])

    monkeypatch.setattr(figures, "save", save)
    return made


def lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


@pytest.mark.parametrize("published", [False, True])
def test_loss_and_accuracy_by_epoch(drawn, published):
    figures.learning("a.png", RUN, "UNet", published=published)
    loss, accuracy = drawn["a.png"].axes
    assert lines(loss) == {"training": [3.0, 2.0], "validation": [2.5, 1.5]}
    assert lines(accuracy) == {"validation": [0.25, 0.5]}
    assert loss.get_title() == "loss (nats per pixel)" and loss.get_xlabel() == "epoch"
    assert len(loss.patches) == len(accuracy.patches) == published


def test_bands_are_those_of_the_network():
    loss, accuracy = Figure().subplots(1, 2)
    figures.bands(loss, accuracy, "UNet", "red")
    for axes, (low, high) in ((loss, COLOURISERS["UNet"].loss), (accuracy, COLOURISERS["UNet"].accuracy)):
        (band,) = axes.patches
        assert band.get_y() == low and band.get_height() == pytest.approx(high - low)


def test_several_networks_in_one_figure(drawn):
    figures.comparison("b.png", {"UNet": RUN, "PoolUpsampleNet": RUN}, published=True)
    loss, accuracy = drawn["b.png"].axes
    assert list(lines(loss)) == list(lines(accuracy)) == ["UNet", "PoolUpsampleNet"]
    assert len(loss.patches) == 2 and len({line.get_color() for line in loss.lines}) == 2
