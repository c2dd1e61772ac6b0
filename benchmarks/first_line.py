"""Seconds from Enter to the first useful line of frequent commands, compared to importing their dependencies.

    python benchmarks/first_line.py --a RUN --b RUN [--rounds 5]     # two runs that `tintbox compare` can compare

The commands alternate. The first useful line of `yolo colorize train` is the first that is not about its installation;
that of `tintbox compare` is its first line. For comparison, a Python process imports what each needs, and exits.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

BIN = Path(sys.executable).parent


def wait(words: list[str], useful, folder: str) -> float:
    """Return the seconds until a program prints a useful line; then kill it."""
    begin = time.perf_counter()
    environment = {**os.environ, "YOLO_OFFLINE": "true", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        words, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as program:
        for line in program.stdout:
            if useful(line):
                break
        else:
            raise SystemExit(f"{' '.join(words)}: no useful line")
        seconds = time.perf_counter() - begin
        program.kill()
    return seconds


def main() -> None:
    """Measure and print."""
    parser = machine.make_parser(__doc__, rounds=5)
    parser.add_argument("--a", required=True, type=Path)
    parser.add_argument("--b", required=True, type=Path)
    args = parser.parse_args()
    colorize = ["colorize", "train", "model=colorize-pool.yaml", "data=fruitbowl.yaml", "epochs=1", "imgsz=32"]
    commands = {
        "yolo colorize train": ([BIN / "yolo", *colorize], lambda line: "colorize-pool" in line or "palette" in line),
        "import torch, ultralytics": ([sys.executable, "-c", "import torch, ultralytics.engine.model; print(1)"], bool),
        "tintbox compare": ([BIN / "tintbox", "compare", args.a.resolve(), args.b.resolve()], str.strip),
        "import numpy, scipy.stats": ([sys.executable, "-c", "import numpy, scipy.stats; print(1)"], bool),
    }
    print(machine.describe())
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            for name, (words, useful) in commands.items():
                seconds[name].append(wait(list(map(str, words)), useful, folder))
    print(f"\nseconds to the first useful line, n = {args.rounds}, alternating, median (lowest to highest)")
    for name, values in seconds.items():
        print(f"{name:26} {machine.spread(values, 2)}")


if __name__ == "__main__":
    main()
