"""The three seed networks on the real horses, with both recipes and three seeds: the README's table, curves, pictures.

    python benchmarks/seed_table.py                    # all 18 runs, then the table
    python benchmarks/seed_table.py --jobs 2           # two runs side by side, the cores shared among them
    python benchmarks/seed_table.py --epochs 1 --seeds 0 --networks pool   # a quick look

Every run is an ordinary run folder with a ``result.json``; finished runs are kept, so a killed benchmark goes on where
it was. `TINTBOX_CIFAR10` may name the archive or the horses' npz (see datasets/cifar10-horses.yaml).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
NETWORKS = {"pool": "PoolUpsampleNet", "convt": "ConvTransposeNet", "unet": "UNet"}
RECIPES = {"seed": "recipe-seed.yaml", "tintbox": None}  # None: what a user gets without cfg=
ASSIGNMENT = {"pool": (1.5845, 41.3), "convt": (1.1475, 55.5), "unet": (1.0596, 58.2)}  # loss, accuracy in %


def train(network: str, recipe: str, seed: int, epochs: int, folder: Path) -> None:
    """Train one network and write ``result.json``: the averaged weights per epoch and the raw weights at the end."""
    from copy import deepcopy

    from ultralytics import YOLO

    from tintbox.colorization.validator import ColorizeValidator

    settings = {"cfg": RECIPES[recipe]} if RECIPES[recipe] else {}
    start = time.perf_counter()
    model = YOLO(f"colorize-{network}.yaml")
    model.train(
        **settings, data="cifar10-horses.yaml", epochs=epochs, batch=100, imgsz=32, seed=seed,
        project=str(folder.parent), name=folder.name, exist_ok=True,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    args = {"data": "cifar10-horses.yaml", "imgsz": 32, "batch": 200, "plots": False, "task": "colorize"}
    validator = ColorizeValidator(args={**args, "project": str(folder / "raw"), "name": "val"})
    validator(model=deepcopy(model.trainer.model))
    with (folder / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    averaged = [{"loss": float(r["val/loss"]), "accuracy": float(r["metrics/accuracy"])} for r in rows]
    raw = {"loss": validator.metrics.loss, "accuracy": validator.metrics.accuracy}
    result = {"network": network, "recipe": recipe, "seed": seed, "seconds": seconds, "epochs": averaged, "raw": raw}
    (folder / "result.json").write_text(json.dumps(result))


def run_all(jobs: list[tuple[str, str, int]], epochs: int, root: Path, side_by_side: int) -> list[dict]:
    """Return the results of all runs, each trained in a process of its own unless it is there."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = str(max(1, cores // side_by_side))

    def one(job: tuple[str, str, int]) -> dict:
        network, recipe, seed = job
        folder = root / f"{network}-{recipe}-{seed}-e{epochs}"
        if not (folder / "result.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            words = [sys.executable, __file__, "--one", network, recipe, str(seed), "--epochs", str(epochs)]
            with (folder / "log.txt").open("w") as log:
                environment = {**os.environ, "OMP_NUM_THREADS": threads}
                subprocess.run([*words, "--root", str(root)], check=True, stdout=log, stderr=log, env=environment)
        result = json.loads((folder / "result.json").read_text())
        last = result["epochs"][-1]
        print(f"{network:6} {recipe:8} seed {seed}: {last['loss']:.4f} {last['accuracy']:.4f}", flush=True)
        return result

    with ThreadPoolExecutor(side_by_side) as pool:
        return list(pool.map(one, jobs))


def percent(values: list[float]) -> str:
    """Return ``mean ± standard deviation`` of shares, in percent."""
    values = [100 * v for v in values]
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values) if len(values) > 1 else 0:.1f}"


def nats(values: list[float]) -> str:
    """Return ``mean ± standard deviation`` of losses."""
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values) if len(values) > 1 else 0:.3f}"


