"""Classic YOLOv3 and YOLOv5 checkpoints: read by a restricted unpickler that runs nothing of the file's.

PyTorch's `weights_only` unpickler builds tensors and plain containers. For the layers it finds stand-ins here, records
without any code; whatever else a file names is refused by name before anything is built.
"""

from __future__ import annotations

import pickle
import threading
import zipfile
from pathlib import Path
from typing import Any

import torch

from tintbox import checkpoint_file
from tintbox.errors import TintboxError, one_line

COMMON = (
    "Conv DWConv Focus Concat SPP SPPF Bottleneck BottleneckCSP C3 C3x C3TR C3SPP C3Ghost CrossConv GhostConv "
    "GhostBottleneck TransformerLayer TransformerBlock Contract Expand Sum MixConv2d DWConvTranspose2d AutoShape"
)
TORCH = {
    "conv": "Conv2d ConvTranspose2d",
    "batchnorm": "BatchNorm2d",
    "activation": "SiLU LeakyReLU ReLU ReLU6 Hardswish Mish Sigmoid MultiheadAttention",
    "container": "Sequential ModuleList",
    "pooling": "MaxPool2d AdaptiveAvgPool2d",
    "upsampling": "Upsample",
    "padding": "ZeroPad2d",
    "linear": "Linear Identity NonDynamicallyQuantizableLinear",
    "normalization": "LayerNorm",
    "dropout": "Dropout",
    "flatten": "Flatten",
}
DATA = {  # what lies in a training checkpoint beside the model; its content is not used
    "numpy": "dtype ndarray float64 float32 int64",
    "numpy.core.multiarray": "scalar _reconstruct",
    "numpy._core.multiarray": "scalar _reconstruct",
    "pathlib": "PosixPath WindowsPath PurePosixPath",
    "pathlib._local": "PosixPath WindowsPath PurePosixPath",  # where Python 3.13 has them
    "argparse": "Namespace",
    "datetime": "datetime date",
    "_codecs": "encode",
}


class Record:
    """A stand-in for a class that a checkpoint names: it keeps what it is given and can do nothing.

    Attributes:
        path: The full name of the class.
    """

    path = ""

    def __new__(cls, *args: Any, **kwargs: Any) -> Record:
        """Make a record, whatever the arguments."""
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        """Keep a state, if it is a mapping from names."""
        if isinstance(state, dict):
            self.__dict__.update(state)


def _stand_ins() -> dict[str, type[Record]]:
    paths = [f"models.{module}.{name}" for module in ("common", "experimental") for name in COMMON.split()]
    paths += [f"models.yolo.{name}" for name in ("Model", "DetectionModel", "BaseModel", "Detect")]
    paths += [f"utils.activations.{name}" for name in ("Hardswish", "SiLU", "Mish", "MemoryEfficientMish")]
    paths += [f"torch.nn.modules.{module}.{name}" for module, names in TORCH.items() for name in names.split()]
    paths += [f"{module}.{name}" for module, names in DATA.items() for name in names.split()]
    return {path: type(path.rpartition(".")[2], (Record,), {"path": path}) for path in paths}


STAND_INS = _stand_ins()
DAMAGE = (
    pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, TypeError, KeyError, AttributeError,
    AssertionError, IndexError, zipfile.BadZipFile,
)  # fmt: skip
LOCK = threading.Lock()  # PyTorch keeps what it may build in one place for the whole process


def read(path: Path) -> Any:
    """Return what a PyTorch file holds: tensors, plain containers and records.

    Raises:
        TintboxError: The file is damaged, or names something that is not on the list; then nothing is built.
    """
    if not hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint"):
        raise TintboxError(f"{path}: reading it safely takes PyTorch 2.6 or later, this is {torch.__version__}")
    if not zipfile.is_zipfile(path):
        raise TintboxError(
            f"{path} has the format of PyTorch before 1.6, which cannot be read safely; load and save it once with the "
            "classic code and a later PyTorch"
        )
    entries: list[Any] = [(stand_in, name) for name, stand_in in STAND_INS.items()]
    try:
        with LOCK, torch.serialization.safe_globals(entries):
            for name in torch.serialization.get_unsafe_globals_in_checkpoint(path):
                raise TintboxError(
                    f"{path} names {name}, which is no layer of a YOLOv3 or YOLOv5 detector; nothing was loaded"
                )
            return torch.load(path, map_location="cpu", weights_only=True)
    except TintboxError:
        raise
    except DAMAGE as error:
        text = one_line(error)[:200]
        raise TintboxError(f"{path}: damaged, or more than layers and numbers ({text}); nothing was loaded") from None


def checkpoint(path: Path) -> dict[str, Any]:
    """Return a classic checkpoint in the form of a current one, its model built from Ultralytics' modules.

    Raises:
        TintboxError: It is no classic checkpoint, or of an architecture that cannot be built.
    """
    from tintbox.plugins.anchor.conversion import convert

    try:
        checkpoint_file.head(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise TintboxError(f"{path}: damaged or truncated ({one_line(error)})") from None
    if not checkpoint_file.is_classic(path):
        raise TintboxError(
            f"{path}: no classic YOLOv3 or YOLOv5 checkpoint (its pickle names neither models.yolo nor models.common); "
            "a current one needs no import"
        )
    content = read(path)
    classic = (content.get("ema") or content.get("model")) if isinstance(content, dict) else content
    if not isinstance(classic, Record) or classic.path not in ("models.yolo.Model", "models.yolo.DetectionModel"):
        what = getattr(classic, "path", type(classic).__name__)
        raise TintboxError(f"{path} holds a {what}; give the checkpoint of a detection model")
    return {"model": convert(classic, path), "train_args": {}, "epoch": -1}
