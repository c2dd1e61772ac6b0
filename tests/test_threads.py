"""How many threads may be used."""

import pytest

from tintbox import threads


@pytest.mark.parametrize(
    ("setting", "most"), [(None, None), ("", None), ("0", None), ("3", 3), ("three", None), ("-1", None)]
)
def test_limit_of_the_environment(monkeypatch, setting, most):
    monkeypatch.delenv("TINTBOX_THREADS", raising=False)
    if setting is not None:
        monkeypatch.setenv("TINTBOX_THREADS", setting)
    assert threads.most_threads() == most


@pytest.mark.parametrize("setting", ["", "3"])
def test_the_users_setting_is_known_though_ultralytics_sets_its_own(python, setting):
    code = "import os, ultralytics.utils; from tintbox.threads import USER_THREADS; print([USER_THREADS])"
    done = python("-c", code, env={"OMP_NUM_THREADS": setting})
    assert done.stdout.split()[-1] == f"[{setting!r}]", done.stderr


@pytest.mark.parametrize(
    ("setting", "most"), [("", None), (None, None), ("3", 3), ("2,1", 2), ("many", None), ("0", None)]
)
def test_limit_of_openmp(monkeypatch, setting, most):
    monkeypatch.setattr(threads, "USER_THREADS", setting)
    assert threads.users_threads() == most


@pytest.mark.parametrize(("openmp", "own"), [("", ""), ("1", ""), ("", "1"), ("64", "")])
def test_all_cores_but_for_the_limits(python, openmp, own):
    """And where several threads compute, one team more rests, so that theirs waits asleep."""
    code = (
        "import threading, torch, ultralytics; from tintbox.threads import use_all_cores\n"
        "for _ in range(2): use_all_cores(torch.device('cpu'))\n"
        "print(torch.get_num_threads(), sum(t.name == 'tintbox-rest' for t in threading.enumerate()))"
    )
    done = python("-c", code, env={"OMP_NUM_THREADS": openmp, "TINTBOX_THREADS": own})
    threads_, resting = map(int, done.stdout.split()[-2:])
    assert threads_ == (1 if "1" in (openmp, own) else threads.cores()), done.stderr
    assert resting == (threads_ > 1)
