"""Runs on a Ray cluster: each is a task with a GPU or a share of a machine's cores; Ray schedules and retries them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, one_line
from tintbox.studies import files, outcome, worker
from tintbox.studies.grid import Run
from tintbox.studies.local import TRIES, threads
from tintbox.studies.outcome import Outcome

PATIENCE = 10.0  # seconds within which an address must answer
PROBE = "import sys, ray; print(flush=True); ray.init(sys.argv[1], log_to_driver=False)"
RETRIES = 3  # of a task whose machine or worker process died
LOCAL = "auto"  # a cluster on this machine, else one started for the study
PASSED = ("YOLO_", "TINTBOX_", "ULTRALYTICS_")  # prefixes of the variables that a run inherits from the study


def connect(address: str) -> Any:
    """Connect to a Ray cluster, and return the module ``ray``.

    Args:
        address: ``host:port`` or ``ray://host:port``; "auto" is the cluster of ``RAY_ADDRESS`` or of this machine, or,
            if there is none, one started for the study.

    Raises:
        TintboxError: Ray is not installed, or the address does not answer within ten seconds.
    """
    try:
        import ray
    except ImportError:
        raise TintboxError("--ray needs Ray, which is not installed; pip install 'tintbox[ray]'") from None
    if ray.is_initialized():
        return ray
    known = os.environ.get("RAY_ADDRESS") if address == LOCAL else address
    if known and known != LOCAL:
        check_answers(known)
    try:
        ray.init(None if address == LOCAL else address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # a plain one, if its processes do not come up in time
        raise TintboxError(f"--ray {address}: {one_line(error)}") from error
    return ray


def check_answers(address: str) -> None:
    """Raise TintboxError if no Ray cluster answers at an address within ten seconds.

    A separate process tries, because Ray itself has no way to give up and would print a page of text.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (host and colon and port.isdigit()):
        raise TintboxError(f"--ray {address}: give host:port or ray://host:port, or nothing for a cluster here")
    silent = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", PROBE, address], text=True, **silent) as process:  # type: ignore[call-overload]
        try:
            process.stdout.readline()  # printed once Ray is imported
            failed = process.wait(PATIENCE) != 0
            why = "no Ray cluster"
        except subprocess.TimeoutExpired:
            failed, why = True, f"no answer within {PATIENCE:.0f} seconds"
            process.kill()
    if failed:
        raise TintboxError(f"--ray {address}: {why}; is it up (`ray start --head`), and its port open?")


def train(
    folder: Path,
    arguments: Mapping[str, Any],
    environment: Mapping[str, str],
    where: Path,
    recipe: Mapping[str, Any] | None = None,
) -> Outcome:
    """Train or resume a run where Ray has placed it, and return its outcome.

    If this worker dies, Ray calls the function again and the run is resumed: its process dies with the worker, at the
    latest when its standard input is closed. A run that is itself killed by a signal is retried once.
    """
    done = outcome.read(folder)
    if done and outcome.is_finished(folder, done) and outcome.same_arguments(done, arguments):
        return done
    for _ in range(TRIES):
        process = worker.start(folder, arguments, environment, where=where, recipe=recipe)
        try:
            status = process.wait()
        finally:
            worker.stop(process)
        if status >= 0:
            break
    return worker.end(folder, status, arguments)


class ClusterRuns:
    """Runs submitted to Ray, all at once.

    The study's folder must be on a file system that all machines of the cluster share under the same path.
    """

    def __init__(self, runs: Sequence[Run], folder: Path, address: str = LOCAL, workers: int = 1) -> None:
        self.ray, self.folder = connect(address), folder.resolve()
        self.pending: dict[Any, Run] = {}
        resources = self.ray.cluster_resources()
        biggest = max((node["Resources"].get("CPU", 1) for node in self.ray.nodes() if node["Alive"]), default=1)
        needs: dict[str, float] = {"num_cpus": 1, "num_gpus": 1} if resources.get("GPU") else {}
        needs = needs or {"num_cpus": max(1, biggest // min(workers, len(runs)))}
        task = self.ray.remote(max_retries=RETRIES, **needs)(train)
        environment = {key: value for key, value in os.environ.items() if key.startswith(PASSED)}
        environment |= threads(int(needs["num_cpus"]))
        for run in runs:
            words = dict(run.arguments), environment, Path.cwd(), files.contents(run.arguments.get("cfg"))
            self.pending[task.remote(self.folder / run.name, *words)] = run

    def list_running(self) -> list[Run]:
        """Return the runs that are being trained."""
        stands = ((run, outcome.read(self.folder / run.name)) for run in self.pending.values())
        return [run for run, found in stands if found and found.state == outcome.STARTED]

    def poll(self) -> list[tuple[Run, Outcome]]:
        """Return the runs that have ended since the last call."""
        if not self.pending:
            return []
        ended = []
        for task in self.ray.wait(list(self.pending), num_returns=len(self.pending), timeout=0)[0]:
            run = self.pending.pop(task)
            try:
                found = self.ray.get(task)
                if not (self.folder / run.name / outcome.FILE).is_file():
                    found = Outcome(outcome.FAILED, f"{self.folder} is not shared with the machine that trained it")
            except self.ray.exceptions.RayError as error:
                found = Outcome(outcome.FAILED, f"Ray: {one_line(error)}", run.arguments)
                found.write(self.folder / run.name)
            ended.append((run, found))
        return ended

    def close(self) -> None:
        """Cancel what is left, and disconnect from the cluster."""
        for task in self.pending:
            self.ray.cancel(task, force=True)
        self.ray.shutdown()
