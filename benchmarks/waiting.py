"""The cost of a busy machine for multi-threaded training steps, with OpenMP's way of waiting and with tintbox's.

    python benchmarks/waiting.py [--rounds 5] [--steps 15] [--busy 1]

A small network of 40 convolutions is trained in bfloat16 on all cores, next to processes that occupy one core each, as
a loader or another program would. At the end of every parallel loop, the threads wait for the last one: spinning, which
is OpenMP's default; asleep (`tintbox.threads.rest`); or either one, depending on the load of other programs
(`tintbox.threads.watch`). Each run is a separate process, and the runs alternate. --busy 0 shows the cost of sleeping
on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import subprocess
import sys
import time

import machine
import runs

WAYS = ("spinning", "asleep", "watched")


def spin() -> None:
    """Keep a core busy."""
    while True:
        pass


def measure(way: str, steps: int) -> list[float]:
    """Return the seconds of each step."""
    import torch
    from torch import nn

    from tintbox import threads

    torch.set_num_threads(threads.cores())
    if way == "asleep":
        threads.rest(threads.cores())
    elif way == "watched":
        threads.watch(threads.cores())
        time.sleep(3 * threads.SECONDS)
    layers = [nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.SiLU()) for _ in range(40)]
    network = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    pictures = torch.rand(4, 32, 40, 40).to(memory_format=torch.channels_last)
    seconds = []
    for _ in range(steps + 3):
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = network(pictures).float().sum()
        loss.backward()
        seconds.append(time.perf_counter() - start)
    return seconds[3:]


def main() -> None:
    """Run the benchmark."""
    parser = machine.make_parser(__doc__, rounds=5, steps=15)
    parser.add_argument("--busy", type=int, default=1, help="number of processes that occupy a core each")
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one, args.steps)))
        return
    print(machine.describe())
    others = [multiprocessing.Process(target=spin, daemon=True) for _ in range(args.busy)]
    for other in others:
        other.start()
    seconds: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for number in range(args.rounds):
        for way in WAYS[:: -1 if number % 2 else 1]:
            words = [sys.executable, __file__, "--steps", str(args.steps), "--one", way]
            seconds[way].append(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))
    print(f"\nbeside {args.busy} busy processes, {args.rounds} rounds of {args.steps} steps: milliseconds\n")
    rows = []
    for way, found in seconds.items():
        medians, longest = ([1000 * take(run) for run in found] for take in (statistics.median, max))
        ratios = [statistics.median(a) / statistics.median(b) for a, b in zip(seconds["spinning"], found)]
        rows.append([way, machine.spread(medians), machine.spread(longest), machine.spread(ratios, 2)])
    print(runs.tabulate(["threads wait", "median step", "longest step", "spinning / asleep"], rows))


if __name__ == "__main__":
    main()
