"""The report of `transfer.py`: tables over seeds, differences between starts with intervals, and curves."""

from __future__ import annotations

import statistics
from pathlib import Path

import runs


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
            (value, *bounds), single = runs.intervals([(root / a["folder"], root / b["folder"]) for a, b in pairs])
            line += (
                f"; COCO's AP {100 * value:+.1f} {runs.span(bounds)}, 95% over images and seeds; over images, by seed: "
            )
            lines.append(line + ", ".join(map(runs.span, single)))
    return "\n".join(lines)


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
