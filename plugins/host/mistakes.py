"""Patches for the places where Ultralytics itself rejects a colouriser user's input.

Its checks raise plain `ValueError`, `TypeError` and so on, just as bugs do. This module lists which of its functions
check user input and which exceptions they raise for it; in a run of tintbox's task these become a `TintboxError`.
Other tasks keep their errors, except that a run with tintbox's arguments says in one line which model it cannot load
and where it cannot write.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, one_line, reason_of
from tintbox.plugins.autoload import TASK, import_optional
from tintbox.plugins.host import command
from tintbox.plugins.host.table import patch, replace

# Folder not writable, or disk full.
UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MODES = ("train", "val", "predict", "track", "export", "benchmark")


class RunFileError(TintboxError, OSError):
    """A file or folder that the system does not let a run read or write."""

    def __str__(self) -> str:
        """Return the message, which an ``OSError`` shows only in some cases."""
        return str(self.args[0])


def translate(owner: Any, name: str, *kinds: type[Exception]) -> None:
    """Translate the exceptions ``kinds``, with which an Ultralytics function reports bad user input.

    In a run of tintbox's task they are raised as a `TintboxError` with the same text.
    """

    @replace(owner, name)
    def checked(*args: Any, stock: Any, **kwargs: Any) -> Any:
        try:
            return stock(*args, **kwargs)
        except TintboxError:
            raise
        except kinds as error:
            if not command.is_ours():
                raise
            kind = TintboxFileError if isinstance(error, FileNotFoundError) else TintboxError
            raise kind(one_line(error)) from error


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


@patch("ultralytics.engine.model", *(f"Model.{mode}" for mode in MODES), "Model._check_is_pytorch_model")
def runs_of_a_colouriser(engine: Any) -> None:
    """Mark that tintbox's task is running while a colouriser's method does, and report system errors in it.

    First check what Ultralytics lets through: `check_cfg` knows neither the mode nor the task.
    """
    translate(engine.Model, "_check_is_pytorch_model", TypeError)

    def wrap(mode: str) -> None:
        @replace(engine.Model, mode)
        def run(self: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
            if self.task != TASK:
                return stock(self, *args, **kwargs)
            with command.mark_ours(), raise_system_errors():
                if arguments := import_optional("tintbox.colorization.arguments"):
                    arguments.check(mode, kwargs)
                return stock(self, *args, **kwargs)

    for mode in MODES:
        wrap(mode)


@patch("ultralytics.engine.model", "Model.train", "Model.val")
def folders_that_cannot_be_written(engine: Any) -> None:
    """Report a folder that cannot be written, and a full disk, in a run of any task with arguments of tintbox's."""
    from tintbox.plugins import callbacks

    for mode in ("train", "val"):

        @replace(engine.Model, mode)
        def run(self: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
            try:
                return stock(self, *args, **kwargs)
            except OSError as error:
                if error.errno not in UNWRITABLE or not callbacks.wants_resume(SimpleNamespace(**kwargs)):
                    raise
                with raise_system_errors():
                    raise


@patch("ultralytics.engine.model", "Model._new", "Model._load")
def models_that_are_not_there(engine: Any) -> None:
    """Report a model file that cannot be read, if the command or the call names tintbox's task or one of its arguments.

    A YAML is first read by tintbox's reader, which has limits; Ultralytics' raises whatever its parser raises.
    """
    from tintbox import yaml_file

    def check_yaml(file: Any) -> None:
        path = Path(str(file))
        if not yaml_file.is_yaml(path) or not is_there(path):
            return
        content = yaml_file.read(path)
        if not isinstance(content, dict):
            raise TintboxError(f"{file}: no mapping, so no model's YAML")
        if content.get("task") != TASK and "backbone" not in content:
            raise TintboxError(f"{file}: no model's YAML, which would have a backbone; give a model, e.g. yolo11n.pt")

    for name in ("_new", "_load"):

        @replace(engine.Model, name)
        def read(self: Any, file: Any, task: str | None = None, *args: Any, stock: Any, **kwargs: Any) -> Any:
            if task != TASK and not command.names_option():
                return stock(self, file, task, *args, **kwargs)
            check_yaml(file)
            with raise_system_errors():
                return stock(self, file, task, *args, **kwargs)


@patch("ultralytics.cfg", "check_cfg", "merge_equals_args")
def faulty_arguments(cfg: Any) -> None:
    """Arguments of the wrong type or out of range, and unclosed lists."""
    translate(cfg, "merge_equals_args", SyntaxError)
    translate(cfg, "check_cfg", TypeError, ValueError)


@patch("ultralytics.utils.checks", "check_file", "check_suffix")
def faulty_files(checks: Any) -> None:
    """Missing files, such as `cfg=`, which the command reads before there is a model, and files of another kind."""
    translate(checks, "check_file", FileNotFoundError)
    translate(checks, "check_suffix", AssertionError)


@patch("ultralytics.utils.torch_utils", "select_device")
def faulty_devices(torch_utils: Any) -> None:
    """Devices that this machine does not have."""
    translate(torch_utils, "select_device", ValueError)


@patch("ultralytics.engine.trainer", "BaseTrainer.build_optimizer")
def faulty_optimizers(trainer: Any) -> None:
    """Unknown optimizers."""
    translate(trainer.BaseTrainer, "build_optimizer", NotImplementedError)


@patch("ultralytics.data.build", "load_inference_source")
def faulty_sources(build: Any) -> None:
    """Image sources that are missing, unreachable or invalid."""
    kinds = (FileNotFoundError, ConnectionError, NotImplementedError, TypeError, ValueError)
    translate(build, "load_inference_source", *kinds)


@patch("ultralytics.engine.exporter", "Exporter.__call__")
def faulty_exports(exporter: Any) -> None:
    """Unknown formats, and arguments that a format does not take."""
    translate(exporter.Exporter, "__call__", ValueError, AssertionError)


@patch("ultralytics.nn.autobackend", "AutoBackend.__init__")
def faulty_formats(autobackend: Any) -> None:
    """Weights in an unknown format, and exported models that their runtime cannot read."""
    translate(autobackend.AutoBackend, "__init__", TypeError)

    @replace(autobackend.AutoBackend, "__init__")
    def load(self: Any, model: Any = "yolo26n.pt", *args: Any, stock: Any, **kwargs: Any) -> None:
        try:
            stock(self, model, *args, **kwargs)
        except (TintboxError, OSError, ImportError, MemoryError):
            raise
        except Exception as error:
            if not command.is_ours() or Path(str(model)).suffix in ("", ".pt"):
                raise
            raise TintboxError(f"{model}: cannot be loaded ({one_line(error)[:200]})") from error


@patch("ultralytics.data.loaders", "LoadImagesAndVideos.__next__")
def faulty_pictures(loaders: Any) -> None:
    """Images whose header claims more than OpenCV's limit: it raises an error for those, and skips other bad ones."""
    import cv2

    @replace(loaders.LoadImagesAndVideos, "__next__")
    def read(self: Any, *, stock: Any) -> Any:
        try:
            return stock(self)
        except cv2.error as error:
            if not command.is_ours():
                raise
            why = one_line(error).partition("error: ")[2][:120]
            raise TintboxError(f"{self.files[self.count]}: cannot be read as an image ({why})") from error
