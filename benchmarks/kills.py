"""Damage to a run's checkpoints by `kill -9`, with and without tintbox.

    python benchmarks/kills.py [--n 100] [--seed 0]

A tiny detector is trained for one epoch. Then, n times, a process that only saves this training's checkpoints (in the
second half: only strips them) is killed at a random moment, or, every other time, at a random moment after it has begun
to write. A checkpoint is torn if it is not a complete zip file with correct checksums. The same is repeated with
TINTBOX_DISABLE=1, i.e. with stock Ultralytics.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import machine

NAMES = ("last.pt", "best.pt")
ROUNDS = 2.5  # a random kill comes within the time of this many saves, or strips of both files
DEADLINE = 30  # seconds within which writing has to begin
WRITING = 0.03  # seconds; an aimed kill comes at most this long after writing has begun


def train(folder: Path) -> Any:
    """Return the trainer of a detector after its first epoch, ready to save."""
    from ultralytics.models.yolo.detect import DetectionTrainer

    from tintbox.datasets.fruitbowl import generate

    class Reached(Exception):  # noqa: N818  a place, not an error
        """The epoch has ended."""

    def stop(trainer: Any) -> None:
        raise Reached

    pictures = generate(folder / "fruit", train=4, val=2)
    data = pictures / "data.yaml"
    data.write_text(f"path: {pictures}\ntrain: images/train\nval: images/val\nnames: {list('abcdefgh')}\n")
    settings = {"model": "yolo11n.yaml", "data": str(data), "epochs": 2, "imgsz": 32, "batch": 4, "plots": False}
    trainer = DetectionTrainer(overrides={**settings, "workers": 0, "project": str(folder), "name": "run"})
    trainer.add_callback("on_model_save", stop)
    try:
        trainer.train()
    except Reached:
        return trainer
    raise RuntimeError("the training saved nothing")


def is_torn(file: Path) -> bool:
    """Return whether a file is not a complete zip file, as a checkpoint has to be."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is not None
    except (zipfile.BadZipFile, OSError, EOFError):
        return True


def save(trainer: Any) -> None:
    """Save last.pt and best.pt."""
    trainer.best_fitness = trainer.fitness
    trainer.save_model()


def strip(trainer: Any) -> None:
    """Strip last.pt and best.pt; it makes no difference if they are stripped already."""
    from ultralytics.utils.torch_utils import strip_optimizer

    for name in NAMES:
        strip_optimizer(trainer.wdir / name)


def kill(work: Any, trainer: Any, wait: Callable[[], None]) -> None:
    """Fork a process that repeats some work, wait, and kill it."""
    process = os.fork()
    if process == 0:
        try:
            while True:
                work(trainer)
        finally:  # never run the parent's clean-up in the child
            traceback.print_exc()
            os._exit(1)
    wait()
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def look(folder: Path) -> list[tuple[str, int, int]]:
    """Return a snapshot of a folder that changes when something is written."""
    with os.scandir(folder) as entries:
        return sorted((e.name, s.st_size, s.st_mtime_ns) for e in entries for s in [e.stat()])


def wait_for_change(folder: Path, then: float) -> None:
    """Wait until something is written in a folder, and then ``then`` seconds more."""
    before, end = look(folder), time.monotonic() + DEADLINE
    with contextlib.suppress(FileNotFoundError):  # a part file that has just been removed
        while look(folder) == before:
            if time.monotonic() > end:
                raise RuntimeError(f"nothing was written in {DEADLINE} seconds")
    time.sleep(then)


def measure(n: int, seed: int) -> None:
    """Kill n processes and print how many checkpoints are torn, for saving and for stripping."""
    import torch

    torch.set_num_threads(1)  # a forked process has only one thread
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        trainer = train(folder)
        weights = Path(trainer.wdir)
        trainer.csv = folder / "none.csv"  # read by polars, whose threads do not survive a fork
        save(trainer)
        whole = {name: (weights / name).read_bytes() for name in NAMES}
        for work, what, count in ((save, "saving", n - n // 2), (strip, "stripping", n // 2)):
            begin = time.perf_counter()
            work(trainer)
            longest = ROUNDS * (time.perf_counter() - begin)
            found = dict.fromkeys(NAMES, 0)
            either = parts = 0
            for i in range(count):
                for name, content in whole.items():
                    (weights / name).write_bytes(content)
                if i % 2:
                    kill(work, trainer, partial(wait_for_change, weights, chance.uniform(0, WRITING)))
                else:
                    kill(work, trainer, partial(time.sleep, chance.uniform(0.01, longest)))
                state = {name: is_torn(weights / name) for name in NAMES}
                found = {name: found[name] + state[name] for name in NAMES}
                either += any(state.values())
                parts += sum(1 for _ in weights.glob(".*.part*"))
                for part in weights.glob(".*.part*"):
                    shutil.rmtree(part) if part.is_dir() else part.unlink()
            each = ", ".join(f"{name} {number}" for name, number in found.items())
            print(f"{what}: n = {count}, torn {either} ({each}), parts left behind {parts}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure with and without the plugin, each in a separate process."""
    parser = machine.make_parser(__doc__, n=100, seed=0)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        measure(given.n, given.seed)
        return
    print(machine.describe())
    words = [sys.executable, __file__, "--here", "--n", str(given.n), "--seed", str(given.seed)]
    for name, disable in (("tintbox", "0"), ("TINTBOX_DISABLE=1", "1")):
        environment = {**os.environ, "TINTBOX_DISABLE": disable, "YOLO_VERBOSE": "false"}
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
        lines = [line for line in done.stdout.splitlines() if line.startswith(("saving:", "stripping:"))]
        print(f"{name}\n  " + "\n  ".join(lines), flush=True)


if __name__ == "__main__":
    main()
