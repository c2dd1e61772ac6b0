"""Parallel runs on this machine: each is a process with its share of the cores, or a GPU of its own."""

from __future__ import annotations

import functools
import os
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tintbox.studies import files, worker
from tintbox.studies.grid import Run
from tintbox.studies.outcome import Outcome
from tintbox.threads import USER_THREADS, cores

TRIES = 2  # of a run that is killed by a signal
LOADERS = 8  # Ultralytics' default number of loader processes, for a run that has the machine to itself


def share(workers: int, arguments: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the words and environment that keep each of ``workers`` parallel runs to its share of the cores.

    The user's own ``workers=`` among the run's arguments takes precedence.
    """
    part = max(1, cores() // workers)
    words = [] if workers == 1 or "workers" in arguments else [f"workers={min(LOADERS, part)}"]
    return words, threads(part)


def threads(number: int) -> dict[str, str]:
    """Return the environment of a run that may use ``number`` threads.

    ``TINTBOX_THREADS`` limits what a run on the CPU sets for itself. ``OMP_NUM_THREADS`` is restored to what it was
    before this process imported Ultralytics, which sets it, so that a run behaves exactly like `yolo train`.
    """
    return {"TINTBOX_THREADS": os.environ.get("TINTBOX_THREADS") or str(number), "OMP_NUM_THREADS": USER_THREADS or ""}


def list_gpus() -> list[str]:
    """Return the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch

    named, count = os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count()
    return [name.strip() for name in named.split(",")][:count] if named else list(map(str, range(count)))


class LocalRuns:
    """A queue of runs, of which ``workers`` are trained at a time.

    Attributes:
        recipes: Run's name -> what the file of its ``cfg=`` says as the study begins.
        at_work: Run's name -> the run, its process and its slot.
    """

    def __init__(self, runs: Sequence[Run], folder: Path, workers: int = 1) -> None:
        self.gpus = list_gpus()
        wanted = min(workers, len(runs))
        self.folder, self.workers = folder, min(wanted, max(cores(), len(self.gpus)))
        if self.workers < wanted:
            print(f"--workers {workers}: {self.workers} at a time, for this machine has no more cores", flush=True)
        contents = functools.lru_cache(files.contents)
        self.recipes = {run.name: contents(run.arguments.get("cfg")) for run in runs}
        self.waiting = deque(runs)
        self.at_work: dict[str, tuple[Run, subprocess.Popen[bytes], int]] = {}
        self.tries: dict[str, int] = {}

    def list_running(self) -> list[Run]:
        """Return the runs that are being trained."""
        return [run for run, *_ in self.at_work.values()]

    def poll(self) -> list[tuple[Run, Outcome]]:
        """Return the runs that have ended since the last call, and start others in their place."""
        ended = []
        for run, process, _ in list(self.at_work.values()):
            status = process.poll()
            if status is None:
                continue
            worker.stop(process)
            del self.at_work[run.name]
            if status < 0 and self.tries[run.name] < TRIES:
                self.waiting.appendleft(run)  # resumed from its last checkpoint
            else:
                ended.append((run, worker.end(self.folder / run.name, status, run.arguments)))
        while self.waiting and len(self.at_work) < self.workers:
            self._start(self.waiting.popleft())
        return ended

    def _start(self, run: Run) -> None:
        slot = min(set(range(self.workers)) - {slot for *_, slot in self.at_work.values()})
        words, environment = share(self.workers, run.arguments)
        if self.gpus and run.arguments.get("device") is None:
            environment["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        recipe = self.recipes[run.name]
        process = worker.start(self.folder / run.name, run.arguments, environment, words, recipe=recipe)
        self.at_work[run.name] = run, process, slot
        self.tries[run.name] = self.tries.get(run.name, 0) + 1

    def close(self) -> None:
        """Kill the current runs; they can be resumed."""
        for _, process, _ in self.at_work.values():
            worker.stop(process)
        self.at_work.clear()
