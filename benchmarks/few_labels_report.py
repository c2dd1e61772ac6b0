"""The report of `few_labels.py`: tables, paired differences with intervals, and the plot."""

from __future__ import annotations

from pathlib import Path

import runs

AGAINST = ("stock", "nbs16")  # every other row is compared with these, or with the first row where neither is there
Key = tuple[str, str, str]  # dataset, share, row


def group(results: list[dict]) -> dict[Key, dict[int, dict]]:
    """Return the runs of each dataset, share and row, by seed."""
    found: dict[Key, dict[int, dict]] = {}
    for result in results:
        found.setdefault((result["dataset"], result["share"], result["row"]), {})[result["seed"]] = result
    return found


def list_values(results: list[dict], key: str) -> list[str]:
    """Return the distinct values of a key, in order of appearance."""
    return list(dict.fromkeys(r[key] for r in results))


def make(results: list[dict], root: Path, tuned: tuple[str, ...]) -> str:
    """Return the tables: AP by dataset and share, then the differences from stock and from the strong baseline."""
    cells = group(results)
    parts = [tabulate_accuracy(cells, results, tuned)]
    rows = list_values(results, "row")
    for other in [row for row in AGAINST if row in rows] or rows[:1]:
        parts.append(tabulate_differences(cells, results, root, other, tuned))
    return "\n\n".join(parts)


def tabulate_accuracy(cells: dict[Key, dict[int, dict]], results: list[dict], tuned: tuple[str, ...]) -> str:
    """Return mAP50-95 on the test split in percent, mean ± standard deviation over seeds."""
    rows = list_values(results, "row")
    title = "mAP50-95 on the test split, percent, mean ± standard deviation over seeds (* used for tuning the rules)"
    lines = []
    for share in list_values(results, "share"):
        for dataset in list_values(results, "dataset"):
            found = [cells.get((dataset, share, row), {}) for row in rows]
            if not any(found):
                continue
            values = [runs.mean([100 * r["mAP50-95"] for r in own.values()]) if own else "" for own in found]
            seeds = "/".join(map(str, sorted({len(own) for own in found if own})))
            lines.append([share, dataset + "*" * (dataset in tuned), seeds, *values])
    return f"{title}\n\n{runs.tabulate(['labels', 'data', 'n', *rows], lines)}"


def compare(
    cells: dict[Key, dict[int, dict]], root: Path, dataset: str, share: str, row: str, other: str
) -> tuple[float, float, float] | None:
    """Return the difference in AP of two rows and its interval over test images and seeds, in -1..1."""
    ours, theirs = cells.get((dataset, share, row), {}), cells.get((dataset, share, other), {})
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        return None
    pairs = [(root / ours[seed]["folder"], root / theirs[seed]["folder"]) for seed in seeds]
    return runs.intervals(pairs, "test")[0]


def over_datasets(values: list[float]) -> str:
    """Return the mean of the datasets' differences, in points, with a 95% interval by Student's t."""
    middle, *bounds = runs.student_interval(values)
    return f"{100 * middle:+.1f}" + (f" {runs.span(bounds)}" if len(values) > 1 else "")


def tabulate_differences(
    cells: dict[Key, dict[int, dict]], results: list[dict], root: Path, other: str, tuned: tuple[str, ...]
) -> str:
    """Return the paired differences from a row, by dataset and over all datasets."""
    rows = [row for row in list_values(results, "row") if row != other]
    title = f"difference in COCO AP from {other}, points, [95% over test images and seeds]"
    lines = []
    for share in list_values(results, "share"):
        sums: dict[str, dict[str, float]] = {row: {} for row in rows}
        for dataset in list_values(results, "dataset"):
            columns = []
            for row in rows:
                found = compare(cells, root, dataset, share, row, other)
                columns.append(f"{100 * found[0]:+.1f} {runs.span(found[1:])}" if found else "")
                if found:
                    sums[row][dataset] = found[0]
            if any(columns):
                lines.append([share, dataset + "*" * (dataset in tuned), *columns])
        for what, of in (("all", lambda name: True), ("not tuned on", lambda name: name not in tuned)):
            means = [[value for name, value in sums[row].items() if of(name)] for row in rows]
            if any(len(values) > 1 for values in means):
                columns = [over_datasets(values) if values else "" for values in means]
                lines.append([share, f"**{what}**, [95% over datasets]", *columns])
    return f"{title}\n\n{runs.tabulate(['labels', 'data', *rows], lines)}"


def draw(results: list[dict], root: Path, file: Path) -> None:
    """Plot the differences from stock: a panel per share, a line per dataset, a marker with its interval per row."""
    from matplotlib.figure import Figure

    cells, other = group(results), AGAINST[0]
    rows = [row for row in list_values(results, "row") if row != other]
    shares, datasets = list_values(results, "share"), list_values(results, "dataset")
    drawing = Figure(figsize=(3.4 * len(shares) + 1, 0.7 * len(datasets) + 1.6), layout="constrained")
    panels = drawing.subplots(1, len(shares), sharey=True, squeeze=False)[0]
    for axes, share in zip(panels, shares):
        for i, row in enumerate(rows):
            found = [compare(cells, root, dataset, share, row, other) for dataset in datasets]
            there = [(y + 0.15 * (i - (len(rows) - 1) / 2), d) for y, d in enumerate(found) if d]
            if there:
                ys, ds = zip(*there)
                values = [100 * d[0] for d in ds]
                errors = [[100 * (d[0] - d[1]) for d in ds], [100 * (d[2] - d[0]) for d in ds]]
                axes.errorbar(values, ys, xerr=errors, fmt="o", markersize=4, linewidth=1.2, label=row)
        axes.axvline(0, color="#8a8f98", linewidth=1)
        label = f"{share} of the labels" if share.endswith("%") else f"{share} labelled images"
        axes.set(title=label, xlabel=f"AP minus {other}'s", yticks=range(len(datasets)), yticklabels=datasets)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower center", ncols=len(rows), frameon=False)
    drawing.savefig(file, dpi=120)
