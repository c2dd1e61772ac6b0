"""The three seed networks on the real horses, both recipes, three seeds: docs/assignment.md's table, curves and images.

    python benchmarks/seed_table.py                    # all 18 runs, then the table
    python benchmarks/seed_table.py --jobs 2           # two parallel runs that share the cores
    python benchmarks/seed_table.py --epochs 1 --seeds 0 --networks pool   # a quick look

Every run is an ordinary run folder with a ``result.json``; finished runs are kept, so a killed benchmark continues
where it stopped. `TINTBOX_CIFAR10` may name the archive or the horses' npz (see datasets/cifar10-horses.yaml).
"""

from __future__ import annotations

import csv
import shutil
import statistics
import time
from functools import partial
from pathlib import Path

import machine
import runs

NETWORKS = {"pool": "PoolUpsampleNet", "convt": "ConvTransposeNet", "unet": "UNet"}
RECIPES = {"seed": "recipe-seed.yaml", "tintbox": None}  # None: the default without cfg=
ASSIGNMENT = {"pool": (1.5845, 41.3), "convt": (1.1475, 55.5), "unet": (1.0596, 58.2)}  # loss, accuracy in %


def train(network: str, recipe: str, seed: int, epochs: int, folder: Path) -> dict:
    """Train one network; return the metrics of the averaged weights by epoch and of the raw weights at the end."""
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
    return {"network": network, "recipe": recipe, "seed": seed, "seconds": seconds, "epochs": averaged, "raw": raw}


def result_line(name: str, result: dict) -> str:
    """Return the line for a finished run."""
    return "{}: loss {loss:.4f}, accuracy {accuracy:.4f}".format(name, **result["epochs"][-1])


def percent(shares: list[float]) -> str:
    """Return ``mean ± standard deviation`` of shares, in percent."""
    return runs.mean([100 * share for share in shares])


def table(results: list[dict]) -> str:
    """Return the Markdown table: our results beside the assignment's."""
    header = ["network", "recipe", "n", "loss, averaged", "accuracy %, averaged", "loss, raw", "accuracy %, raw"]
    rows = []
    for network, name in NETWORKS.items():
        for recipe in RECIPES:
            mine = [r for r in results if (r["network"], r["recipe"]) == (network, recipe)]
            if not mine:
                continue
            last = [r["epochs"][-1] for r in mine]
            rows.append([
                name, recipe, str(len(mine)),
                runs.mean([e["loss"] for e in last], 3), percent([e["accuracy"] for e in last]),
                runs.mean([r["raw"]["loss"] for r in mine], 3), percent([r["raw"]["accuracy"] for r in mine]),
                "{:.3f} / {:.1f}".format(*ASSIGNMENT[network]),
            ])  # fmt: skip
    return runs.tabulate([*header, "assignment"], rows)


def curves(results: list[dict], file: Path) -> None:
    """Plot validation loss and accuracy by epoch: a line per network and recipe, with the seeds' range shaded."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = dict(zip(("loss", "accuracy"), figure.subplots(1, 2)))
    for colour, (network, name) in zip(("tab:blue", "tab:orange", "tab:green"), NETWORKS.items()):
        for style, recipe in zip(("--", "-"), RECIPES):
            mine = [r["epochs"] for r in results if (r["network"], r["recipe"]) == (network, recipe)]
            for key, axis in axes.items():
                columns = list(zip(*([100 * e[key] if key == "accuracy" else e[key] for e in run] for run in mine)))
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
    """Run the benchmark."""
    parser = runs.make_parser(__doc__, "runs/seed_table", epochs=25)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--pictures", type=Path, help="folder for the curves and sample images")
    args = parser.parse_args()
    print(machine.describe())
    chosen = [(n, r, s) for s in args.seeds for n in args.networks for r in args.recipes]
    jobs = {f"{n}-{r}-{s}-e{args.epochs}": partial(train, n, r, s, args.epochs) for n, r, s in chosen}
    results = list(runs.run_all(jobs, args, result_line).values())
    print(f"\n{len(args.seeds)} seeds, {args.epochs} epochs, batch 100; mean ± standard deviation\n\n{table(results)}")
    if args.pictures:
        curves(results, args.pictures / "seed-curves.png")
        for network in args.networks:
            folder = args.root / f"{network}-{args.recipes[-1]}-{args.seeds[0]}-e{args.epochs}"
            shutil.copy(folder / "samples" / f"epoch{args.epochs:03d}.png", args.pictures / f"seed-{network}.png")


if __name__ == "__main__":
    main()
