"""Patches for the places where Ultralytics itself rejects a colouriser user's input.

Its checks raise plain `ValueError`, `TypeError` and so on, just as bugs do. This module lists which of its functions
check user input and which exceptions they raise for it; in a run of tintbox's task these become a `TintboxError`.
Other tasks keep their errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, TintboxFileError, one_line
from tintbox.plugins.host import command
from tintbox.plugins.host.table import patch, replace


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


@patch("ultralytics.engine.model", "Model._check_is_pytorch_model")
def faulty_models(engine: Any) -> None:
    """Exported models, where only a checkpoint will do."""
    translate(engine.Model, "_check_is_pytorch_model", TypeError)


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
