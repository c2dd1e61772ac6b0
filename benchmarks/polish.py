"""What does `tintbox polish` gain after a training with few labels, and how far is the result ahead of stock?

    python benchmarks/polish.py --model yolo11n.pt --jobs 2 [--shares 20 25%] [--rivals runs/few-labels]

Uses the images and the recipe of benchmarks/few_labels.py: images drawn by the seed, trained with what `tintbox recipe`
writes for exactly these images. The last weights are polished: variants are compared on the validation split. As
trained and polished, they are evaluated by COCO AP on the test split, which is used for nothing else. With --rivals,
the results are also compared with the finished runs of few_labels.py in that folder, by dataset, share and seed.
Finished trainings and runs are kept.
"""

from __future__ import annotations

import argparse
import collections
import json
from functools import partial
from pathlib import Path

import few_labels
import few_labels_report as report
import machine
import runs

POLISHED = "polished"
RIVALS = ("stock", "nbs16")


def run(args: argparse.Namespace, dataset: str, share: str, seed: int, folder: Path) -> dict:
    """Train a run unless it is finished, polish it, evaluate both, and return the results."""
    from tintbox.plugins.polish.command import polish

    imgsz, last = few_labels.DATASETS[dataset], folder / "weights" / "last.pt"
    if not last.is_file():
        few_labels.fit(args, dataset, share, seed, few_labels.RECIPE, folder)
    whole = few_labels.draw(args, dataset, share, seed, validated=None)
    polished = polish(last, whole, args.model, imgsz)  # replaces what a killed run has left
    judged = {
        name: few_labels.judge(file, whole, imgsz, place)
        for name, file, place in (
            (few_labels.RECIPE, last, folder),
            (POLISHED, polished.out or last, folder / POLISHED),
        )
    }
    return {
        "dataset": dataset, "share": share, "seed": seed, "validated": polished.found.images,
        "best": polished.found.best._asdict(), "candidates": [one._asdict() for one in polished.found.candidates],
        **{name: runs.accuracy(box) for name, box in judged.items()},
    }  # fmt: skip


def result_line(name: str, result: dict) -> str:
    """Return the line for a finished run."""
    before, after = (100 * result[row]["mAP50-95"] for row in (few_labels.RECIPE, POLISHED))
    return f"{name}: mAP50-95 {before:.1f}, polished {after:.1f} ({describe(result['best'])})"


def describe(variant: dict) -> str:
    """Return a variant in words."""
    return f"{variant['share']:.0%}{', BatchNorm anew' if variant['anew'] else ''}"


def rows_of(name: str, result: dict) -> list[dict]:
    """Return a run as two rows of the report of few_labels.py."""
    same = {key: result[key] for key in ("dataset", "share", "seed")}
    places = {few_labels.RECIPE: name, POLISHED: f"{name}/{POLISHED}"}
    return [{**same, "row": row, "folder": folder, **result[row]} for row, folder in places.items()]


def rivals_of(root: Path, model: str, results: list[dict]) -> list[dict]:
    """Return the finished runs of few_labels.py with other rows and the same dataset, share and seed."""
    found = []
    for one in results:
        for row in RIVALS:
            name = "-".join([model, one["dataset"], few_labels.name_share(one["share"]), row, str(one["seed"])])
            if (file := root / name / runs.RESULT).is_file() and (root / name / "test").is_dir():
                found.append({**json.loads(file.read_text()), "folder": str(root / name)})
    return found


def main() -> None:
    """Run the benchmark."""
    parser = runs.make_parser(__doc__, "runs/polish")
    parser.add_argument("--model", required=True, help="a pretrained checkpoint")
    parser.add_argument("--datasets", nargs="+", choices=list(few_labels.DATASETS), default=list(few_labels.DATASETS))
    parser.add_argument("--shares", nargs="+", choices=list(few_labels.EPOCHS), default=list(few_labels.EPOCHS))
    parser.add_argument("--rivals", type=Path, help="the --root of few_labels.py, for more rows")
    args = parser.parse_args()
    args.minutes, args.extra, model = None, {}, Path(args.model).stem
    print(machine.describe(), flush=True)
    jobs = {
        "-".join([model, dataset, few_labels.name_share(share), str(seed)]): partial(run, args, dataset, share, seed)
        for seed in args.seeds
        for share in args.shares
        for dataset in args.datasets
    }
    found = runs.run_all(jobs, args, result_line)
    results = list(found.values())
    rows = [row for name, result in found.items() for row in rows_of(name, result)]
    rows += rivals_of(args.rivals.resolve(), model, results) if args.rivals else []
    cells = report.group(rows)
    print(f"\n{report.tabulate_accuracy(cells, rows, few_labels.TUNED)}")
    for other in (few_labels.RECIPE, *(RIVALS if args.rivals else ())):
        print(f"\n{report.tabulate_differences(cells, rows, args.root, other, few_labels.TUNED)}")
    chosen = collections.Counter(describe(result["best"]) for result in results)
    print("\nchosen:", ", ".join(f"{what} {count} times" for what, count in chosen.most_common()))


if __name__ == "__main__":
    main()