def table(results: list[dict]) -> str:
    """Return the Markdown table: ours beside the assignment's."""
    lines = [
        "| network | recipe | n | loss, averaged | accuracy %, averaged | loss, raw | accuracy %, raw | assignment |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for network, name in NETWORKS.items():
        for recipe in RECIPES:
            runs = [r for r in results if (r["network"], r["recipe"]) == (network, recipe)]
            if not runs:
                continue
            last = [r["epochs"][-1] for r in runs]
            columns = [
                name, recipe, str(len(runs)),
                nats([e["loss"] for e in last]), percent([e["accuracy"] for e in last]),
                nats([r["raw"]["loss"] for r in runs]), percent([r["raw"]["accuracy"] for r in runs]),
                "{:.3f} / {:.1f}".format(*ASSIGNMENT[network]),
            ]  # fmt: skip
            lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def curves(results: list[dict], file: Path) -> None:
    """Draw validation loss and accuracy by epoch: a line per network and recipe, the seeds' range shaded."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = dict(zip(("loss", "accuracy"), figure.subplots(1, 2)))
    for colour, (network, name) in zip(("tab:blue", "tab:orange", "tab:green"), NETWORKS.items()):
        for style, recipe in zip(("--", "-"), RECIPES):
            runs = [r["epochs"] for r in results if (r["network"], r["recipe"]) == (network, recipe)]
            for key, axis in axes.items():
                columns = list(zip(*([100 * e[key] if key == "accuracy" else e[key] for e in run] for run in runs)))
                epochs = range(1, len(columns) + 1)
                label = f"{name}, {recipe} recipe"
                axis.plot(epochs, [statistics.mean(c) for c in columns], style, color=colour, label=label)
                axis.fill_between(
                    epochs, [min(c) for c in columns], [max(c) for c in columns], color=colour, alpha=0.15
                )
    for network, (loss, accuracy) in ASSIGNMENT.items():
        colour = dict(zip(NETWORKS, ("tab:blue", "tab:orange", "tab:green")))[network]
        axes["loss"].axhline(loss, color=colour, linestyle=":", linewidth=1)
        axes["accuracy"].axhline(accuracy, color=colour, linestyle=":", linewidth=1)
    axes["loss"].set(xlabel="epoch", ylabel="validation loss (nats)", ylim=(0.85, 2.2))
    axes["accuracy"].set(xlabel="epoch", ylabel="validation accuracy (%)", ylim=(25, 65))
    axes["accuracy"].legend(fontsize=7)
    figure.suptitle("1,000 CIFAR-10 test horses, 24 colours; dotted: the assignment", fontsize=10)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--root", type=Path, default=Path("runs/seed_table"), help="where the run folders go")
    parser.add_argument("--pictures", type=Path, help="folder for the curves and sample pictures")
    parser.add_argument("--one", nargs=3, metavar=("NETWORK", "RECIPE", "SEED"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    root = args.root.resolve()
    if args.one:
        network, recipe, seed = args.one
        train(network, recipe, int(seed), args.epochs, root / f"{network}-{recipe}-{seed}-e{args.epochs}")
        return
    sys.path.insert(0, str(HERE))
    import machine

    print(machine.describe())
    jobs = [(n, r, s) for s in args.seeds for n in args.networks for r in args.recipes]
    results = run_all(jobs, args.epochs, root, args.jobs)
    print(f"\n{len(args.seeds)} seeds, {args.epochs} epochs, batch 100; mean ± standard deviation\n\n{table(results)}")
    if args.pictures:
        curves(results, args.pictures / "seed-curves.png")
        for network in args.networks:
            folder = root / f"{network}-{args.recipes[-1]}-{args.seeds[0]}-e{args.epochs}"
            shutil.copy(folder / "samples" / f"epoch{args.epochs:03d}.png", args.pictures / f"seed-{network}.png")


if __name__ == "__main__":
    main()
