"""Does `cls_pos_weight=balanced` find more objects of a rare class? Paired stock and balanced runs on fruitbowl.

    python benchmarks/rare_class.py --model yolo11n.pt                     # 3 seeds each
    python benchmarks/rare_class.py --model yolo11n.pt --seeds 0 --epochs 1   # a quick look

Watermelon is the rarest class, with 33 of 1,800 training boxes. The last epoch's weights are evaluated on the
validation images: recall at a fixed confidence (a hit is a prediction of the right class with IoU >= 0.5, one-to-one by
Ultralytics' own matching), precision there, and AP50 and AP50-95, which depend only on the order of the scores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from ultralytics import YOLO
from ultralytics.data.utils import img2label_paths

import machine
import runs
from images import dataset_of, pictures_of

SETTINGS = {"stock": {}, "balanced": {"cls_pos_weight": "balanced"}}
COLUMNS = ("recall", "precision", "AP50", "AP50-95")


def train(args: argparse.Namespace, settings: dict, seed: int, folder: Path) -> Path:
    """Train one detector and return its last checkpoint."""
    yolo = YOLO(args.model)
    yolo.train(
        **settings, data=args.data, epochs=args.epochs, imgsz=args.imgsz, batch=args.batch, seed=seed,
        optimizer="AdamW", lr0=0.001, warmup_epochs=1, workers=0, val=False, plots=False, verbose=False,
        project=str(folder), name=f"seed{seed}",
    )  # fmt: skip
    return Path(yolo.trainer.last)


def evaluate(args: argparse.Namespace, checkpoint: Path, rarest: int, folder: Path) -> dict[str, list[float]]:
    """Return recall, precision, AP50 and AP50-95 of the rarest class, and their means over all classes."""
    yolo = YOLO(checkpoint)
    box = yolo.val(
        data=args.data, imgsz=args.imgsz, plots=False, workers=0, verbose=False, project=str(folder), name="val"
    ).box
    at = round(args.conf * (box.r_curve.shape[1] - 1))  # the curves' axis is confidence from 0 to 1
    table = np.zeros((len(yolo.names), len(COLUMNS)))  # (nc, 4); zeros for a class that is never predicted
    for i, c in enumerate(box.ap_class_index):
        table[c] = box.r_curve[i, at], box.p_curve[i, at], box.ap50[i], box.ap[i]
    return {"rarest": table[rarest].tolist(), "mean": table.mean(0).tolist()}


def rarest_class(data: str) -> tuple[int, str, list[int]]:
    """Return index and name of the class with the fewest training boxes, and the number of boxes by class."""
    dataset = dataset_of(data)
    counts = [0] * dataset["nc"]
    for file in map(Path, img2label_paths(pictures_of(dataset["train"]))):
        for line in file.read_text().splitlines() if file.exists() else ():
            counts[int(line.split()[0])] += 1
    index = min(range(len(counts)), key=counts.__getitem__)
    return index, dataset["names"][index], counts


def main() -> None:
    """Train with and without the option alternately, for every seed, and print the tables."""
    parser = machine.make_parser(__doc__, data="fruitbowl.yaml", epochs=5, imgsz=128, batch=16)
    parser.add_argument("--model", required=True, help="pretrained weights, a .pt file")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--conf", type=float, default=0.25, help="confidence of recall and precision")
    parser.add_argument("--json", type=Path, help="file for the results of every run")
    args = parser.parse_args()
    print(machine.describe())
    index, name, counts = rarest_class(args.data)
    results: dict[str, list[dict[str, list[float]]]] = {key: [] for key in SETTINGS}
    with tempfile.TemporaryDirectory() as folder:
        for seed in args.seeds:
            for key, settings in SETTINGS.items():
                start = time.perf_counter()
                checkpoint = train(args, settings, seed, Path(folder) / key)
                results[key].append(evaluate(args, checkpoint, index, Path(folder) / key))
                figures = ", ".join(f"{c} {v:.3f}" for c, v in zip(COLUMNS, results[key][-1]["rarest"]))
                print(f"{key} seed {seed}: {name} {figures} ({time.perf_counter() - start:.0f} s)", flush=True)
    if args.json:
        args.json.write_text(json.dumps({"args": {**vars(args), "json": None}, "counts": counts, "results": results}))
    print(f"\n{Path(args.model).name}, {args.data}, {args.imgsz} px, {args.epochs} epochs, batch {args.batch}")
    print(f"{name}: {counts[index]} of {sum(counts)} training boxes; recall and precision at confidence {args.conf:g}")
    print(f"percent, mean ± standard deviation over n={len(args.seeds)} seeds\n")
    rows = []
    for which, title in (("rarest", name), ("mean", "mean of all")):
        for key in SETTINGS:
            columns = zip(*([100 * v for v in run[which]] for run in results[key]))
            rows.append([key, title, *map(runs.mean, columns)])
    print(runs.tabulate(["", "classes", *COLUMNS], rows))


if __name__ == "__main__":
    main()
