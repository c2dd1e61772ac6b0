"""A pytest plugin: lets the tests that start subprocesses run offline, and says of every test where it stands."""

import pytest

# Ultralytics skips them offline because of their data, which is there; they start what no other test starts.
OFFLINE = ("test_train_multi", "test_model_tune")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the mark away that skips a test without a network."""
    for item in items:
        if item.name in OFFLINE:
            marks = [mark for mark in item.own_markers if mark.kwargs.get("reason") != "environment is offline"]
            item.own_markers[:] = marks
