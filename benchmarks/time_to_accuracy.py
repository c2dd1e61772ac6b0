"""Minutes until a detector matches stock's accuracy: stock defaults against the recipe with amp=auto, three seeds each.

    python benchmarks/time_to_accuracy.py --model yolo11n.pt [--cases cells cells51 cards] [--picture docs/minutes.svg]

Both train for 50 epochs; for 25, too, the recipe and stock's settings with amp=auto, which differ in the settings
alone. Runs take turns, on all cores, with validation on the same split after every epoch. mAP50-95 on the validation
split is recorded with the minutes since the start of training, by the wall clock and in processor time (including
loader processes). The goal is stock's accuracy after its last epoch, or one point less. A run reaches it when the
median of three consecutive epochs does, so that a lucky epoch does not count; the time is that of the third. "Times
sooner" is the ratio of stock's whole time to ours, and of the time when stock itself first reached the goal to ours;
for both, the mean over seeds with a 95% interval by Student's t on the logarithms of the paired ratios. One seed's last
digit is noise, so a third table has the mean curves over seeds, without an interval. A fourth table compares what the
runs leave: best.pt, the recipe's polished, on the validation split, which chose both, and on the test split, which
nothing else uses. Finished runs are kept, so a killed benchmark continues where it stopped.

With --jobs 2, runs are parallel, which halves the total time but makes their minutes meaningless. --pace 8 then times
the first eight epochs of every case and variant again, alone, and all runs use these times: an epoch after the eighth
takes the median of the last three, and the end, with polish and the final validation, as long as it took there.

`TINTBOX_DATA` names the folder with the datasets (see datasets/cards.yaml).
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from functools import partial
from pathlib import Path

import machine
import runs

CASES = {  # name -> data, fraction of the training split
    "cells": ("bccd.yaml", 1.0),
    "cells51": ("bccd.yaml", 0.25),
    "cards": ("cards.yaml", 1.0),
}
PANELS = {"cells": "blood cells, 205 images", "cells51": "blood cells, 51 images", "cards": "cards, 218 images"}
RECIPE = {"cfg": "recipe-finetune.yaml", "amp": "auto"}
HALVES = ("half", "stock-half")  # with half the epochs
VARIANTS = {"stock": {}, "recipe": RECIPE, "half": RECIPE, "stock-half": {"amp": "auto"}}
TITLES = {
    "stock": "stock", "recipe": "recipe, amp=auto", "half": "the same, half the epochs",
    "stock-half": "stock's settings, amp=auto, half the epochs",
}  # fmt: skip
METRIC = "metrics/mAP50-95(B)"
SHORT = (0, 1)  # points of mAP below stock that count as reaching the goal: final values have that much noise
COLOURS = {"stock": "#8a8f98", "recipe": "#d9480f", "half": "#f59f00", "stock-half": "#4263eb"}


def train(args: argparse.Namespace, pace: int | None, case: str, variant: str, seed: int, folder: Path) -> dict:
    """Train one run, or only its first ``pace`` epochs; return its minutes and accuracies by epoch, and of best.pt."""
    import psutil
    from ultralytics import YOLO

    process, epochs, marks = psutil.Process(), [], {}

    def used() -> float:
        times = [process.cpu_times(), *(child.cpu_times() for child in process.children())]
        return sum(t.user + t.system for t in times)

    def begin(trainer) -> None:
        marks.update(clock=time.perf_counter(), processor=used())

    def note(trainer) -> None:
        minutes = [(time.perf_counter() - marks["clock"]) / 60, (used() - marks["processor"]) / 60]
        epochs.append([*minutes, float(trainer.metrics[METRIC])])
        trainer.stop |= len(epochs) == pace

    model = YOLO(args.model)
    model.add_callback("on_pretrain_routine_start", begin)
    model.callbacks["on_fit_epoch_end"].insert(0, note)  # before polish; fires once more after the final validation
    data, fraction = CASES[case]
    total = args.epochs // 2 if variant in HALVES else args.epochs
    batch = {} if "cfg" in VARIANTS[variant] else {"batch": args.batch}  # a recipe has its own
    model.train(
        **VARIANTS[variant], **batch, data=data, fraction=fraction, epochs=total, imgsz=args.imgsz, seed=seed,
        patience=0, plots=False, project=str(folder.parent), name=folder.name, exist_ok=True,
    )  # fmt: skip
    *each, end = epochs
    result = {"case": case, "variant": variant, "seed": seed, "epochs": each, "end": end}
    if pace is None:
        best = YOLO(model.trainer.best)
        test = best.val(data=data, split="test", imgsz=args.imgsz, plots=False, project=str(folder), name="test")
        result["test"] = float(test.box.map)
    return result


def reach(result: dict, accuracy: float, column: int = 0) -> float | None:
    """Return the minutes until the median of three consecutive epochs is at least ``accuracy``; None if it never is."""
    accuracies = [epoch[2] for epoch in result["epochs"]]
    for i in range(2, len(accuracies)):
        if statistics.median(accuracies[i - 2 : i + 1]) >= accuracy:
            return result["epochs"][i][column]
    return None


def take_clock(result: dict, pace: dict) -> dict:
    """Return a run's result with the minutes of a shorter run that had the machine to itself."""
    times = [minutes for minutes, *_ in pace["epochs"]]
    each = statistics.median(after - before for before, after in zip(times[-4:], times[-3:]))
    last = pace["end"][0] - times[-1]
    times += [times[-1] + each * (i + 1) for i in range(len(result["epochs"]) - len(times))]
    epochs = [[minutes, *rest] for minutes, (_, *rest) in zip(times, result["epochs"])]
    return {**result, "epochs": epochs, "end": [times[-1] + last, *result["end"][1:]]}


