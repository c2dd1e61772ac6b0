"""How many threads may be used."""

import threading

import pytest

from tintbox import threads


@pytest.mark.parametrize(
    ("setting", "most"),
    [(None, None), ("", None), ("0", None), ("3", 3), ("three", None), ("-1", None), ("\u00b2", None)],
)
def test_limit_of_the_environment(monkeypatch, setting, most):
    monkeypatch.delenv("TINTBOX_THREADS", raising=False)
    if setting is not None:
        monkeypatch.setenv("TINTBOX_THREADS", setting)
    assert threads.most_threads() == most


@pytest.mark.parametrize("setting", ["", "3"])
def test_the_users_setting_is_known_though_ultralytics_sets_its_own(python, forked, setting):
    code = "import os, ultralytics.utils; from tintbox.threads import USER_THREADS; print([USER_THREADS])"
    done = (python if setting else forked)("-c", code, env={"OMP_NUM_THREADS": setting})
    assert done.stdout.split()[-1] == f"[{setting!r}]", done.stderr


@pytest.mark.parametrize(
    ("setting", "most"), [("", None), (None, None), ("3", 3), ("2,1", 2), ("many", None), ("0", None), ("\u00b2", None)]
)
def test_limit_of_openmp(monkeypatch, setting, most):
    monkeypatch.setattr(threads, "USER_THREADS", setting)
    assert threads.users_threads() == most


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "20000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
    ],
)
def test_limit_of_a_container(tmp_path, monkeypatch, files, most):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(threads, "CGROUP", tmp_path)
    assert threads.quota() == most
    monkeypatch.setattr(threads, "cores", lambda: 64)
    monkeypatch.setattr(threads, "USER_THREADS", None)
    monkeypatch.delenv("TINTBOX_THREADS", raising=False)
    assert threads.available() == (most or 64)


@pytest.mark.parametrize(("openmp", "own"), [("", ""), ("1", ""), ("", "1"), ("64", "")])
def test_all_cores_but_for_the_limits(python, forked, openmp, own):
    """And where several threads compute, one thread watches what others do, once."""
    start = forked if own or openmp == "64" else python  # OpenMP itself reads its variable as an interpreter starts
    code = (
        "import threading, torch, ultralytics; from tintbox.threads import use_all_cores\n"
        "for _ in range(2): use_all_cores(torch.device('cpu'))\n"
        "print(torch.get_num_threads(), sum(t.name == 'tintbox-watch' for t in threading.enumerate()))"
    )
    done = start("-c", code, env={"OMP_NUM_THREADS": openmp, "TINTBOX_THREADS": own})
    threads_, watching = map(int, done.stdout.split()[-2:])
    assert threads_ == (1 if "1" in (openmp, own) else threads.cores()), done.stderr
    assert watching == (threads_ > 1)


def test_threads_to_spare(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 8)
    monkeypatch.setattr(threads, "watch", lambda count: None)
    monkeypatch.setattr(threads, "USER_THREADS", None)
    monkeypatch.delenv("TINTBOX_THREADS", raising=False)
    import torch

    before = torch.get_num_threads()
    try:
        for spare, expected in ((0, 8), (2, 6), (9, 1)):
            threads.use_all_cores(torch.device("cpu"), spare)
            assert torch.get_num_threads() == expected
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("looks", [40, 6])
def test_a_team_rests_while_others_want_a_core(monkeypatch, looks):
    """Others' seconds are made up: two looks without any, five with one core, then none for good.

    The watch ends after a number of looks, and the team with it if it has not been dismissed before.
    """
    used = iter([0, 0, 0, 1, 2, 3, 4, 5, *[5] * 1000])
    clock = iter(range(2000))
    ended = iter([*[False] * looks, True])
    formed = []
    monkeypatch.setattr(threads, "rest", lambda count: formed.append(Team()) or formed[-1])
    monkeypatch.setattr(threads, "busy_seconds", lambda: (next(clock), next(used)))
    threads._watch(threads.cores(), lambda seconds: next(ended))
    (team,) = formed
    assert team.dismissed


def test_a_watch_ends(monkeypatch):
    monkeypatch.setattr(threads, "_ends", {})
    before = set(threading.enumerate())
    for _ in range(2):
        threads.watch(2)
    (watching,) = [t for t in threading.enumerate() if t.name == "tintbox-watch" and t not in before]
    threads.unwatch()
    watching.join(10)
    assert not watching.is_alive()


class Team:
    """Stands for a resting team, and notes that it was dismissed."""

    dismissed = False

    def set(self):
        """Dismiss it."""
        self.dismissed = True


def test_a_resting_team_is_dismissed():
    before = set(threading.enumerate())  # an earlier test's training may be watched still
    team = threads.rest(2)
    (resting,) = [t for t in threading.enumerate() if t.name == "tintbox-rest" and t not in before]
    team.set()
    resting.join(10)
    assert not resting.is_alive()


def test_what_others_use_is_seen(python):
    """A process that spins for a second is one core's worth."""
    import subprocess
    import sys
    import time

    first = threads.busy_seconds()
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(1.5)
    finally:
        other.kill()
        other.wait()
    second = threads.busy_seconds()
    assert (second[1] - first[1]) / (second[0] - first[0]) > 0.3
