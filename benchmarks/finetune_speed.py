"""The training cost of tintbox: seconds per step and peak memory, stock against tintbox at equal settings.

    python benchmarks/finetune_speed.py --model yolo11n.pt [--rounds 5] [--steps 30] [--imgsz 320] [--batch 16]
    python benchmarks/finetune_speed.py --model yolo11n.pt --threads 1 --variants stock amp=auto

Comparisons: default settings, with the plugin off (TINTBOX_DISABLE) and on; stock freeze=N, with N the number of
backbone layers, against freeze=backbone; the full recipe, while the backbone is frozen and after it is unfrozen; and
amp=auto, with everything trained and with a frozen backbone, against stock with everything trained.

Every run is a short training in a separate process, without validation and with the loader in the same process. The
runs alternate: a round has one run of each variant, in reverse order every other round. A step lasts from the end of
the previous one to its own end, so it includes loading, callbacks and bookkeeping; warm-up steps are not counted, and
all steps are from one epoch. With several cores, amp=auto uses loader processes, whose time is not in the processor
time; --threads 1 has none. A step is timed by the wall clock and by the processor time of all threads, which depends
less on other programs. A run's value is the median of its steps. Ratios are within a round, and all runs see the same
images in the same order. Peak memory is the process's largest resident set (getrusage), including interpreter and
libraries; on a GPU also torch's peak allocation.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import machine
import runs

OFF = "stock"
VARIANTS = {  # name -> training arguments, with "N" for the number of backbone layers
    OFF: {},
    "tintbox": {},
    "stock freeze=N": {"freeze": "N"},
    "tintbox freeze=backbone": {"freeze": "backbone"},
    "recipe, frozen": {"cfg": "recipe-finetune.yaml"},
    "recipe, awake": {"cfg": "recipe-finetune.yaml"},
    "amp=auto": {"amp": "auto"},
    "amp=auto freeze=backbone": {"amp": "auto", "freeze": "backbone"},
}
AGAINST = {  # variant -> its baseline
    "tintbox": OFF,
    "tintbox freeze=backbone": "stock freeze=N",
    "recipe, frozen": "stock freeze=N",
    "recipe, awake": OFF,
    "amp=auto": OFF,
    "amp=auto freeze=backbone": OFF,
}
AWAKE = "recipe, awake"  # measured in the second of ten epochs, when its backbone is unfrozen; all others in the first
DATA = Path(__file__).resolve().parents[1] / "datasets" / "bccd.yaml"  # by path: the bare name needs the plugin


class Finished(Exception):  # noqa: N818 - it ends a run and is not an error
    """All steps are timed."""


class Timer:
    """Callbacks that time the steps of one epoch and then end the run.

    Args:
        steps: Number of steps to time.
        skip: Number of warm-up steps before those.
        epoch: The epoch to time.
    """

    def __init__(self, steps: int, skip: int, epoch: int) -> None:
        self.steps, self.skip, self.epoch = steps, skip, epoch
        self.marks: list[tuple[float, float]] = []  # clock, processor

    def on_train_batch_end(self, trainer) -> None:
        """Record the time."""
        if trainer.epoch != self.epoch:
            return
        if trainer.device.type == "cuda":
            import torch

            torch.cuda.synchronize(trainer.device)
        self.marks.append((time.perf_counter(), time.process_time()))
        if len(self.marks) > self.skip + self.steps:
            raise Finished

    def seconds(self, column: int) -> list[float]:
        """Return the seconds of each counted step, by the wall clock (column 0) or in processor time (1)."""
        return [after[column] - before[column] for before, after in itertools.pairwise(self.marks[self.skip :])]


def measure(args: argparse.Namespace, variant: str) -> dict:
    """Train a few steps of one variant and return their times and memory."""
    import torch
    from ultralytics import YOLO

    model, timer = YOLO(args.model), Timer(args.steps, args.skip, epoch=int(variant == AWAKE))
    model.add_callback("on_train_batch_end", timer.on_train_batch_end)
    settings = dict(VARIANTS[variant])
    if settings.get("freeze") == "N":
        settings["freeze"] = len(model.model.yaml["backbone"])
    with tempfile.TemporaryDirectory() as project, contextlib.suppress(Finished):
        model.train(
            **settings, data=args.data, imgsz=args.imgsz, batch=args.batch, epochs=10, workers=0, seed=0,
            val=False, plots=False, project=project,
        )  # fmt: skip
    if len(timer.marks) <= args.skip + args.steps:
        most = len(timer.marks) - args.skip - 1
        raise SystemExit(f"{args.data} has too few images; give --steps up to {most}, or a smaller --batch")
    gpu = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    steps = {"clock": timer.seconds(0), "processor": timer.seconds(1)}
    memory = {"peak": machine.peak_memory(), "gpu": gpu}
    return {"variant": variant, **steps, **memory, "threads": torch.get_num_threads()}


def report(results: dict[str, list[dict]]) -> str:
    """Return the Markdown table; ``results`` has one run per round for each variant."""
    gpu = any(r["gpu"] for own in results.values() for r in own)
    header = ["variant", "ms per step", "against", "ratio", "processor ms", "ratio", "peak memory MB"]
    header += ["GPU MB"] if gpu else []
    rows = []

    def medians(variant: str, key: str) -> list[float]:
        return [1000 * statistics.median(r[key]) for r in results.get(variant, [])]

    for variant, own in results.items():
        against = AGAINST.get(variant, "")
        columns = [variant, machine.spread(medians(variant, "clock")), against if against in results else ""]
        for key in ("clock", "processor"):
            ratios = [a / b for a, b in zip(medians(variant, key), medians(against, key))]
            columns.append(machine.spread(ratios, 3) if ratios else "")
        columns.insert(4, machine.spread(medians(variant, "processor")))
        columns.append(machine.spread([r["peak"] / 2**20 for r in own], 0))
        columns += [machine.spread([r["gpu"] / 2**20 for r in own], 0)] if gpu else []
        rows.append(columns)
    return runs.tabulate(header, rows)


def main() -> None:
    """Run the benchmark."""
    parser = machine.make_parser(__doc__, imgsz=320, batch=8)
    parser.add_argument("--model", default="yolo11n.pt", help="the pretrained checkpoint")
    parser.add_argument("--data", default=str(DATA), help="a dataset YAML; by default tintbox's bccd.yaml")
    parser.add_argument("--steps", type=int, default=20, help="timed steps per run")
    parser.add_argument("--skip", type=int, default=4, help="warm-up steps before those")
    parser.add_argument("--rounds", type=int, default=5, help="runs per variant")
    parser.add_argument("--threads", type=int, help="largest number of threads; by default all cores")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    runs.add_one(parser)
    args = parser.parse_args()
    print(machine.describe(), flush=True)
    limit = {"OMP_NUM_THREADS": str(args.threads)} if args.threads else {}
    results = runs.run_in_turns(
        args, partial(measure, args), lambda result: f"{1000 * statistics.median(result['clock']):.1f} ms",
        lambda variant: limit | ({"TINTBOX_DISABLE": "1"} if variant.startswith(OFF) else {}),
    )  # fmt: skip
    threads = next(iter(results.values()))[0]["threads"]
    words = [f"{args.imgsz} px", f"batch {args.batch}", f"{threads} threads", f"{args.rounds} rounds"]
    print(f"\n{Path(args.model).name} on {Path(args.data).name}: {', '.join(words)} of {args.steps} steps each; "
          "median (lowest to highest) of the runs\n")  # fmt: skip
    print(report(results))


if __name__ == "__main__":
    main()
