"""Few labels: stock defaults, common advice, a strong baseline and tintbox's recipes, on several datasets.

    python benchmarks/few_labels.py --model yolo11n.pt --jobs 2 [--json results.json] [--figure few-labels.png]
    python benchmarks/few_labels.py --model yolo11n.pt --datasets cards --shares 20 --rows stock recipe
    python benchmarks/few_labels.py --model yolo11n.pt --extra mine=mine.yaml  # one more row: recipe plus this YAML

For every dataset, share of the training labels and seed, the seed draws the images and is also the seed of the run. All
rows see the same images, equally often (`EPOCHS`), with the same arithmetic (amp=auto), at the same size. The row
`recipe` uses the recipe that `tintbox recipe` writes for exactly these images. There is no validation during training:
the weights of the last epoch are evaluated by COCO AP on the test split, which is used for nothing else. The recipes'
rules were developed on the datasets in `TUNED`; the others were run once, after the rules were final.

The row `recipe-probe` uses the recipe of `probe=true`, whose short runs take at most half of `PROBE` minutes before it.

With --minutes, rows train for equal minutes instead, each at its own speed; stock keeps its float32 default. Run these
with --jobs 1 on an otherwise idle machine.

Differences are paired: per dataset and share with an interval over test images and seeds; over datasets with
Student's t on the datasets' means. Every run is an ordinary run folder with its predictions in `test/`; finished runs
are kept, so a killed benchmark continues where it stopped. `TINTBOX_DATA` names the folder with the datasets.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import few_labels_report as report
import machine
import runs
from images import dataset_of, pictures_of, shuffle_pictures, write_yaml
from tintbox.yaml_file import read as read_yaml

TUNED = ("bccd", "aquarium", "cards")
DATASETS = {"bccd": 320, "aquarium": 320, "cards": 320, "boards": 320, "pcb": 480}  # name -> pixels
EPOCHS = {"20": 50, "25%": 30, "100%": 15}  # number or share of the training images -> epochs
WRITTEN = {"recipe": False, "recipe-probe": True}  # rows whose arguments come from `tintbox recipe` -> its probe=
PROBE = 60  # minutes= of a recipe with a probe
ROWS = {
    "stock": {},
    "freeze10": {"freeze": 10},
    "nbs16": {"nbs": 16},
    "recipe-finetune": {"cfg": "recipe-finetune.yaml"},
    "nbs16-float32": {"nbs": 16, "amp": False},  # the effect of the arithmetic on the accuracy
}
PROOF = ["stock", "freeze10", "nbs16", "recipe-finetune", "recipe"]
VALIDATED = 2  # images: Ultralytics always validates once at the end


def count(share: str, pictures: int) -> int:
    """Return the number of images in a share."""
    return round(pictures * int(share[:-1]) / 100) if share.endswith("%") else min(int(share), pictures)


def name_share(share: str) -> str:
    """Return a share in a form for file names."""
    return share.replace("%", "of100")


def draw(args: argparse.Namespace, dataset: str, share: str, seed: int, validated: int | None = VALIDATED) -> str:
    """Return a dataset YAML with the training images drawn by the seed; smaller shares are subsets of larger ones.

    ``validated`` limits its validation images; None keeps all.
    """
    described = dataset_of(f"{dataset}.yaml")
    files = shuffle_pictures(described, seed)
    chosen = files[: count(share, len(files))]
    name = f"{dataset}-{name_share(share)}-{seed}{'' if validated else '-all'}"
    file = args.root / "data" / f"{name}.yaml"
    if validated:
        few = file.with_name(f"{file.stem}-val.txt")
        few.parent.mkdir(parents=True, exist_ok=True)
        few.write_text("\n".join(pictures_of(described["val"])[:validated]) + "\n")
        described = {**described, "val": few}
    return write_yaml(file, described, chosen)


def arguments(args: argparse.Namespace, row: str, data: str, share: str, imgsz: int, folder: Path) -> dict:
    """Return a row's training arguments."""
    if row in ROWS:
        return ROWS[row]
    from tintbox.recipes.command import recipe

    folder.mkdir(parents=True, exist_ok=True)
    probe = WRITTEN.get(row, False)
    length = {"minutes": args.minutes or (PROBE if probe else None), "epochs": None if args.minutes else EPOCHS[share]}
    written = recipe(args.model, data, **length, probe=probe, imgsz=imgsz, out=folder / "recipe.yaml")
    return {"cfg": str(written.file), **(read_yaml(args.extra[row]) if row in args.extra else {})}