def interval(ratios: list[float]) -> str:
    """Return the geometric mean of ratios with a 95% interval by Student's t on their logarithms."""
    middle, low, high = map(math.exp, runs.student_interval([math.log(ratio) for ratio in ratios]))
    return f"{middle:.1f}" + (f" [{low:.1f}, {high:.1f}]" if len(ratios) > 1 else "")


def pair_up(results: list[dict]) -> dict[tuple[str, str], list[tuple[dict, dict]]]:
    """Return (case, variant) -> pairs of stock's and the variant's runs, for all seeds that both have."""
    runs_of = {(r["case"], r["variant"], r["seed"]): r for r in results}
    found: dict[tuple[str, str], list[tuple[dict, dict]]] = {}
    for (case, variant, seed), own in runs_of.items():
        if variant != "stock" and (stock := runs_of.get((case, "stock", seed))):
            found.setdefault((case, variant), []).append((stock, own))
    return dict(sorted(found.items(), key=lambda item: (list(CASES).index(item[0][0]), item[0][1] in HALVES)))


def report_ends(results: list[dict]) -> str:
    """Return the table of final accuracies and times."""
    header = ["case", "against stock", "n", "mAP50-95 of stock", "of this", "minutes of stock", "of this"]
    rows = []
    for (case, variant), pairs in pair_up(results).items():
        ends = [[run["epochs"][-1] for run in pair] for pair in pairs]
        columns = [case, TITLES[variant], str(len(pairs))]
        columns += [runs.mean([100 * pair[i][2] for pair in ends]) for i in (0, 1)]
        rows.append([*columns, *(runs.mean([pair[i][0] for pair in ends]) for i in (0, 1))])
    return runs.tabulate(header, rows)


def report_goals(results: list[dict]) -> str:
    """Return the table of how soon the recipe reaches stock's final accuracy, or a point less."""
    header = ["case", "against stock", "n", "goal", "minutes to reach it", "times sooner than stock's end"]
    header += ["than stock itself reached it", "than stock's end, in processor time"]
    rows = []
    for (case, variant), pairs in pair_up(results).items():
        for points in SHORT:
            goals = [stock["epochs"][-1][2] - points / 100 for stock, _ in pairs]
            columns = [case, TITLES[variant], str(len(pairs)), f"{points:g} point below" if points else "stock's mAP"]
            ours = [reach(own, goal) for (_, own), goal in zip(pairs, goals)]
            if None in ours:
                columns += [f"never, by {ours.count(None)} of {len(ours)} seeds", "", "", ""]
            else:
                ends = [stock["epochs"][-1] for stock, _ in pairs]
                there = [reach(stock, goal) or end[0] for (stock, _), goal, end in zip(pairs, goals, ends)]
                processor = [reach(own, goal, 1) for (_, own), goal in zip(pairs, goals)]
                columns += [runs.mean(ours), interval([end[0] / t for end, t in zip(ends, ours)])]
                columns.append(interval([a / b for a, b in zip(there, ours)]))
                columns.append(interval([end[1] / t for end, t in zip(ends, processor)]))
            rows.append(columns)
    return runs.tabulate(header, rows)


def report_means(results: list[dict]) -> str:
    """Return the table of how soon the recipe's mean curve over seeds reaches the mean of stock's final accuracies."""
    rows = []
    for (case, variant), pairs in pair_up(results).items():
        curves = [[run["epochs"] for run in side] for side in zip(*pairs)]
        stock, own = ([[statistics.mean(c) for c in zip(*epoch)] for epoch in zip(*side)] for side in curves)
        minutes, _, goal = stock[-1]
        there = reach({"epochs": own}, goal)
        columns = [case, TITLES[variant], str(len(pairs)), f"{100 * goal:.1f}"]
        rows.append([*columns, *([f"{there:.1f}", f"{minutes / there:.1f}"] if there else ["never", ""])])
    return runs.tabulate(["case", "against stock", "n", "goal, mean", "minutes to reach it", "times sooner"], rows)


