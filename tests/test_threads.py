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
    assert done.stdout.split() == [f"[{setting!r}]"], done.stderr