def fit(args: argparse.Namespace, dataset: str, share: str, seed: int, row: str, folder: Path) -> float:
    """Train one run in its folder, and return the seconds that it took."""
    from ultralytics import YOLO

    imgsz = DATASETS[dataset]
    data = draw(args, dataset, share, seed)
    own = arguments(args, row, data, share, imgsz, folder)
    if args.minutes:
        chosen = {**own, **({"epochs": 1000, "time": args.minutes / 60} if row in ROWS else {})}
    else:
        chosen = {"amp": "auto", **own, "epochs": EPOCHS[share]}
    model, begin = YOLO(args.model), time.perf_counter()
    model.train(
        **chosen, data=data, imgsz=imgsz, seed=seed, workers=0, cache="ram", plots=False, val=False,
        save=bool(args.minutes),  # a run stopped by the clock would not save its last weights
        project=str(folder.parent), name=folder.name, exist_ok=True,
    )  # fmt: skip
    return time.perf_counter() - begin


def judge(file: Path, data: str, imgsz: int, folder: Path) -> Any:
    """Return a checkpoint's box metrics on the test split; the predictions go into the folder's subfolder `test`."""
    from ultralytics import YOLO

    return YOLO(file).val(
        data=data, split="test", imgsz=imgsz, workers=0, plots=False, save_json=True,
        coco_eval={"resamples": 0, "explain": False}, project=str(folder), name="test", exist_ok=True,
    ).box  # fmt: skip


def train(args: argparse.Namespace, dataset: str, share: str, seed: int, row: str, folder: Path) -> dict:
    """Train one run, evaluate its last weights on the test split, and return the result."""
    seconds = fit(args, dataset, share, seed, row, folder)
    data = draw(args, dataset, share, seed)
    box = judge(folder / "weights" / "last.pt", data, DATASETS[dataset], folder)
    for file in (folder / "weights").glob("*.pt"):
        file.unlink()  # saves disk space over hundreds of runs
    result = {"dataset": dataset, "share": share, "seed": seed, "row": row, "seconds": seconds}
    return {**result, **runs.accuracy(box)}


def result_line(name: str, result: dict) -> str:
    """Return the line for a finished run."""
    return f"{name}: mAP50-95 {100 * result['mAP50-95']:.1f}; {result['seconds'] / 60:.1f} min"


def list_jobs(args: argparse.Namespace) -> dict[str, Callable[[Path], dict]]:
    """Return name -> function of every run, ordered by seed."""
    jobs = {}
    for seed in args.seeds:
        for share in args.shares:
            for dataset in args.datasets:
                for row in [*args.rows, *args.extra]:
                    what = [Path(args.model).stem, dataset, name_share(share), row, str(seed)]
                    what += [f"{args.minutes:g}min"] if args.minutes else []
                    jobs["-".join(what)] = partial(train, args, dataset, share, seed, row)
    return jobs


def main() -> None:
    """Run the benchmark."""
    parser = runs.make_parser(__doc__, "runs/few-labels")
    parser.add_argument("--model", required=True, help="a pretrained checkpoint")
    parser.add_argument("--datasets", nargs="+", choices=list(DATASETS), default=list(DATASETS))
    parser.add_argument("--shares", nargs="+", choices=list(EPOCHS), default=list(EPOCHS))
    parser.add_argument("--rows", nargs="*", choices=[*ROWS, *WRITTEN], default=PROOF)
    parser.add_argument(
        "--extra", nargs="+", action="extend", default=[], metavar="NAME=FILE", help="more rows, from YAML files"
    )
    parser.add_argument("--minutes", type=float, help="train for equal minutes instead of equal epochs")
    parser.add_argument("--json", type=Path, help="file for the results of every run")
    parser.add_argument("--figure", type=Path, help="file for the plot of the differences")
    args = parser.parse_args()
    args.extra = {name: str(Path(file).resolve()) for name, file in (word.split("=", 1) for word in args.extra)}
    print(machine.describe(), flush=True)
    jobs = list_jobs(args)
    found = runs.run_all(jobs, args, result_line)
    results = [{**result, "folder": name} for name, result in found.items()]
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    seconds = statistics.mean(r["seconds"] for r in results)
    print(f"\n{args.model}: {len(results)} runs, {seconds:.0f} s each on average\n")
    print(report.make(results, args.root, TUNED))
    if args.figure:
        report.draw(results, args.root, args.figure)


if __name__ == "__main__":
    main()
