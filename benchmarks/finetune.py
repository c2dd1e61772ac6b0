"""Fine-tuning on few labels: from scratch, stock fine-tuning, stock freeze=10 and tintbox's recipe, with three seeds.

    python benchmarks/finetune.py --model yolo11n.pt                    # 12 runs on blood cells, then the table
    python benchmarks/finetune.py --model yolo11n.pt --small --jobs 2   # 320 pixels, 10 epochs, two runs side by side
    python benchmarks/finetune.py --model yolo11n.pt --data aquarium.yaml --variants stock recipe --set lr0=0.001

Except for a variant's own arguments, epochs, image size and all other settings are equal; the recipe has its own batch
size. The variant `control` has the recipe's optimizer and schedule without tintbox's options. best.pt, selected on the
validation split as usual, is evaluated on both the validation and the test split. Every run is an ordinary run folder
with a ``result.json``; finished runs are kept, so a killed benchmark continues where it stopped. `TINTBOX_DATA` may
name a folder with the datasets (see datasets/bccd.yaml).
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import machine
import runs

SCRATCH = "scratch"  # the architecture from its YAML; all others start from the checkpoint
RECIPE = {"cfg": "recipe-finetune.yaml"}
TINTBOX = ("freeze", "unfreeze", "lr_scale", "cls_pos_weight")  # the recipe's settings that are not Ultralytics' own
VARIANTS = {
    SCRATCH: {"pretrained": False},
    "stock": {},
    "freeze10": {"freeze": 10},
    "recipe": RECIPE,
    "control": {**RECIPE, **dict.fromkeys(TINTBOX)},  # the recipe's optimizer and schedule, stock otherwise
}
SMALL = {"imgsz": 320, "epochs": 10, "batch": 16}
SPLITS = ("val", "test")


def train(args: argparse.Namespace, variant: str, seed: int, folder: Path) -> dict:
    """Train one variant with one seed, evaluate its best weights, and return the result."""
    from ultralytics import YOLO

    model = YOLO(args.model)
    if variant == SCRATCH:
        model = YOLO(model.model.yaml["yaml_file"])
    own = VARIANTS[variant] if "cfg" in VARIANTS[variant] else {**VARIANTS[variant], "batch": args.batch}
    start = time.perf_counter()
    model.train(
        **{**own, **runs.settings(args.set)}, data=args.data, epochs=args.epochs, imgsz=args.imgsz, seed=seed,
        workers=args.workers, plots=False,
        project=str(folder.parent), name=folder.name, exist_ok=True,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    result = {"variant": variant, "seed": seed, "seconds": seconds}
    for split in SPLITS:
        box = YOLO(folder / "weights" / "best.pt").val(
            data=args.data, split=split, imgsz=args.imgsz, batch=args.batch, workers=args.workers, plots=False,
            project=str(folder), name=split, exist_ok=True,
        )  # fmt: skip
        names = [box.names[i] for i in box.box.ap_class_index]  # classes without a box in the split have no AP
        classes = dict(zip(names, map(float, box.box.ap)))
        result[split] = {**runs.accuracy(box.box), "classes": classes}
    return result


def table(results: list[dict], split: str) -> str:
    """Return the Markdown table of a split: all metrics in percent, mean ± standard deviation over seeds."""
    classes = list(dict.fromkeys(name for r in results for name in r[split]["classes"]))
    header = ["variant", "n", "mAP50-95", "mAP50", *(f"AP50-95 {name}" for name in classes), "minutes per run"]
    rows = []
    for variant in dict.fromkeys(r["variant"] for r in results):
        own = [r for r in results if r["variant"] == variant]
        figures = [[r[split][key] for r in own] for key in ("mAP50-95", "mAP50")]
        figures += [[r[split]["classes"][name] for r in own if name in r[split]["classes"]] for name in classes]
        columns = [runs.mean([100 * v for v in values]) if values else "" for values in figures]
        minutes = runs.mean([r["seconds"] / 60 for r in own])
        rows.append([variant, str(len(own)), *columns, minutes])
    return runs.tabulate(header, rows)


def result_line(name: str, result: dict) -> str:
    """Return the line for a finished run."""
    figures = ", ".join(f"{split} {100 * result[split]['mAP50-95']:.1f}" for split in SPLITS)
    return f"{name}: mAP50-95 {figures}; {result['seconds'] / 60:.1f} min"


def main() -> None:
    """Run the benchmark."""
    parser = runs.make_parser(__doc__, "runs/finetune", data="bccd.yaml", epochs=50, imgsz=640, batch=16)
    parser.add_argument("--model", default="yolo11n.pt", help="the pretrained checkpoint")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS)[:4], choices=list(VARIANTS))
    parser.add_argument("--small", action="store_true", help=" ".join(f"--{k} {v}" for k, v in SMALL.items()))
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="training arguments for all variants")
    parser.add_argument("--workers", type=int, default=1, help="loader processes per run")
    args = parser.parse_args()
    if args.small:
        vars(args).update(SMALL)
    print(machine.describe(), flush=True)
    # The folder's name contains everything that the result depends on, so that runs of other settings are not reused.
    what = [Path(args.model).stem, Path(args.data).stem, f"{args.imgsz}px", f"e{args.epochs}", f"b{args.batch}"]
    setting = runs.folder_name(*what, *args.set)
    jobs = {
        f"{setting}-{variant}-{seed}": partial(train, args, variant, seed)
        for seed in args.seeds
        for variant in args.variants
    }
    results = list(runs.run_all(jobs, args, result_line).values())
    results.sort(key=lambda r: args.variants.index(r["variant"]))
    words = [f"{len(args.seeds)} seeds", f"{args.epochs} epochs", f"{args.imgsz} px", f"batch {args.batch}", *args.set]
    print(f"\n{Path(args.model).name} on {args.data}: {', '.join(words)}; in percent, mean ± standard deviation")
    for split in SPLITS:
        print(f"\n{split} split\n\n{table(results, split)}")


if __name__ == "__main__":
    main()
