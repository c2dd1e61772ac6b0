"""Why Ultralytics' mAP differs from COCO AP on the same predictions, step by step.

    python benchmarks/map_difference.py --model yolo11n.pt --data bccd.yaml coco.yaml

Each model is validated once, as `yolo val` does; its predictions are then evaluated by pycocotools, going from
Ultralytics' number to COCO's one step at a time.
"""

from __future__ import annotations

import contextlib
import io
from itertools import pairwise
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from ultralytics import YOLO
from ultralytics.utils.metrics import ap_per_class

import machine
import runs


def evaluate(truth, rows: list[dict], most: int = 100):
    """Return pycocotools' evaluation of result rows with at most ``most`` detections per image and class."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"info": {}, "images": truth.images, "categories": truth.categories}
        coco.dataset["annotations"] = [dict(annotation) for annotation in truth.annotations]
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(rows), "bbox")
        evaluation.params.maxDets = [1, 10, most]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def coco_ap(evaluation) -> float:
    """Return AP as ``summarize`` does."""
    precision = evaluation.eval["precision"][..., 0, -1]
    return float(precision[precision > -1].mean())


def interpolated_ap(evaluation, classes: list[int]) -> float:
    """Return AP of the same matches by Ultralytics' formula: the trapezoidal rule on the interpolated curve."""
    entries = [e for e in evaluation.evalImgs if e is not None and e["aRng"][1] > 96**2 and e["aRng"][0] == 0]
    hits, scores, labels, targets = [], [], [], []
    for entry in entries:
        kept = ~entry["dtIgnore"].any(0)  # Ultralytics' formula has no crowds
        hits.append((entry["dtMatches"] > 0).T[kept])
        scores.append(np.array(entry["dtScores"])[kept])
        labels.append(np.full(kept.sum(), classes.index(entry["category_id"])))
        targets.append(np.full(int((np.array(entry["gtIgnore"]) == 0).sum()), classes.index(entry["category_id"])))
    columns = [np.concatenate(column) for column in (hits, scores, labels, targets)]
    return float(ap_per_class(*columns)[5].mean())


def steps(model: str, data: str, imgsz: int | None) -> list[tuple[str, float]]:
    """Return each change and the AP after it."""
    settings = {"resamples": 0, "explain": False, "report": False}
    size = {} if imgsz is None else {"imgsz": imgsz}
    metrics = YOLO(model).val(data=data, coco_eval=settings, plots=False, verbose=False, workers=0, **size)
    truth, rows = metrics.coco.predictions.truth, metrics.coco.predictions.detections.rows()
    classes = sorted(category["id"] for category in truth.categories)
    all_300, all_100 = evaluate(truth, rows, 300), evaluate(truth, rows)
    rounded = [{**row, "bbox": [round(v, 3) for v in row["bbox"]], "score": round(row["score"], 5)} for row in rows]
    found = [
        ("Ultralytics: mAP50-95", float(metrics.box.map)),
        ("boxes in image pixels, crowd regions ignored", interpolated_ap(all_300, classes)),
        ("precision at 101 recall levels, without interpolation between them", coco_ap(all_300)),
        ("100 detections per image and class, not 300 per image: COCO's AP", coco_ap(all_100)),
        ("tintbox, the same", metrics.coco["bbox"]["AP"]),
        ("COCO's AP from rounded JSON: 3 digits a coordinate, 5 a score", coco_ap(evaluate(truth, rounded))),
    ]
    for least in (0.01, 0.05, 0.25):
        sure = [row for row in rows if row["score"] >= least]
        found.append((f"COCO's AP of detections with a confidence of {least} or more", coco_ap(evaluate(truth, sure))))
    return found


def main() -> None:
    """Print a table per dataset."""
    parser = machine.make_parser(__doc__)
    parser.add_argument("--model", nargs="+", default=["yolo11n.pt"], help="one for all, or one per dataset")
    parser.add_argument("--data", nargs="+", default=["bccd.yaml"])
    parser.add_argument("--imgsz", type=int, help="by default the size that the model was trained at")
    args = parser.parse_args()
    models = args.model * len(args.data) if len(args.model) == 1 else args.model
    print(machine.describe("pycocotools"))
    for model, data in zip(models, args.data):
        names, values = zip(*steps(model, data, args.imgsz))
        changes = ["", *(f"{after - before:+.5f}" for before, after in pairwise(values))]
        rows = zip(names, (f"{value:.5f}" for value in values), changes)
        print(f"\n{Path(model).name} on {Path(data).name}\n\n{runs.tabulate(['step', 'AP', 'change'], rows)}")


if __name__ == "__main__":
    main()
