"""Runs of a benchmark: each in a separate process with its share of the cores; finished runs are kept."""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import machine
from tintbox import atomic
from tintbox.threads import cores

RESULT = "result.json"  # in the folder of a finished run
LOG = "log.txt"


def make_parser(about: str | None, root: str, **defaults: str | float) -> argparse.ArgumentParser:
    """Return a parser like `machine.make_parser`, with the options of `run_all` and the seeds."""
    parser = machine.make_parser(about, **defaults)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="number of parallel runs")
    parser.add_argument("--report", action="store_true", help="only report finished runs, without training")
    parser.add_argument("--root", type=lambda name: Path(name).resolve(), default=root, help="where to put run folders")
    add_one(parser)
    return parser


def add_one(parser: argparse.ArgumentParser) -> None:
    """Add the option that tells a process which run to make, by the run's folder."""
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)


def run_all(
    jobs: Mapping[str, Callable[[Path], dict]], args: argparse.Namespace, line: Callable[[str, dict], str]
) -> dict[str, dict]:
    """Return the results of all runs; each unfinished run is made in a separate process.

    The process is this program again, with the same arguments and ``--one FOLDER``: it calls this function, makes its
    run, and exits.

    Args:
        jobs: Name of the run, also of its folder -> function that makes the run in its folder and returns the result.
        args: The options of `make_parser`; parallel runs share the cores.
        line: Returns the line to print after a run, from its name and result.

    Returns:
        Name of the run -> its result; empty if ``--one`` is meant for another call.

    Raises:
        SystemExit: If a run fails; the message names its log. Also when the process of ``--one`` is done.
    """
    if args.one:
        if args.one.name in jobs:
            write_result(args.one, jobs[args.one.name](args.one))
            raise SystemExit
        return {}
    if args.report:
        jobs = {name: job for name, job in jobs.items() if (args.root / name / RESULT).is_file()}
    threads = max(1, cores() // args.jobs)

    def run(name: str) -> dict:
        result = run_apart(args.root / name, {"OMP_NUM_THREADS": str(threads)})
        print(line(name, result), flush=True)
        return result

    with ThreadPoolExecutor(args.jobs) as pool:
        return dict(zip(jobs, pool.map(run, jobs)))


def run_in_turns(
    args: argparse.Namespace,
    measure: Callable[[str], dict],
    figure: Callable[[dict], str],
    environment: Callable[[str], dict[str, str]],
) -> dict[str, list[dict]]:
    """Return the results of one run per variant and round, like `run_all`; every other round is in reverse order.

    Args:
        args: Has ``variants``, ``rounds`` (runs per variant) and `add_one`'s option.
        measure: Makes a variant's run and returns the result.
        figure: Returns the text to print for a result.
        environment: Returns the environment variables to set for a variant.
    """
    if args.one:
        write_result(args.one, measure(args.variants[int(args.one.name.rpartition("-")[2])]))
        raise SystemExit
    results: dict[str, list[dict]] = {variant: [] for variant in args.variants}
    with tempfile.TemporaryDirectory() as root:
        for number in range(args.rounds):
            for index in range(len(args.variants))[:: -1 if number % 2 else 1]:
                variant = args.variants[index]
                variables = {"OMP_NUM_THREADS": str(cores()), **environment(variant)}
                result = run_apart(Path(root) / f"{number}-{index}", variables)
                print(f"round {number + 1}, {variant}: {figure(result)}", flush=True)
                results[variant].append(result)
    return results


def run_apart(folder: Path, variables: Mapping[str, str]) -> dict:
    """Return the result of a folder's run; make the run first if needed, with additional environment variables."""
    result, log = folder / RESULT, folder / LOG
    if not result.exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, *sys.argv, "--one", str(folder)]
        with log.open("w") as out:
            done = subprocess.run(words, stdout=out, stderr=out, env={**os.environ, **variables}, check=False)
        if done.returncode or not result.exists():
            said = log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise SystemExit(f"{folder.name}: the run failed with status {done.returncode}: {said} (see {log})")
    return json.loads(result.read_text())


def write_result(folder: Path, result: dict) -> None:
    """Write a run's result atomically."""
    atomic.write_text(folder / RESULT, json.dumps(result))


def settings(words: Sequence[str]) -> dict:
    """Return ``key=value`` arguments as a dict, with values parsed as YAML."""
    import yaml

    return {key: yaml.safe_load(value) for key, _, value in (word.partition("=") for word in words)}


def folder_name(*words: str) -> str:
    """Return the name of a run's folder made of all that its result depends on."""
    return "-".join(words).replace("=", "_").replace("/", "_")


def accuracy(box: Any) -> dict[str, float]:
    """Return the mAP of a validation's boxes, as results have it."""
    return {"mAP50-95": float(box.map), "mAP50": float(box.map50)}


def tabulate(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    first, *others = (f"| {' | '.join(row)} |" for row in (header, *rows))
    return "\n".join([first, "|---" * len(header) + "|", *others])


def mean(values: Sequence[float], digits: int = 1) -> str:
    """Return ``mean ± standard deviation``, with the sample standard deviation (n - 1)."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0
    return f"{statistics.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def student_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean and its 95% interval by Student's t; the bounds are NaN for a single value."""
    from scipy import stats

    middle = statistics.mean(values)
    if len(values) < 2:
        return middle, math.nan, math.nan
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return middle, middle - half, middle + half


def span(bounds: Sequence[float]) -> str:
    """Return an interval in percent as text."""
    return f"[{100 * bounds[0]:+.1f}, {100 * bounds[1]:+.1f}]"


def read_evaluation(folder: Path, split: str):
    """Return the COCO evaluation of a run, from the truth and the predictions in its subfolder of the split."""
    from tintbox.plugins.coco_eval.data.detections import Detections
    from tintbox.plugins.coco_eval.data.truth import Truth
    from tintbox.plugins.coco_eval.evaluation import evaluate
    from tintbox.plugins.coco_eval.settings import Settings

    truth = Truth.read(folder / split / "annotations.json")
    detections = Detections.read(folder / split / "predictions.json", truth)
    return evaluate(truth, detections, settings=Settings(explain=False))


def intervals(
    pairs: list[tuple[Path, Path]], split: str = "val"
) -> tuple[tuple[float, float, float], list[tuple[float, float]]]:
    """Return the difference in COCO AP between runs of two kinds, with 95% intervals.

    Args:
        pairs: For each seed, the folders of two runs with the same share: ours and its baseline.
        split: The predicted split, a subfolder of each run.

    Returns:
        The mean over seeds with its interval over images and seeds, and for each seed the interval over images, from a
        paired bootstrap; in -1..1.
    """
    import numpy as np

    from tintbox.plugins.coco_eval import seeds
    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.metrics import overall

    compared = [Comparison(read_evaluation(others, split), read_evaluation(ours, split)) for ours, others in pairs]
    samples = np.stack([(overall(c.second.samples) - overall(c.first.samples))[..., 0] for c in compared])  # (S, R)
    values, first = np.array([c["AP"] for c in compared]), compared[0].first
    low, high = seeds.difference_interval(samples, values, first.settings.level, first.support[-1, 0])
    return (float(values.mean()), float(low), float(high)), [tuple(map(float, c.intervals[0])) for c in compared]
