"""What the methods of `YOLO` do beyond stock: one patch for each method, which has its steps in order.

A method that an Ultralytics lacks costs only its own steps. They are here because nothing else sees a run's arguments
together with its model before the run creates a folder: callbacks come later.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tintbox import yaml_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, one_line, reason_of
from tintbox.plugins import callbacks, options, places
from tintbox.plugins.autoload import ARGUMENTS, TASK, import_optional
from tintbox.plugins.host import capabilities, command
from tintbox.plugins.host.extension import check_reconcile, check_visualize
from tintbox.plugins.host.table import DEFAULT_MODEL, patch, replace

ENGINE = "ultralytics.engine.model"
# Folder not writable, or disk full.
UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@patch(ENGINE, "Model.train", "YAML", "checks", "DEFAULT_CFG_DICT", "TASK2DATA", "load_checkpoint")
def model_train(engine: Any) -> None:
    """Check a run's arguments against its model before the trainer creates a folder: no callback runs before that.

    The arguments are put together as the stock method does it, from the `cfg=` file or the checkpoint, and the call.
    """

    @replace(engine.Model, "train")
    def train(self: Any, trainer: Any = None, *, stock: Any, **kwargs: Any) -> Any:
        kwargs = options.convert_numpy(kwargs)
        with explain_errors(self.task, kwargs):
            check_colouriser(self.task, "train", kwargs)
            cfg = kwargs.get("cfg")
            arguments = {**(engine.YAML.load(engine.checks.check_yaml(cfg)) if cfg else {}), **kwargs}
            capabilities.check(arguments)
            if arguments.get("extend") and not (cfg or arguments.get("resume")):
                # Ultralytics' default is what the checkpoint was trained with, which says nothing about new classes.
                arguments["single_cls"] = kwargs.setdefault("single_cls", False)
            if not hasattr(self.model, "parameters"):  # exported
                capabilities.check_exported(self.model, arguments)
            else:
                capabilities.check_callbacks(self.callbacks, arguments)
                used = {**engine.DEFAULT_CFG_DICT, **({} if cfg else self.overrides), "data": None, **arguments}
                if not (used["data"] or used["resume"]):
                    used["data"] = engine.TASK2DATA.get(self.task)
                if preflight := import_optional("tintbox.plugins.preflight"):
                    preflight.check_run(self.model, self.task, used, command.find_typed(kwargs))
            check_resume(self, kwargs, engine.load_checkpoint)
            return stock(self, trainer, **kwargs)


def register(mode: str) -> None:
    """Register the patch of the method of a mode other than training."""

    def method(engine: Any) -> None:
        """Refuse tintbox's arguments where they have no effect: Ultralytics ignores what a mode does not read."""

        @replace(engine.Model, mode)
        def run(self: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
            kwargs = options.convert_numpy(kwargs)
            with explain_errors(self.task, kwargs):
                check_colouriser(self.task, mode, kwargs)
                if mode in ("val", "predict", "track"):
                    check_reconcile(self.model, kwargs)
                if mode in ("predict", "track"):
                    check_visualize(self.model, kwargs)
                places.check(self.task, mode, kwargs, command.find_typed(kwargs))
                return stock(self, *args, **kwargs)

    method.__name__ = f"model_{mode}"
    patch(ENGINE, f"Model.{mode}")(method)


for _mode in ("val", "predict", "track", "export", "benchmark"):
    register(_mode)


@patch(ENGINE, "Model._new", "guess_model_task", "yaml_model_load")
def model_new(engine: Any) -> None:
    """Refuse a YAML of another task: the stock command only warns and continues with the model's own task.

    The task is guessed from the YAML as the stock method would, before a network is built.
    """

    @replace(engine.Model, "_new")
    def new(self: Any, cfg: Any, task: str | None = None, *args: Any, stock: Any, **kwargs: Any) -> None:
        with explain_model(cfg, task):
            if task:
                check_task(cfg, engine.guess_model_task(engine.yaml_model_load(cfg)), task)
            stock(self, cfg, task, *args, **kwargs)


@patch(ENGINE, "Model._load")
def model_load(engine: Any) -> None:
    """Refuse a checkpoint of another task, likewise, and tell how to import Darknet's files.

    The task is known once the stock method has loaded the file; for Darknet's it would only list the export formats.
    """

    @replace(engine.Model, "_load")
    def load(self: Any, weights: Any, task: str | None = None, *args: Any, stock: Any, **kwargs: Any) -> None:
        with explain_model(weights, task):
            if str(weights).endswith(".weights"):
                line = f"tintbox import-legacy {weights} {str(weights).removesuffix('.weights')}.pt"
                raise TintboxError(f"model={weights} is Darknet's; import it with its .cfg first: {line}")
            stock(self, weights, task, *args, **kwargs)
            check_task(weights, self.task, task)


def check_colouriser(task: str, mode: str, arguments: Mapping[str, Any]) -> None:
    """Check what Ultralytics lets through in a colouriser's run: `check_cfg` knows neither the mode nor the task."""
    if task == TASK and (found := import_optional("tintbox.colorization.arguments")):
        found.check(mode, arguments)


def check_resume(model: Any, arguments: Mapping[str, Any], load_checkpoint: Any) -> None:
    """Refuse to resume a finished run of ours: the stock method starts a new one on Ultralytics' sample images.

    Refuse other values of our arguments, too: the trainer would only warn that it ignores them.
    """
    resume = arguments.get("resume", model.overrides.get("resume"))
    if resume and (start := import_optional("tintbox.plugins.resume.start")):
        given = {name: arguments[name] for name in arguments.keys() & command.find_typed(arguments)}
        if resume is True:
            start.check_finished(model, arguments)
            start.check_kept(model.model, given)
        elif given.keys() & ARGUMENTS and Path(str(resume)).is_file():
            start.check_kept(load_checkpoint(resume)[0], given)


def check_task(model: object, has: str, wants: str | None) -> None:
    """Refuse a colouriser for another task, and a model of another task for colourising."""
    if wants and has != wants and TASK in (has, wants):
        hint = f"use `yolo {has} ...`, or give a {wants} model"
        example = f", e.g. model={DEFAULT_MODEL}" if wants == TASK else " and this one as pretrained="
        raise TintboxError(f"model={model} is a {has} model, not a {wants} model; {hint}{example}")


class RunFileError(TintboxError, OSError):
    """A file or folder that the system does not let a run read or write."""

    def __str__(self) -> str:
        """Return the message, which an ``OSError`` shows only in some cases."""
        return str(self.args[0])


@contextlib.contextmanager
def raise_system_errors() -> Iterator[None]:
    """Raise the system's errors, such as a missing file or package, as a `TintboxError`."""
    try:
        yield
    except TintboxError:
        raise
    except ModuleNotFoundError as error:
        if str(error.name).startswith("tintbox"):
            raise
        raise TintboxError(f"{one_line(error)}, which this needs; install it") from error
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        why = reason_of(error)
        if error.errno in UNWRITABLE:
            why = f"cannot be written ({why}); give another folder, project="
        kind = TintboxFileError if isinstance(error, FileNotFoundError) else RunFileError
        mistake = kind(f"{what}{why}")
        mistake.errno, mistake.filename = error.errno, error.filename
        raise mistake from error


@contextlib.contextmanager
def explain_errors(task: str, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Report the system's errors in a run of tintbox's task, which is marked as running.

    In a run of another task with arguments of tintbox's, report a folder that cannot be written, and a full disk.
    """
    if task == TASK:
        with command.mark_ours(), raise_system_errors():
            yield
        return
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE or not callbacks.wants_resume(SimpleNamespace(**arguments)):
            raise
        with raise_system_errors():
            raise


@contextlib.contextmanager
def explain_model(file: Any, task: str | None) -> Iterator[None]:
    """Report a model file that cannot be read, if the command or the call names tintbox's task or one of its arguments.

    A YAML is first read by tintbox's reader, which has limits; Ultralytics' raises whatever its parser raises.
    """
    if task != TASK and not command.names_option():
        yield
        return
    path = Path(str(file))
    if yaml_file.is_yaml(path) and is_there(path):
        content = yaml_file.read(path)
        if not isinstance(content, dict):
            raise TintboxError(f"{file}: no mapping, so no model's YAML")
        if content.get("task") != TASK and "backbone" not in content:
            raise TintboxError(f"{file}: no model's YAML, which would have a backbone; give a model, e.g. yolo11n.pt")
    with raise_system_errors():
        yield
