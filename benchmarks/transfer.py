"""Does colourisation pretraining help a detector with few labels? A table of five starts by shares of the labels.

    python benchmarks/transfer.py --coco yolo11n.pt                        # --budget small: hours on two cores
    python benchmarks/transfer.py --coco yolo11n.pt --budget full          # with a GPU
    python benchmarks/transfer.py --starts random target --shares 10 25    # a part of it
    python benchmarks/transfer.py --starts random --extra mine=best.pt     # and your own colouriser or detector

The starts: `random` weights; `target`, colourisation on all training images of the dataset, without labels; `pool`,
colourisation on these and more images (`--pool`); `coco`, COCO weights; `coco_target`, colourisation on the training
images from COCO weights. Each seed draws a share of the labels, the same for all starts; a smaller share is a subset of
a larger one. All detector settings are equal for all starts, and the number of training steps also for all shares. The
weights of the last epoch are validated.

Every run is an ordinary run folder with a ``result.json`` and its predictions in ``val/predictions.json``; finished
runs are kept, so a killed benchmark continues where it stopped. `TINTBOX_DATA` names a folder with the datasets.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from functools import partial
from pathlib import Path

import machine
import runs
import transfer_report as report
from images import dataset_of, pictures_of, shuffle_pictures, write_yaml

STARTS = {  # start -> images of its colourisation, and whether it begins with COCO weights
    "random": None,
    "target": ("target", False),
    "pool": ("pool", False),
    "coco": None,
    "coco_target": ("target", True),
}
BUDGETS = {
    "small": {
        "imgsz": 160,
        "batch": 8,
        "steps": 400,
        "pretext": {"epochs": 25, "imgsz": 160, "batch": 16},
        "seeds": [0, 1, 2],
    },
    "full": {
        "imgsz": 640,
        "batch": 16,
        "steps": 10000,
        "pretext": {"epochs": 300, "imgsz": 320, "batch": 32},
        "seeds": [0, 1, 2, 3, 4],
    },
}
DETECTOR = {"optimizer": "AdamW", "lr0": 0.002, "cos_lr": True, "warmup_bias_lr": 0.0}
WARMUP = 0.08  # share of the epochs
# Dataset -> its training images, in TINTBOX_DATA; the pool is the target's images plus those of all other datasets.
POOL = {
    "bccd": "bccd/images/train",
    "aquarium": "aquarium/images/train",
    "coco128": "coco/coco128/images",
    "val2017": "coco/val2017_subset/images",
}
METRICS = ("mAP50-95", "mAP50")


def subset(args: argparse.Namespace, share: int, seed: int) -> tuple[str, int]:
    """Return a dataset YAML with a share (in percent) of the training images drawn by the seed, and their number."""
    described = dataset_of(args.data)
    files = shuffle_pictures(described, seed)
    count = max(1, round(len(files) * share / 100))
    name = f"{Path(args.data).stem}-{share}-{seed}.yaml"
    return write_yaml(args.root / "data" / name, described, files[:count]), count


def pretext(args: argparse.Namespace, pictures: str, from_coco: bool, folder: Path) -> dict:
    """Train a colouriser on the target's or the pool's images."""
    from ultralytics import YOLO

    data = args.data
    if pictures == "pool":
        described = dataset_of(args.data)
        files = pictures_of(described["train"]) + [f for part in args.pool for f in pictures_of(part)]
        data = write_yaml(args.root / "data" / f"{Path(args.data).stem}-pool.yaml", described, files)
    start = time.perf_counter()
    model = YOLO(args.model.replace(".yaml", "-colorize.yaml"))
    model.train(
        **{**BUDGETS[args.budget]["pretext"], **runs.settings(args.pretext)}, data=data, plots=False, val=False,
        pretrained=args.coco if from_coco else True, project=str(folder.parent), name=folder.name, exist_ok=True,
    )  # fmt: skip
    return {"seconds": time.perf_counter() - start, "metrics": model.trainer.metrics}


def detect(args: argparse.Namespace, start: str, share: int, seed: int, weights: str, folder: Path) -> dict:
    """Train a detector from a start on a share of the labels, validate its last weights, and return the result."""
    from ultralytics import YOLO

    budget = BUDGETS[args.budget]
    model = YOLO(args.model)
    data, count = subset(args, share, seed)
    epochs = math.ceil(args.steps / math.ceil(count / budget["batch"]))
    begin = time.perf_counter()
    model.train(
        **{**DETECTOR, "warmup_epochs": WARMUP * epochs, **runs.settings(args.set)}, data=data, epochs=epochs,
        imgsz=budget["imgsz"], batch=budget["batch"], nbs=budget["batch"], seed=seed,
        pretrained=weights or False, workers=args.workers, cache="ram", plots=False, val=False,
        project=str(folder.parent), name=folder.name, exist_ok=True,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    box = YOLO(folder / "weights" / "last.pt").val(
        data=args.data, split="val", imgsz=budget["imgsz"], workers=args.workers, plots=False, save_json=True,
        coco_eval={"resamples": 0, "explain": False}, project=str(folder), name="val", exist_ok=True,
    )  # fmt: skip
    result = {"start": start, "share": share, "seed": seed, "seconds": seconds}
    return {**result, **runs.accuracy(box.box)}


def result_line(name: str, result: dict) -> str:
    """Return the line for a finished run."""
    figures = f"mAP50-95 {100 * result['mAP50-95']:.2f}" if "mAP50-95" in result else str(result.get("metrics"))
    return f"{name}: {figures}; {result['seconds'] / 60:.1f} min"


def starts_of(args: argparse.Namespace) -> dict[str, str]:
    """Make the pretext runs, and return start -> the checkpoint from which the detector starts."""
    jobs, weights = {}, {}
    what = [args.model.removesuffix(".yaml"), Path(args.data).stem, args.budget, *args.pretext]
    for start in args.starts:
        plan = STARTS[start]
        if start == "coco":
            weights[start] = args.coco
        elif plan is None:
            weights[start] = ""
        else:
            name = runs.folder_name("pretext", start, *what)
            jobs[name] = partial(pretext, args, *plan)
            weights[start] = str(args.root / name / "weights" / "best.pt")
    runs.run_all(jobs, args, result_line)
    return {**weights, **dict(word.split("=", 1) for word in args.extra)}


def main() -> None:
    """Run the benchmark."""
    parser = runs.make_parser(__doc__, "runs/transfer", data="bccd.yaml")
    parser.add_argument("--model", default="yolo11n.yaml", help="the detector's YAML")
    parser.add_argument("--coco", default="", help="COCO weights of that detector, for coco and coco_target")
    parser.add_argument("--pool", nargs="+", help="folders with more images, in TINTBOX_DATA")
    parser.add_argument("--budget", choices=list(BUDGETS), default="small")
    parser.add_argument("--steps", type=int, help="training steps of a detector; by default the budget's")
    parser.add_argument("--starts", nargs="*", choices=list(STARTS), default=list(STARTS))
    parser.add_argument("--extra", nargs="+", default=[], metavar="NAME=FILE", help="more starts, from checkpoints")
    parser.add_argument("--shares", nargs="+", type=int, choices=[10, 25, 100], default=[10, 25, 100])
    parser.set_defaults(seeds=None)  # those of the budget
    parser.add_argument("--pretext", nargs="+", default=[], metavar="KEY=VALUE", help="arguments of the pretraining")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="arguments of the detector training")
    parser.add_argument("--workers", type=int, default=0, help="loader processes per run")
    parser.add_argument("--figure", type=Path, help="file for the plot of mAP against the share of labels")
    parser.add_argument("--json", type=Path, help="file for the results of every run")
    args = parser.parse_args()
    args.steps = args.steps or BUDGETS[args.budget]["steps"]
    home = Path(os.environ.get("TINTBOX_DATA", "."))
    others = [folder for name, folder in POOL.items() if name != Path(args.data).stem]
    args.pool = [str(home / folder) for folder in args.pool or others]
    if not args.coco and (missing := [s for s in args.starts if s.startswith("coco")]):
        parser.error(f"--coco is missing, for the starts {', '.join(missing)}")
    print(machine.describe(), flush=True)
    weights = starts_of(args)
    seeds = args.seeds or BUDGETS[args.budget]["seeds"]
    # The folder's name contains everything that the result depends on, so that runs of other settings are not reused.
    what = [args.model.removesuffix(".yaml"), Path(args.data).stem, args.budget, f"{args.steps}steps", *args.set]
    jobs = {}
    for share in args.shares:
        for seed in seeds:
            for start, file in weights.items():
                own = args.pretext if STARTS.get(start) else []
                name = runs.folder_name(*what, start, *own, str(share), str(seed))
                jobs[name] = partial(detect, args, start, share, seed, file)
    found = runs.run_all(jobs, args, result_line)
    results = [{**result, "folder": name} for name, result in found.items()]
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    if args.figure:
        report.figure(results, list(weights), args.shares, args.figure)
    budget = BUDGETS[args.budget]
    how = f"{budget['imgsz']} px, {args.steps} steps of {budget['batch']}, n={len(seeds)} seeds"
    print(f"\n{args.model} on {args.data}, {how}, in percent, mean ± standard deviation")
    for metric in METRICS:
        print(f"\n{report.table(results, list(weights), args.shares, metric)}")
    print(f"\n{report.differences(results, list(weights), args.shares, args.root)}")


if __name__ == "__main__":
    main()
