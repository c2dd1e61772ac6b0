"""Runs on a Ray cluster: a local one of two workers."""

import csv
import logging
import socket
import threading
import time
from unittest.mock import Mock

import psutil
import pytest

from tintbox.errors import TintboxError
from tintbox.studies import cluster, outcome
from tintbox.studies.command import study
from tintbox.studies.grid import Run

ray = pytest.importorskip("ray", reason="the optional dependency tintbox[ray]")

TINY = ["task=colorize", "model=colorize-convt.yaml", "imgsz=32", "plots=False", "workers=0", "batch=4"]


@pytest.fixture
def two_workers(monkeypatch, tmp_path):
    """A local cluster with room for two parallel runs."""
    monkeypatch.chdir(tmp_path)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    yield
    ray.shutdown()


def epochs(folder):
    """The epochs in a run's results.csv."""
    file = folder / "results.csv"
    text = file.read_text() if file.is_file() else ""
    return [int(row["epoch"]) for row in csv.DictReader(text[: text.rfind("\n") + 1].splitlines())]


class Killer(threading.Thread):
    """Kills the Ray worker process that trains a run, once the run has some epochs."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.killed, self.before = folder, None, []

    def run(self):
        while self.killed is None:
            time.sleep(0.05)
            if len(epochs(self.folder)) < 3 or not (self.folder / "weights/last.pt").is_file():
                continue
            for process in psutil.process_iter(["cmdline"]):
                words = process.info["cmdline"] or []
                if "tintbox.studies.worker" in words and any(word.endswith(self.folder.name) for word in words):
                    parent = process.parent()
                    assert "ray::" in " ".join(parent.cmdline()), "it is not Ray's"
                    parent.kill()
                    self.before, self.killed = epochs(self.folder), process
                    return


def test_a_cluster_that_does_not_start(monkeypatch):
    """Ray raises a plain Exception if its processes do not come up in time."""

    def late(*args, **kwargs):
        raise Exception("The current node\ntimed out during startup.")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", late)
    with pytest.raises(TintboxError, match=r"^--ray auto: The current node timed out during startup\.$"):
        cluster.connect("auto")


@pytest.mark.slow
def test_a_worker_that_is_killed(two_workers, tiny_data, tmp_path, capfd):
    folder = tmp_path / "runs/study/study"
    killer = Killer(folder / "seed_1")
    killer.start()
    # Data by a relative path: a worker resolves it from the folder where the study was started.
    (tmp_path / "tiny.yaml").write_text(tiny_data.read_text())
    assert study([*TINY, "data=tiny.yaml", "epochs=15", "seed=0,1"], ray="auto", workers=2).resolve() == folder
    assert killer.killed is not None
    assert not killer.killed.is_running() or killer.killed.status() == psutil.STATUS_ZOMBIE
    for name in ("seed_0", "seed_1"):
        assert outcome.read(folder / name).state == outcome.FINISHED
        assert epochs(folder / name)[-1] == 15
    assert 3 <= len(killer.before) < 15
    assert epochs(folder / "seed_1")[: len(killer.before) - 1] == killer.before[:-1]
    log = (folder / "seed_1" / outcome.LOG).read_text()
    assert "Resuming training" in log, "it began anew"
    assert "Resuming training" not in (folder / "seed_0" / outcome.LOG).read_text()
    assert not ray.is_initialized()
    assert "[2/2] " in capfd.readouterr().out


@pytest.mark.parametrize(("runs", "workers", "cores"), [(2, 8, 8), (8, 2, 8), (1, 1, 16), (20, 20, 1)])
def test_fewer_runs_than_workers_share_all_cores(monkeypatch, tmp_path, runs, workers, cores):
    """As on one machine."""
    stub = Mock(cluster_resources=dict, nodes=lambda: [{"Alive": True, "Resources": {"CPU": 16.0}}])
    monkeypatch.setattr(cluster, "connect", lambda address: stub)
    cluster.ClusterRuns([Run(f"seed_{seed}", {}, {}) for seed in range(runs)], tmp_path, workers=workers)
    assert stub.remote.call_args.kwargs["num_cpus"] == cores


def test_an_address_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts connections but never answers
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert cluster.PATIENCE == 10
        monkeypatch.setattr(cluster, "PATIENCE", 1.0)
        begun = time.monotonic()
        with pytest.raises(TintboxError, match=rf"^--ray {address}: (no answer within 1 seconds|no Ray cluster).*$"):
            study([*TINY, "data=fruitbowl.yaml", "epochs=1"], ray=address)
        assert time.monotonic() - begun < 60, "the import of Ray comes on top of that"
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(TintboxError, match=r"^--ray .*no answer within 1 seconds.*$"):
            cluster.connect(cluster.LOCAL)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["nonsense", "host:", ":6379", "host:port"])
def test_what_is_no_address(address):
    with pytest.raises(TintboxError, match=f"^--ray {address}: give host:port"):
        cluster.connect(address)
