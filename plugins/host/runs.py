"""Patches for runs: callbacks, label caches, exports."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from tintbox.plugins.host.table import patch, replace


@patch("ultralytics.utils.callbacks.base", "default_callbacks")
def default_callbacks(base: Any) -> None:
    """Add tintbox's callbacks to the defaults: every run in every process gets a copy of these lists."""
    from tintbox.plugins import callbacks

    for function in callbacks.CALLBACKS:
        base.default_callbacks[function.__name__].append(function)


@patch("ultralytics.data.utils", "save_dataset_cache_file")
def label_caches(utils: Any) -> None:
    """Let several runs start on one dataset at once, as in a study.

    Stock checks for an outdated label cache and then removes it; a run that lost this race ended with a traceback.
    Now it leaves the cache to the run that won.
    """

    @replace(utils, "save_dataset_cache_file")
    def save(*args: Any, stock: Any, **kwargs: Any) -> None:
        with contextlib.suppress(FileNotFoundError):
            stock(*args, **kwargs)


@patch("ultralytics.engine.exporter", "file_size", "try_export")
def small_exports(exporter: Any) -> None:
    """Accept exports under 0.1 MB: the stock check considers them corrupt, but a model with 16 filters has 74 kB."""

    @replace(exporter, "file_size")
    def at_least(path: Any, *, stock: Any) -> float:
        size = stock(path)
        return max(size, 0.1001) if Path(path).suffix in {".onnx", ".torchscript"} and size > 0 else size
