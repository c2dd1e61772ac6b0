"""Does averaging a fine-tuned detector with its starting model help (WiSE-FT, Wortsman et al. 2022)?

    python benchmarks/average.py --model yolo11n.pt --jobs 2

Uses the images and the recipe of benchmarks/few_labels.py: 20 labelled images drawn by the seed, trained with the
recipe that `tintbox recipe` writes for them. The last weights of backbone and neck are averaged with the starting
model's by several shares, and every average is evaluated by mAP50-95 on the test split. Finished runs are kept.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from pathlib import Path

import few_labels
import machine
import runs
from few_labels_report import over_datasets

LABELS = "20"  # labelled images
SHARES = (1.0, 0.9, 0.75, 0.5)  # of the fine-tuned weights


def blend(tuned: Path, start: str, share: float):
    """Return a fine-tuned model with its weights averaged with those of its starting model, except for the head."""
    from ultralytics import YOLO

    model, first = YOLO(tuned), YOLO(start).model.float().state_dict()
    head = f"model.{len(model.model.model) - 1}."
    for name, value in model.model.float().state_dict().items():
        if value.is_floating_point() and not name.startswith(head):
            value.copy_(share * value + (1 - share) * first[name])
    return model


def run(args: argparse.Namespace, dataset: str, seed: int, folder: Path) -> dict:
    """Train a run, average it by every share, and return the results."""
    from ultralytics import YOLO

    imgsz, data = few_labels.DATASETS[dataset], few_labels.draw(args, dataset, LABELS, seed)
    own = few_labels.arguments(args, few_labels.RECIPE, data, LABELS, imgsz, folder)
    settings = {"data": data, "imgsz": imgsz, "workers": 0, "plots": False, "exist_ok": True}
    YOLO(args.model).train(
        **{"amp": "auto", **own, **settings, "epochs": few_labels.EPOCHS[LABELS]}, seed=seed, cache="ram", val=False,
        save=False, project=str(folder.parent), name=folder.name,
    )  # fmt: skip
    last, mean, found = folder / "weights" / "last.pt", folder / "weights" / "mean.pt", {}
    for share in SHARES:
        blend(last, args.model, share).save(mean)
        judged = YOLO(mean).val(**settings, split="test", verbose=False, project=str(folder), name="test")
        found[str(share)] = float(judged.box.map)
    for file in (last, mean):
        file.unlink()
    return {"dataset": dataset, "seed": seed, "mAP50-95": found}


def result_line(name: str, result: dict) -> str:
    """Return the line for a finished run."""
    return f"{name}: " + ", ".join(f"{share}: {100 * value:.1f}" for share, value in result["mAP50-95"].items())


def report(results: list[dict]) -> str:
    """Return the Markdown table: mAP50-95 and the gains, by dataset and over all datasets."""
    rows = []
    means: dict[float, list[float]] = {share: [] for share in SHARES[1:]}
    for dataset in dict.fromkeys(r["dataset"] for r in results):
        own = [r["mAP50-95"] for r in results if r["dataset"] == dataset]
        columns = [runs.mean([100 * found["1.0"] for found in own])]
        for share, gains in means.items():
            each = [found[str(share)] - found["1.0"] for found in own]
            gains.append(statistics.mean(each))
            columns.append(f"{100 * gains[-1]:+.1f} ({100 * min(each):+.1f} to {100 * max(each):+.1f})")
        rows.append([dataset, str(len(own)), *columns])
    rows.append(["**all**, [95% over datasets]", "", "", *map(over_datasets, means.values())])
    return runs.tabulate(["data", "n", "as trained", *(f"{share:g} of it" for share in SHARES[1:])], rows)


def main() -> None:
    """Run the benchmark."""
    parser = runs.make_parser(__doc__, "runs/average")
    parser.add_argument("--model", required=True, help="a pretrained checkpoint")
    parser.add_argument("--datasets", nargs="+", choices=list(few_labels.DATASETS), default=list(few_labels.DATASETS))
    args = parser.parse_args()
    args.minutes, args.extra = None, {}
    print(machine.describe(), flush=True)
    jobs = {
        f"{Path(args.model).stem}-{dataset}-{seed}": partial(run, args, dataset, seed)
        for seed in args.seeds
        for dataset in args.datasets
    }
    results = list(runs.run_all(jobs, args, result_line).values())
    print(f"\n{args.model}, {LABELS} images: mAP50-95 on the test split in percent, gains (lowest to highest)\n")
    print(report(results))


if __name__ == "__main__":
    main()
