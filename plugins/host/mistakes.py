"""Patches for the places where Ultralytics itself rejects a colouriser user's input.

Its checks raise plain `ValueError`, `TypeError` and so on, just as bugs do. This module lists which of its functions
check user input and which exceptions they raise for it; in a run of tintbox's task these become a `TintboxError`.
Other tasks keep their errors.
"""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, TintboxFileError, one_line
from tintbox.plugins.host import command
from tintbox.plugins.host.table import patch, replace

SOURCES = (FileNotFoundError, ConnectionError, NotImplementedError, TypeError, ValueError)
# What a user gives wrongly, and the function that reports it, in its module, with which exceptions.
REJECTED = (
    ("arguments of the wrong type or out of range", "ultralytics.cfg", "check_cfg", (TypeError, ValueError)),
    ("unclosed lists", "ultralytics.cfg", "merge_equals_args", SyntaxError),
    ("missing files, such as cfg=, which is read first", "ultralytics.utils.checks", "check_file", FileNotFoundError),
    ("files of another kind", "ultralytics.utils.checks", "check_suffix", AssertionError),
    ("devices that this machine lacks", "ultralytics.utils.torch_utils", "select_device", ValueError),
    ("unknown optimizers", "ultralytics.engine.trainer", "BaseTrainer.build_optimizer", NotImplementedError),
    ("formats and their arguments", "ultralytics.engine.exporter", "Exporter.__call__", (ValueError, AssertionError)),
    ("exported models", "ultralytics.engine.model", "Model._check_is_pytorch_model", TypeError),
    ("weights in an unknown format", "ultralytics.nn.autobackend", "AutoBackend.__init__", TypeError),
    ("missing, unreachable or invalid images", "ultralytics.data.build", "load_inference_source", SOURCES),
)


def translate(what: str, module: str, function: str, kinds: Any) -> None:
    """Register the patch that reports ``what`` in a run of tintbox's task as a `TintboxError` with the same text."""
    owner, _, name = function.rpartition(".")

    def translated(found: Any) -> None:
        @replace(attrgetter(owner)(found) if owner else found, name)
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

    translated.__name__, translated.__doc__ = f"mistakes_in_{function}", f"Report {what}."
    patch(module, function)(translated)


for _row in REJECTED:
    translate(*_row)


@patch("ultralytics.nn.autobackend", "AutoBackend.__init__")
def faulty_formats(autobackend: Any) -> None:
    """Exported models that their runtime cannot read: it raises whatever it likes."""

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
