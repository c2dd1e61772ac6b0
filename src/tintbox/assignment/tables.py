"""The tables of the assignment's report, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from tintbox.assignment.published import COLOURISERS, DETECTOR, pool_complexity
from tintbox.run_folder import RunFolder
from tintbox.studies.progress import clock
from tintbox.studies.table import markdown_table

SIZES = (32, 64)  # of Part A's question: what doubles with the side of the image?
COUNTS = ("weights", "outputs", "connections")


def last_values(run: RunFolder) -> tuple[float, float]:
    """Return validation loss and accuracy after the last epoch: the assignment does not select an epoch."""
    return run.loss[-1], run.curves["metrics/accuracy"][-1]


def last_texts(run: RunFolder) -> list[str]:
    """Return these two formatted for the tables, the accuracy in percent."""
    loss, accuracy = last_values(run)
    return [f"{loss:.3f}", f"{100 * accuracy:.1f}"]


def networks(runs: Mapping[str, RunFolder], *, published: bool) -> str:
    """Return the table of the networks; with ``published``, the assignment's results are beside ours."""
    rows = []
    for network, run in runs.items():
        theirs = COLOURISERS[network]
        low, high = (100 * share for share in theirs.accuracy)
        beside = [f"{theirs.loss[0]:.3f} to {theirs.loss[1]:.3f}", f"{low:.1f} to {high:.1f}"]
        rows.append([network, *last_texts(run), *(beside if published else []), clock(run.seconds)])
    theirs_head = ["the assignment's loss", "its accuracy %"] if published else []
    return markdown_table(["network", "validation loss", "accuracy %", *theirs_head, "time"], rows)


def effect_of(name: str, runs: Mapping[str, RunFolder]) -> str:
    """Return the table of one network's runs by the varied value."""
    rows = [[value, *last_texts(run), clock(run.seconds)] for value, run in runs.items()]
    return markdown_table([name, "validation loss", "accuracy %", "time"], rows)


def complexity() -> str:
    """Return the table of PoolUpsampleNet's sizes: counted, and by the assignment's closed forms."""
    from tintbox.colorization.complexity import complexity as count
    from tintbox.colorization.complexity import load_network

    network, channels = load_network("colorize-pool.yaml")
    rows = []
    for size in SIZES:
        counted, formula = count(network, size, channels)["total"], pool_complexity(size)
        rows += [[f"{size}x{size}", key, f"{counted[key]:,}", f"{formula[key]:,}"] for key in COUNTS]
    return markdown_table(["image", "what", "counted", "closed form"], rows)


def detector(before: tuple[float, float], run: RunFolder, *, published: bool) -> str:
    """Return the table of the fine-tuned detector: mAP50 / mAP50-95 before training and after every epoch.

    With ``published``, the assignment's results on the same images are added.
    """
    both = zip(run.curves["metrics/mAP50(B)"], run.curves["metrics/mAP50-95(B)"])
    ours = {"before": before, **{f"epoch {i}": pair for i, pair in enumerate(both, 1)}}
    rows = [["here", *(pair_text(pair) for pair in ours.values())]]
    if published:
        theirs = {f"epoch {epoch}": pair for epoch, pair in DETECTOR.items()}
        rows.append(["the assignment (YOLOv3)", *(pair_text(theirs[key]) if key in theirs else "" for key in ours)])
    return markdown_table(["mAP50 / mAP50-95", *ours], rows)


def pair_text(pair: tuple[float, float]) -> str:
    """Return two metrics as text."""
    return f"{pair[0]:.3f} / {pair[1]:.3f}"
