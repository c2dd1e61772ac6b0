"""Patches of the places where Ultralytics itself finds fault with what a user gave a colouriser.

Its checks raise plain `ValueError`, `TypeError` and so on, as bugs do. Here stands which of its functions check a
user's input, and by which exceptions they say so; in a run of tintbox's task these become a `TintboxError`. Other tasks
keep their errors as they are.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, TintboxFileError, one_line
from tintbox.plugins.autoload import import_optional
from tintbox.plugins.host import command
from tintbox.plugins.host.table import TASK, patch, replace

# A folder that cannot be written, and a disk that is full.
UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MODES = ("train", "val", "predict", "track", "export", "benchmark")


class RunFileError(TintboxError, OSError):
    """A file or folder that the system does not let a run read or write."""

    def __str__(self) -> str:
        """Return the line itself, which an ``OSError`` shows only in some cases."""
        return str(self.args[0])


def translate(owner: Any, name: str, *kinds: type[Exception]) -> None:
    """Translate the exceptions of ``kinds``, by which a function of Ultralytics says what is wrong with a user's input.

    In a run of tintbox's task they are raised as a `TintboxError` with the same text.
    """
    function = getattr(owner, name)

    @replace(owner, name)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TintboxError:
            raise
        except kinds as error:
            if not command.is_ours():
                raise
            kind = TintboxFileError if isinstance(error, FileNotFoundError) else TintboxError
            raise kind(one_line(error)) from error


@contextlib.contextmanager
def raise_system_errors() -> Iterator[None]:
    """Raise what the system refuses, a file or a package that is not there, as a `TintboxError`."""
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
        why = one_line(error.strerror or error)
        if error.errno in UNWRITABLE:
            why = f"cannot be written ({why}); give another folder, project="
        kind = TintboxFileError if isinstance(error, FileNotFoundError) else RunFileError
        mistake = kind(f"{what}{why}")
        mistake.errno, mistake.filename = error.errno, error.filename
        raise mistake from error


@patch("ultralytics.engine.model", *(f"Model.{mode}" for mode in MODES), "Model._check_is_pytorch_model")
def runs_of_a_colouriser(engine: Any) -> None:
    """Know, while a method of a colouriser runs, that it is tintbox's task; tell what the system refuses it.

    Before it runs, check what Ultralytics lets through: `check_cfg` knows neither the mode nor the task.
    """
    translate(engine.Model, "_check_is_pytorch_model", TypeError)

    def know(mode: str) -> None:
        method = getattr(engine.Model, mode)

        @replace(engine.Model, mode)
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            if self.task != TASK:
                return method(self, *args, **kwargs)
            with command.mark_ours(), raise_system_errors():
                if arguments := import_optional("tintbox.colorization.arguments"):
                    arguments.check(mode, kwargs)
                return method(self, *args, **kwargs)

    for mode in MODES:
        know(mode)


@patch("ultralytics.engine.model", "Model._new", "Model._load")
def colourisers_that_are_not_there(engine: Any) -> None:
    """Tell of a model's file that cannot be read, where the command or the call names tintbox's task.

    A YAML is read by tintbox's reader first, which knows limits; Ultralytics' raises what its parser does.
    """
    from tintbox import yaml_file

    def check_yaml(file: Any) -> None:
        path = Path(str(file))
        if path.suffix in (".yaml", ".yml") and path.is_file() and not isinstance(yaml_file.read(path), dict):
            raise TintboxError(f"{file}: no mapping, so no model's YAML")

    def know(name: str) -> None:
        method = getattr(engine.Model, name)

        @replace(engine.Model, name)
        def read(self: Any, file: Any, task: str | None = None, *args: Any, **kwargs: Any) -> Any:
            if task != TASK:
                return method(self, file, task, *args, **kwargs)
            check_yaml(file)
            with raise_system_errors():
                return method(self, file, task, *args, **kwargs)

    know("_new")
    know("_load")


@patch("ultralytics.cfg", "check_cfg", "merge_equals_args")
def faulty_arguments(cfg: Any) -> None:
    """Arguments of a wrong type or outside their range, and lists that are not closed."""
    translate(cfg, "merge_equals_args", SyntaxError)
    translate(cfg, "check_cfg", TypeError, ValueError)


@patch("ultralytics.utils.checks", "check_file")
def faulty_files(checks: Any) -> None:
    """Files that are nowhere, such as `cfg=`, which the command reads before there is a model."""
    translate(checks, "check_file", FileNotFoundError)


@patch("ultralytics.utils.torch_utils", "select_device")
def faulty_devices(torch_utils: Any) -> None:
    """Devices that this machine has not."""
    translate(torch_utils, "select_device", ValueError)


@patch("ultralytics.engine.trainer", "BaseTrainer.build_optimizer")
def faulty_optimizers(trainer: Any) -> None:
    """Optimizers that there are none of."""
    translate(trainer.BaseTrainer, "build_optimizer", NotImplementedError)


@patch("ultralytics.data.build", "load_inference_source")
def faulty_sources(build: Any) -> None:
    """Sources of pictures that are not there, cannot be reached, or are none."""
    kinds = (FileNotFoundError, ConnectionError, NotImplementedError, TypeError, ValueError)
    translate(build, "load_inference_source", *kinds)


@patch("ultralytics.engine.exporter", "Exporter.__call__")
def faulty_exports(exporter: Any) -> None:
    """Formats that there are none of, and arguments that a format does not take."""
    translate(exporter.Exporter, "__call__", ValueError, AssertionError)


@patch("ultralytics.nn.autobackend", "AutoBackend.__init__")
def faulty_formats(autobackend: Any) -> None:
    """Files of weights in a format that is not known, and exported models that their runtime cannot read."""
    translate(autobackend.AutoBackend, "__init__", TypeError)
    init = autobackend.AutoBackend.__init__

    @replace(autobackend.AutoBackend, "__init__")
    def load(self: Any, model: Any = "yolo26n.pt", *args: Any, **kwargs: Any) -> None:
        try:
            init(self, model, *args, **kwargs)
        except (TintboxError, OSError, ImportError, MemoryError):
            raise
        except Exception as error:
            if not command.is_ours() or Path(str(model)).suffix in ("", ".pt"):
                raise
            raise TintboxError(f"{model}: cannot be loaded ({one_line(error)[:200]})") from error


@patch("ultralytics.data.loaders", "LoadImagesAndVideos.__next__")
def faulty_pictures(loaders: Any) -> None:
    """Pictures whose header claims more than OpenCV reads: it raises an error for them, where it passes others over."""
    import cv2

    following = loaders.LoadImagesAndVideos.__next__

    @replace(loaders.LoadImagesAndVideos, "__next__")
    def read(self: Any) -> Any:
        try:
            return following(self)
        except cv2.error as error:
            if not command.is_ours():
                raise
            why = one_line(error).partition("error: ")[2][:120]
            raise TintboxError(f"{self.files[self.count]}: cannot be read as a picture ({why})") from error
