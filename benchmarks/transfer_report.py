"""The report of `transfer.py`: tables over seeds, differences between starts with intervals, and curves."""

from __future__ import annotations

import statistics
from pathlib import Path

import runs


def read_evaluation(folder: Path, split: str = "val"):
    """Return the COCO evaluation of a run, from the truth and the predictions in its subfolder of the split."""
    from tintbox.plugins.coco_eval.data.detections import Detections
    from tintbox.plugins.coco_eval.data.truth import Truth
    from tintbox.plugins.coco_eval.evaluation import evaluate
    from tintbox.plugins.coco_eval.settings import Settings

    truth = Truth.read(folder / split / "annotations.json")
    detections = Detections.read(folder / split / "predictions.json", truth)
    return evaluate(truth, detections, settings=Settings(explain=False))


def intervals(
    pairs: list[tuple[Path, Path]], split: str = "val"
) -> tuple[tuple[float, float, float], list[tuple[float, float]]]:
    """Return the difference in COCO AP between two starts, with 95% intervals from a paired bootstrap.

    Args:
        pairs: For each seed, the folders of two runs with the same share: ours and its baseline.
        split: The predicted split, a subfolder of each run.

    Returns:
        The mean over seeds with its interval from resampling images and seeds, and for each seed the interval from
        resampling images; in -1..1.
    """
    import numpy as np

    from tintbox.plugins.coco_eval import bootstrap
    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.metrics import overall

    compared = [Comparison(read_evaluation(others, split), read_evaluation(ours, split)) for ours, others in pairs]
    samples = np.stack([(overall(c.second.samples) - overall(c.first.samples))[..., 0] for c in compared])  # (S, R)
    drawn = np.random.default_rng(0).integers(len(pairs), size=(len(pairs), samples.shape[1]))
    pooled = np.take_along_axis(samples, drawn, axis=0).mean(0)
    value = np.mean([c["AP"] for c in compared])
    first = compared[0].first
    low, high = bootstrap.difference_interval(pooled, np.array(value), first.settings.level, first.support[-1, 0])
    return (float(value), float(low), float(high)), [tuple(map(float, c.intervals[0])) for c in compared]


def pick(results: list[dict], start: str, share: int) -> list[dict]:
    """Return the results of a start at a share of the labels, one per seed."""
    return [r for r in results if (r["start"], r["share"]) == (start, share)]


def table(results: list[dict], starts: list[str], shares: list[int], metric: str) -> str:
    """Return the Markdown table of a metric, in percent: mean ± standard deviation over seeds."""
    rows = []
    for start in starts:
        columns = [[100 * r[metric] for r in pick(results, start, share)] for share in shares]
        rows.append([start, *(runs.mean(values) if values else "" for values in columns)])
    return runs.tabulate([metric, *(f"{share}% of the labels" for share in shares)], rows)


def differences(results: list[dict], starts: list[str], shares: list[int], root: Path) -> str:
    """Return a line per start and share: the difference from the first start, also by seed, and the intervals."""
    lines = []
    for share in shares:
        first = {r["seed"]: r for r in pick(results, starts[0], share)}
        for start in starts[1:]:
            pairs = [(r, first[r["seed"]]) for r in pick(results, start, share) if r["seed"] in first]
            if not pairs:
                continue
            values = [100 * (a["mAP50-95"] - b["mAP50-95"]) for a, b in pairs]
            line = f"{start} - {starts[0]} at {share}%: {runs.mean(values)} ({', '.join(f'{v:+.1f}' for v in values)})"
            (value, *bounds), single = intervals([(root / a["folder"], root / b["folder"]) for a, b in pairs])
            line += f"; COCO's AP {100 * value:+.1f} {span(bounds)}, 95% over images and seeds; over images, by seed: "
            lines.append(line + ", ".join(map(span, single)))
    return "\n".join(lines)


def span(bounds) -> str:
    """Return an interval in percent as text."""
    return f"[{100 * bounds[0]:+.1f}, {100 * bounds[1]:+.1f}]"


def figure(results: list[dict], starts: list[str], shares: list[int], file: Path) -> None:
    """Plot mAP against the share of labels, with a curve per start and the seeds' range shaded."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(7, 4), layout="constrained")
    axes = drawing.subplots()
    for start in starts:
        columns = {share: [100 * r["mAP50-95"] for r in pick(results, start, share)] for share in shares}
        columns = {share: values for share, values in columns.items() if values}
        (line,) = axes.plot([*columns], [statistics.mean(v) for v in columns.values()], marker="o", label=start)
        lows, highs = ([f(v) for v in columns.values()] for f in (min, max))
        axes.fill_between([*columns], lows, highs, color=line.get_color(), alpha=0.2)
    axes.set(xscale="log", xlabel="% of the labels", ylabel="mAP50-95 in %", xticks=shares, xticklabels=shares)
    axes.minorticks_off()
    drawing.legend(loc="outside right upper", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    drawing.savefig(file, dpi=120)
