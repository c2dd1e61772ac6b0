"""A pytest plugin: lets the tests run offline that start subprocesses, as no other test does, and skips what can't.

What wants a download or a package that is not installed is no failure: with the plugin or without it, it is skipped,
and `run.compare` would tell a test that is skipped with the plugin alone.
"""

from collections.abc import Iterator
from urllib.error import URLError

import pytest

WANTED = (ConnectionError, URLError, ModuleNotFoundError)

# Ultralytics passes them over, as slow or without a network because of their data, which is there.
KEPT = ("test_train_multi", "test_model_tune")


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Take away the marks that would pass them over."""
    kept = [item for item in items if item.name in KEPT]
    for item in kept:
        item.own_markers[:] = [
            mark for mark in item.own_markers if mark.kwargs.get("reason") != "environment is offline"
        ]
    yield
    items[:0] = [item for item in kept if item not in items]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Skip a test that wants the network or a package."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.excinfo and call.excinfo.errisinstance(WANTED):
        path, line, _ = item.location
        what = "a package" if call.excinfo.errisinstance(ModuleNotFoundError) else "a download"
        report.outcome, report.longrepr = "skipped", (path, line or 0, f"Skipped: wants {what} that is not here")
