"""A pytest plugin: lets the tests run offline that start subprocesses, as no other test does."""

from collections.abc import Iterator

import pytest

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