def report_best(results: list[dict]) -> str:
    """Return the table of what the runs leave, best.pt: accuracy on both splits, and the minutes until it is there."""
    header = ["case", "against stock", "n", "validation: stock", "this", "test: stock", "this", "difference"]
    header += ["minutes of stock", "of this", "times sooner"]
    rows = []
    for (case, variant), pairs in pair_up(results).items():
        columns = [case, TITLES[variant], str(len(pairs))]
        columns += [runs.mean([100 * run["end"][2] for run in side]) for side in zip(*pairs)]
        columns += [runs.mean([100 * run["test"] for run in side]) for side in zip(*pairs)]
        gains = [100 * (own["test"] - stock["test"]) for stock, own in pairs]
        middle, low, high = runs.student_interval(gains)
        columns.append(f"{middle:+.1f}" + (f" [{low:+.1f}, {high:+.1f}]" if len(gains) > 1 else ""))
        columns += [runs.mean([run["end"][0] for run in side]) for side in zip(*pairs)]
        rows.append([*columns, interval([stock["end"][0] / own["end"][0] for stock, own in pairs])])
    return runs.tabulate(header, rows)


def draw(results: list[dict], file: Path) -> None:
    """Plot accuracy against minutes, with a panel per case and a line per run."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "tintbox"
    from matplotlib import pyplot as plt

    cases = list(dict.fromkeys(r["case"] for r in results))
    figure, axes = plt.subplots(1, len(cases), figsize=(4 * len(cases), 3.2), squeeze=False, layout="constrained")
    for axis, case in zip(axes[0], cases):
        own = [r for r in results if r["case"] == case]
        for r in sorted(own, key=lambda r: list(VARIANTS).index(r["variant"])):
            minutes, accuracies = ([epoch[i] for epoch in r["epochs"]] for i in (0, 2))
            label = TITLES[r["variant"]] if r["seed"] == min(q["seed"] for q in results) else None
            axis.plot(minutes, [100 * a for a in accuracies], color=COLOURS[r["variant"]], lw=1.4, label=label)
        axis.set(title=PANELS[case], xlabel="minutes", ylim=(0, None), xlim=(0, None))
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    axes[0][0].set_ylabel("mAP50-95, validation (%)")
    axes[0][0].legend(frameon=False, loc="lower right")
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def result_line(name: str, result: dict) -> str:
    """Return the line for a finished run."""
    (*_, last), (minutes, processor, best) = result["epochs"][-1], result["end"]
    accuracies = f"mAP50-95 {100 * last:.1f}, best.pt {100 * best:.1f}"
    return f"{name}: {accuracies} in {minutes:.1f} minutes, {processor:.1f} of processor time"


def main() -> None:
    """Run the benchmark."""
    parser = runs.make_parser(__doc__, "runs/time_to_accuracy", epochs=50, imgsz=320, batch=16)
    parser.add_argument("--model", default="yolo11n.pt", help="the pretrained checkpoint")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--pace", type=int, help="epochs to time again per variant, alone, as the pace of all runs")
    parser.add_argument("--picture", type=Path, help="file for the plot of the curves, e.g. minutes.svg")
    args = parser.parse_args()
    if args.pace is not None and args.pace < 4:
        parser.error("--pace: give 4 epochs or more, three of them with all layers unfrozen")
    print(machine.describe(), flush=True)
    setting = f"{Path(args.model).stem}-{args.imgsz}px-e{args.epochs}-b{args.batch}"

    def run(seeds: list[int], pace: int | None) -> list[dict]:
        ending = f"-pace{pace}" if pace else ""
        jobs = {
            f"{setting}-{case}-{variant}-{seed}{ending}": partial(train, args, pace, case, variant, seed)
            for seed in seeds
            for case in args.cases
            for variant in args.variants
        }
        return list(runs.run_all(jobs, args, result_line).values())

    results = run(args.seeds, None)
    if args.pace:
        args.jobs = 1
        alone = run(args.seeds[:1], args.pace)
        paces = {(r["case"], r["variant"]): r for r in alone}
        results = [take_clock(r, paces[r["case"], r["variant"]]) for r in results]
    words = [f"{args.epochs} epochs", f"{args.imgsz} px", f"batch {args.batch}", "mean ± standard deviation"]
    print(f"\n{Path(args.model).name}: {', '.join(words)}\n")
    print(*(report(results) for report in (report_ends, report_goals, report_means, report_best)), sep="\n\n")
    if args.picture:
        draw(results, args.picture)


if __name__ == "__main__":
    main()
