"""Patches for runs: callbacks, checks before a run, label caches, exports."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from tintbox.plugins.autoload import import_optional
from tintbox.plugins.host import capabilities
from tintbox.plugins.host.table import patch, replace


@patch("ultralytics.utils.callbacks.base", "default_callbacks")
def default_callbacks(base: Any) -> None:
    """Add tintbox's callbacks to the defaults: every run in every process gets a copy of these lists."""
    from tintbox.plugins import callbacks

    for function in callbacks.CALLBACKS:
        base.default_callbacks[function.__name__].append(function)


@patch("ultralytics.engine.model", "Model.train", "YAML", "checks", "DEFAULT_CFG_DICT", "TASK2DATA")
def preflight(engine: Any) -> None:
    """Check a run's arguments against its model before the trainer creates a folder: no callback runs before that."""

    @replace(engine.Model, "train")
    def checked_train(self: Any, trainer: Any = None, *, stock: Any, **kwargs: Any) -> Any:
        cfg = kwargs.get("cfg")
        recipe = engine.YAML.load(engine.checks.check_yaml(cfg)) if cfg else {}
        arguments = {**recipe, **kwargs}
        capabilities.check(arguments)
        if arguments.get("extend") and not (cfg or arguments.get("resume")):
            # Ultralytics' default is what the checkpoint was trained with, which says nothing about the new classes.
            arguments["single_cls"] = kwargs.setdefault("single_cls", False)
        if not hasattr(self.model, "parameters"):  # exported
            capabilities.check_exported(self.model, arguments)
            return stock(self, trainer, **kwargs)
        capabilities.check_callbacks(self.callbacks, arguments)
        checks = import_optional("tintbox.plugins.preflight")
        command = import_optional("tintbox.plugins.host.command")
        if checks and command:
            used = {**engine.DEFAULT_CFG_DICT, **({} if cfg else self.overrides), "data": None, **arguments}
            if not (used["data"] or used["resume"]):
                used["data"] = engine.TASK2DATA.get(self.task)
            checks.check_run(self.model, self.task, used, command.find_typed(kwargs))
        return stock(self, trainer, **kwargs)


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
