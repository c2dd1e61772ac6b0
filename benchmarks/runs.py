"""Runs of a benchmark: each in a process of its own with its share of the cores, finished ones kept."""

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

from tintbox.threads import cores

RESULT = "result.json"  # in a run's folder, when it is finished
LOG = "log.txt"


def repeat(args: argparse.Namespace, *names: str) -> list[str]:
    """Return the words that give a run's process the options of these names as they were given here, if they were."""
    words: list[str] = []
    for name in names:
        value = getattr(args, name)
        if value not in (None, []):
            words += [f"--{name}", *(map(str, value) if isinstance(value, list) else [str(value)])]
    return words


def write_result(folder: Path, result: dict) -> None:
    """Write a run's result; the file appears as a whole."""
    part = folder / f".{RESULT}.part"
    part.write_text(json.dumps(result))
    part.replace(folder / RESULT)


def run_all(
    script: str | Path,
    jobs: Mapping[str, Sequence[str]],
    root: Path,
    side_by_side: int = 1,
    line: Callable[[str, dict], str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, dict]:
    """Return the results of all runs, each made by a process of its own unless it is there.

    Args:
        script: The Python file to run; it writes the result by ``write_result``.
        jobs: Name of the run, which is its folder's name in ``root`` -> the script's arguments.
        root: Where the folders are.
        side_by_side: Runs at a time; they share the cores.
        line: Makes the line that is printed after a run from its name and result.
        environment: Variables to set for the runs, beside this process's own.

    Returns:
        Name of the run -> its result.

    Raises:
        SystemExit: A run failed; the line names its log.
    """
    threads = str(max(1, cores() // side_by_side))

    def one(name: str) -> dict:
        folder = root / name
        if not (folder / RESULT).exists():
            folder.mkdir(parents=True, exist_ok=True)
            variables = {**os.environ, "OMP_NUM_THREADS": threads, **(environment or {})}
            with (folder / LOG).open("w") as log:
                words = [sys.executable, str(script), *jobs[name]]
                done = subprocess.run(words, stdout=log, stderr=log, env=variables, check=False)
            if done.returncode or not (folder / RESULT).exists():
                said = (folder / LOG).read_text(errors="replace").strip().rpartition("\n")[2]
                raise SystemExit(f"{name}: the run failed with status {done.returncode}: {said} (see {folder / LOG})")
        result = json.loads((folder / RESULT).read_text())
        if line:
            print(line(name, result), flush=True)
        return result

    with ThreadPoolExecutor(side_by_side) as pool:
        return dict(zip(jobs, pool.map(one, jobs)))


def run_in_turns(
    script: str | Path,
    variants: Sequence[str],
    rounds: int,
    words: Sequence[str],
    figure: Callable[[dict], str],
    environment: Callable[[str], dict[str, str]] = lambda variant: {},
) -> dict[str, list[dict]]:
    """Return the results of a run per round of each variant, in reverse order every other round.

    Args:
        script: As for `run_all`; it takes ``--one VARIANT FOLDER``.
        variants: What is compared.
        rounds: Runs of each.
        words: The script's other arguments.
        figure: What is printed of a result.
        environment: Variables to set for a variant.
    """
    results: dict[str, list[dict]] = {variant: [] for variant in variants}
    with tempfile.TemporaryDirectory() as root:
        for number in range(rounds):
            for variant in variants[:: -1 if number % 2 else 1]:
                name = f"{number}-{variants.index(variant)}"
                job = {name: [*words, "--one", variant, str(Path(root) / name)]}
                result = run_all(script, job, Path(root), environment=environment(variant))[name]
                print(f"round {number + 1}, {variant}: {figure(result)}", flush=True)
                results[variant].append(result)
    return results


def tabulate(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    first, *others = (f"| {' | '.join(row)} |" for row in (header, *rows))
    return "\n".join([first, "|---" * len(header) + "|", *others])


def mean(values: Sequence[float], digits: int = 1) -> str:
    """Return ``mean ± standard deviation``; the deviation of the sample, n - 1."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0
    return f"{statistics.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def student_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean and its 95% interval of Student's t; of one value the ends are unknown."""
    from scipy import stats

    middle = statistics.mean(values)
    if len(values) < 2:
        return middle, math.nan, math.nan
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return middle, middle - half, middle + half
