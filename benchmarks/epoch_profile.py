"""Where the wall time of an epoch goes, stock against amp=auto, with and without a frozen backbone.

    python benchmarks/epoch_profile.py --model yolo11n.pt [--data bccd.yaml] [--rounds 3] [--epochs 4] [--fraction 0.4]

Every run is an ordinary training in a separate process, on all cores, with validation and saving after every epoch. The
runs alternate: a round has one run of each variant, in reverse order every other round. An epoch lasts from its start
to the end of its validation and saving. The trainer's callbacks split it into waiting for images, steps, validation,
saving (results.csv and checkpoints), and the rest. A run's value is the median over its epochs except the first, which
has its own column because processes and kernels start in it. What a run takes before its first epoch and after its last
is "around": reading labels, the final validation and, with --plots, most of the plots, which stock makes by default;
no epoch but the first ones makes any. Ratios are within a round: stock with everything trained,
divided by the variant. Memory is the peak resident set of the process, and of its largest loader process (getrusage).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import machine
import runs

OFF = "stock"
VARIANTS = {  # name -> training arguments
    OFF: {},
    "stock freeze=N": {"freeze": "N"},  # N is the number of backbone layers
    "amp=auto": {"amp": "auto"},
    "amp=auto freeze=backbone": {"amp": "auto", "freeze": "backbone"},
    "amp=auto, memory given back": {"amp": "auto"},  # after each step, as in stock
}
# Environment variables of a variant. glibc ignores this one; tintbox adjusts nothing if a name starts like this.
ENVIRONMENTS = {"amp=auto, memory given back": {"MALLOC_LEFT_ALONE": "1"}}
PARTS = ("waiting for images", "steps", "validation", "saving", "rest")


class Clock:
    """Callbacks that time the parts of an epoch."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.begun = self.last = 0.0

    def lap(self, part: str) -> None:
        """Add the time since the last call to ``part``, if an epoch is running."""
        if "epoch" in self.epochs[-1]:
            return
        now = time.perf_counter()
        self.epochs[-1][part] += now - self.last
        self.last = now

    def begin(self, trainer) -> None:
        """Start an epoch."""
        self.begun = self.last = time.perf_counter()
        self.epochs.append(dict.fromkeys(PARTS, 0.0))

    def end(self, trainer) -> None:
        """End an epoch; ignore the extra event after the final validation of best.pt."""
        if "epoch" not in self.epochs[-1]:
            self.lap("rest")
            self.epochs[-1]["epoch"] = self.last - self.begun

    def callbacks(self) -> dict:
        """Return the callbacks by event."""
        return {
            "on_train_epoch_start": self.begin,
            "on_train_batch_start": lambda trainer: self.lap("waiting for images"),
            "on_train_batch_end": lambda trainer: self.lap("steps"),
            "on_train_epoch_end": lambda trainer: self.lap("rest"),
            "on_val_end": lambda validator: validator.training and self.lap("validation"),
            "on_model_save": lambda trainer: self.lap("saving"),
            "on_fit_epoch_end": self.end,
        }


def measure(args: argparse.Namespace, variant: str) -> dict:
    """Train a few epochs of one variant and return their times and memory."""
    import torch
    from ultralytics import YOLO

    model, clock = YOLO(args.model), Clock()
    for event, function in clock.callbacks().items():
        model.add_callback(event, function)
    settings = dict(VARIANTS[variant])
    if settings.get("freeze") == "N":
        settings["freeze"] = len(model.model.yaml["backbone"])
    loaders = []
    model.add_callback("on_train_start", lambda trainer: loaders.append(trainer.train_loader.num_workers))
    model.add_callback("on_train_start", lambda trainer: loaders.append(torch.get_num_threads()))
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as project:
        model.train(
            **settings, data=args.data, imgsz=args.imgsz, batch=args.batch, epochs=args.epochs, fraction=args.fraction,
            seed=0, plots=args.plots, project=project,
        )  # fmt: skip
    around = time.perf_counter() - begun - sum(epoch["epoch"] for epoch in clock.epochs)
    kinds = {"own": resource.RUSAGE_SELF, "loader": resource.RUSAGE_CHILDREN}
    peaks = {name: machine.peak_memory(kind) / 2**20 for name, kind in kinds.items()}
    peaks["loader"] *= bool(loaders[0])  # without loaders, the children are unrelated commands
    found = {"variant": variant, "epochs": clock.epochs, "around": around}
    return {**found, "peaks": peaks, "loaders": loaders[0], "threads": loaders[1]}


def median(run: dict, part: str) -> float:
    """Return a run's median seconds for a part of an epoch."""
    return statistics.median(epoch[part] for epoch in run["epochs"][1:])


def report(results: dict[str, list[dict]]) -> str:
    """Return the Markdown table; ``results`` has one run per round for each variant."""
    header = ["seconds", *PARTS, "epoch", "first epoch", "around", "stock / this", "threads + loaders", "MB + loader"]
    rows = []
    for variant, own in results.items():
        columns = [f"{statistics.median(median(r, part) for r in own):.2f}" for part in PARTS]
        columns.append(machine.spread([median(r, "epoch") for r in own], 2))
        columns.append(machine.spread([r["epochs"][0]["epoch"] for r in own], 2))
        columns.append(machine.spread([r["around"] for r in own], 1))
        pairs = zip(results.get(OFF, own), own)
        columns.append(machine.spread([median(a, "epoch") / median(b, "epoch") for a, b in pairs], 2))
        columns.append(f"{own[0]['threads']} + {own[0]['loaders']}")
        columns.append(" + ".join(f"{max(r['peaks'][kind] for r in own):.0f}" for kind in ("own", "loader")))
        rows.append([variant, *columns])
    return runs.tabulate(header, rows)


def main() -> None:
    """Run the benchmark."""
    parser = machine.make_parser(__doc__, data="bccd.yaml", imgsz=320, batch=16)
    parser.add_argument("--model", default="yolo11n.pt", help="the pretrained checkpoint")
    parser.add_argument("--epochs", type=int, default=4, help="epochs per run; the first is reported separately")
    parser.add_argument("--fraction", type=float, default=0.4, help="share of the training images")
    parser.add_argument("--rounds", type=int, default=3, help="runs per variant")
    parser.add_argument("--plots", action="store_true", help="with plots")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    runs.add_one(parser)
    args = parser.parse_args()
    print(machine.describe(), flush=True)
    results = runs.run_in_turns(
        args, partial(measure, args), lambda result: f"{median(result, 'epoch'):.2f} s an epoch",
        lambda variant: ENVIRONMENTS.get(variant, {}),
    )  # fmt: skip
    words = [f"{args.imgsz} px", f"batch {args.batch}", f"fraction {args.fraction}", f"{args.rounds} rounds"]
    print(f"\n{Path(args.model).name} on {Path(args.data).name}: {', '.join(words)} of {args.epochs} epochs\n")
    print(report(results))


if __name__ == "__main__":
    main()
