"""The figures of the assignment's report that studies lack: learning curves beside the assignment's own results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tintbox.assignment.published import COLOURISERS
from tintbox.run_folder import RunFolder
from tintbox.studies.pictures import COLOURS, save


def learning(file: Path, run: RunFolder, network: str, *, published: bool) -> None:
    """Draw a network's training and validation loss and its validation accuracy by epoch.

    With ``published``, the assignment's own results are shown, too: they are for the same data.
    """

    def paint(figure: Any) -> None:
        loss, accuracy = figure.subplots(1, 2)
        epochs = run.curves["epoch"]
        loss.plot(epochs, run.curves["train/loss"], "--", color=COLOURS[0], label="training")
        loss.plot(epochs, run.loss, color=COLOURS[0], label="validation")
        accuracy.plot(epochs, run.curves[run.metric], color=COLOURS[0], label="validation")
        finish(loss, accuracy)
        if published:
            bands(loss, accuracy, network, COLOURS[1])
        loss.legend(fontsize=8)
        figure.suptitle(network, fontsize=11)

    save(file, paint)


def comparison(file: Path, runs: Mapping[str, RunFolder], *, published: bool) -> None:
    """Draw the validation loss and accuracy of several networks by epoch; ``published`` as for ``learning``."""

    def paint(figure: Any) -> None:
        loss, accuracy = figure.subplots(1, 2)
        for colour, (network, run) in zip(COLOURS, runs.items()):
            loss.plot(run.curves["epoch"], run.loss, color=colour, label=network)
            accuracy.plot(run.curves["epoch"], run.curves[run.metric], color=colour, label=network)
            if published:
                bands(loss, accuracy, network, colour)
        finish(loss, accuracy)
        accuracy.legend(fontsize=8)

    save(file, paint)


def finish(loss: Any, accuracy: Any) -> None:
    """Label the axes."""
    loss.set(xlabel="epoch", title="loss (nats per pixel)")
    accuracy.set(xlabel="epoch", title="accuracy (share of pixels)")
    for axes in (loss, accuracy):
        axes.grid(alpha=0.3)


def bands(loss: Any, accuracy: Any, network: str, colour: str) -> None:
    """Shade the range of the assignment's public runs."""
    for axes, (low, high) in ((loss, COLOURISERS[network].loss), (accuracy, COLOURISERS[network].accuracy)):
        axes.axhspan(low, high, color=colour, alpha=0.25, linewidth=0, label=f"{network}, the assignment's public runs")
