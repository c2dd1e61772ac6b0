"""Checks of Ultralytics' own arguments: values that it accepts but that would make a colouriser's run fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tintbox.checks import is_there, is_whole
from tintbox.colorization.data import check_size
from tintbox.errors import TintboxError

STRIDE = 32


def is_batch(value: Any) -> bool:
    """Return whether a value is a number of images or a share of the memory (a fraction, or -1)."""
    return is_whole(value, -1) or (isinstance(value, float) and 0 < value < 1)


def is_checkpoint(value: Any) -> bool:
    """Return whether ``resume`` is a bool or names an existing file: any other text would resume another run."""
    return isinstance(value, bool) or (isinstance(value, (str, Path)) and (not value or is_there(Path(value))))


WIDTHS = {"16", "32", "fp16", "fp32", "w16a16", "w32a32"}  # of weights, as `quantize` names them

# Argument, modes of the `yolo` command, whether a value is accepted there, and the words for one that is not.
RULES: tuple[tuple[str, tuple[str, ...], Callable[[Any], bool], str], ...] = (
    ("batch", ("predict", "export"), lambda value: is_whole(value, 1), "give 1 or more images"),
    ("batch", ("train", "val"), is_batch, "give a number of images, e.g. batch=16"),
    ("seed", ("train",), lambda value: is_whole(value, 0, 2**32 - 1), "give a number from 0 to 4294967295"),
    ("resume", ("train",), is_checkpoint, "no such file; give the last.pt of a run, or resume=True model=LAST.pt"),
    ("opset", ("export",), lambda value: is_whole(value, 0, 23), "give an opset of ONNX, e.g. opset=17"),
    ("quantize", ("export",), lambda v: str(v).lower() in WIDTHS, "colourisers are exported with quantize=16 or 32"),
    ("int8", ("export",), lambda value: not value, "colourisers are exported with half=True or as they are"),
)


def check(mode: str, arguments: Mapping[str, Any]) -> None:
    """Check the arguments of a colouriser's run.

    Raises:
        TintboxError: If a value is not accepted (one line that names the argument and the accepted values), or a
            colouriser does not support the mode.
    """
    if mode == "track":
        raise TintboxError("a colouriser finds no objects that could be tracked; `yolo colorize predict` takes videos")
    for name, modes, fits, words in RULES:
        value = arguments.get(name)
        if mode in modes and value is not None and not fits(value):
            raise TintboxError(f"{name}={value}: {words}")
    if mode == "predict" and arguments.get("imgsz") is not None:
        check_size(arguments["imgsz"], STRIDE)
