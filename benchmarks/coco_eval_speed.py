"""Speed of COCO evaluation at the size of COCO val2017 and of a small validation set: pycocotools against tintbox.

    python benchmarks/coco_eval_speed.py                # three rounds; pycocotools alone takes a minute each
    python benchmarks/coco_eval_speed.py --rounds 1

A random case is written as JSON once (5,000 images, 36,000 truths, 80 classes, 250,000 detections; then 100 images).
Every measurement loads the files and evaluates them in a separate process, so that its peak memory is its own; the
packages alternate within a round. "seconds" excludes imports; "from start" is the whole process, from the interpreter's
start to its end. faster-coco-eval and hotcoco (only its numbers) are included if installed. "numbers" is the evaluation
without intervals; "intervals" adds intervals for all twelve numbers and every class from 1,000 resamples; "all" adds
the error analysis.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

import machine
import runs

OPTIONAL = ("faster-coco-eval", "hotcoco")
CASES = {"val2017": (5000, 36000, 80, 250_000), "100 images": (100, 1300, 3, 10_000)}
SIDES = np.array([640, 480])
HEADER = ("", "seconds", "pycocotools / it", "from start", "pycocotools / it", "peak GiB", "AP")


def write_case(folder: Path, images: int, truths: int, classes: int, detections: int) -> None:
    """Write a random case: a third of the detections lie near a truth and have higher scores than the others."""
    rng = np.random.default_rng(0)
    share = rng.dirichlet(np.full(classes, 0.7))
    owner, label = rng.integers(0, images, truths), rng.choice(classes, truths, p=share)
    size = np.exp(rng.normal(4, 1, (truths, 2))).clip(4, 400)
    box = np.concatenate([rng.random((truths, 2)) * (SIDES - size).clip(0), size], axis=1)
    crowd = rng.random(truths) < 0.012
    near, which = rng.random(detections) < 0.35, rng.integers(0, truths, detections)
    found = box[which] + rng.normal(0, 0.1, (detections, 4)) * np.tile(size[which], 2)
    anywhere = np.exp(rng.normal(4, 1, (detections, 2))).clip(4, 300)
    far = np.concatenate([rng.random((detections, 2)) * 500, anywhere], axis=1)
    found = np.where(near[:, None], found, far)
    found[:, 2:] = found[:, 2:].clip(2)
    image = np.where(near, owner[which], rng.integers(0, images, detections))
    named = np.where(near, label[which], rng.choice(classes, detections, p=share))
    score = np.where(near, rng.beta(3, 2, detections), rng.beta(1, 8, detections))
    truth = {
        "images": [
            {"id": i + 1, "file_name": f"{i + 1:012d}.jpg", "width": int(SIDES[0]), "height": int(SIDES[1])}
            for i in range(images)
        ],
        "annotations": [
            {"id": i + 1, "image_id": int(owner[i]) + 1, "category_id": int(label[i]) + 1, "bbox": box[i].tolist(),
             "area": float(box[i, 2] * box[i, 3]), "iscrowd": int(crowd[i])}
            for i in range(truths)
        ],
        "categories": [{"id": i + 1, "name": f"class {i}"} for i in range(classes)],
    }  # fmt: skip
    rows = [
        {"image_id": int(i) + 1, "category_id": int(c) + 1, "bbox": b, "score": s}
        for i, c, b, s in zip(image, named, found.tolist(), score.tolist())
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "detections.json").write_text(json.dumps(rows))


def evaluate_by_api(data: str, module: str, evaluator: str, truth: str, detections: str) -> float:
    """Evaluate with pycocotools' API, from the modules that provide `COCO` and an evaluator; return AP."""
    labelled = importlib.import_module(data).COCO(truth)
    evaluation = getattr(importlib.import_module(module), evaluator)(labelled, labelled.loadRes(detections), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[0])


def evaluate_by_tintbox(resamples: int, explain: bool, truth: str, detections: str) -> float:
    """Evaluate with tintbox; return AP."""
    from tintbox.plugins.coco_eval.data.detections import Detections
    from tintbox.plugins.coco_eval.data.truth import Truth
    from tintbox.plugins.coco_eval.evaluation import evaluate
    from tintbox.plugins.coco_eval.settings import Settings

    labelled, settings = Truth.read(truth), Settings(resamples=resamples, explain=explain)
    found = evaluate(labelled, Detections.read(detections, labelled), settings=settings)
    if resamples:
        assert found.intervals.shape == (12, 2)
        assert found.class_intervals.shape[1:] == (12, 2)
    return found["AP"]


WAYS = {
    "pycocotools": partial(evaluate_by_api, "pycocotools.coco", "pycocotools.cocoeval", "COCOeval"),  # the reference
    "faster-coco-eval": partial(evaluate_by_api, "faster_coco_eval", "faster_coco_eval", "COCOeval_faster"),
    "hotcoco": partial(evaluate_by_api, "hotcoco", "hotcoco", "COCOeval"),  # in Rust; slow to return its matches
    "tintbox, numbers": partial(evaluate_by_tintbox, 0, False),
    "tintbox, intervals": partial(evaluate_by_tintbox, 1000, False),
    "tintbox, all": partial(evaluate_by_tintbox, 1000, True),
}


def measure(way: str, folder: str) -> None:
    """Evaluate once in this process and print seconds, peak memory and AP."""
    function = WAYS[way]
    of_tintbox = function.func is evaluate_by_tintbox
    for module in ["tintbox.plugins.coco_eval.evaluation"] if of_tintbox else function.args[:2]:
        importlib.import_module(module)  # not timed
    files = str(Path(folder, "truth.json")), str(Path(folder, "detections.json"))
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        ap = function(*files)
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "GiB": machine.peak_memory() / 2**30, "AP": ap}))


def main() -> None:
    """Write the cases, measure alternately, print the table."""
    parser = machine.make_parser(__doc__, rounds=3)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), help="pycocotools among them")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        measure(*args.one)
        return
    print(machine.describe("hotcoco", "pycocotools", "faster-coco-eval"), flush=True)
    with tempfile.TemporaryDirectory() as root:
        for name in args.cases:
            sizes = CASES[name]
            folder = Path(root, name)
            write_case(folder, *sizes)
            found: dict[str, list[dict]] = {}
            for _ in range(args.rounds):
                for way in args.ways:
                    command = [sys.executable, __file__, "--one", way, str(folder)]
                    begin = time.perf_counter()
                    ran = subprocess.run(command, capture_output=True, text=True)
                    whole = time.perf_counter() - begin
                    if ran.returncode == 0:
                        run = {**json.loads(ran.stdout.splitlines()[-1]), "whole": whole}
                        found.setdefault(way, []).append(run)
                    elif way not in OPTIONAL:
                        raise SystemExit(f"{way}: {ran.stderr}")
            print(f"\n{name}: {sizes[0]:,} images, {sizes[1]:,} truths, {sizes[2]} classes, {sizes[3]:,} detections\n")
            rows = []
            for way, own in found.items():
                cells = [way]
                for key in ("seconds", "whole"):
                    times, base = ([run[key] for run in some] for some in (own, found["pycocotools"]))
                    cells += [machine.spread(times, 2), machine.spread([b / t for b, t in zip(base, times)])]
                rows.append([*cells, f"{max(r['GiB'] for r in own):.2f}", f"{own[0]['AP']:.9f}"])
            print(runs.tabulate(HEADER, rows))
            print(f"\nmedian (lowest to highest), n = {args.rounds}; ratios are within a round", flush=True)


if __name__ == "__main__":
    main()
