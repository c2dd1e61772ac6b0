"""Stand-ins for the classes and functions that a classic checkpoint names: records, and functions that make tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from tintbox.errors import TintboxError
from tintbox.plugins.anchor.records import Record, show

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
DATA = {  # other contents of a training checkpoint, which are not used
    "numpy": "dtype ndarray float64 float32 int64",
    "numpy.core.multiarray": "scalar _reconstruct",
    "numpy._core.multiarray": "scalar _reconstruct",
    "pathlib": "PosixPath WindowsPath PurePosixPath",
    "pathlib._local": "PosixPath WindowsPath PurePosixPath",  # their module in Python 3.13
    "argparse": "Namespace",
    "datetime": "datetime date",
    "_codecs": "encode",
    "collections": "Counter",
    "__builtin__": "set",
    "builtins": "set",
    "torch": "Size device float16 float32 float64",
}
STORAGES = {
    "FloatStorage": torch.float32, "HalfStorage": torch.float16, "DoubleStorage": torch.float64,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip


class OrderedRecord(dict[Any, Any]):
    """A stand-in for `collections.OrderedDict` without attributes."""

    def __setstate__(self, state: Any) -> None:
        """Ignore the state, which is PyTorch's version metadata."""


@dataclass
class Storage:
    """The numbers of one or more tensors, one after another."""

    numbers: Tensor


def make_tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Tensor:
    """Return a view of a storage, like `torch._utils._rebuild_tensor_v2`.

    Raises:
        TintboxError: It would reach beyond the storage, or have more elements than the storage.
    """
    counts = (offset, *size, *stride)
    if (
        not isinstance(storage, Storage)
        or len(counts) > 17
        or not all(type(n) is int and 0 <= n < 1 << 40 for n in counts)
    ):
        raise TintboxError("a tensor in it is described by something else than a storage and numbers")
    numbers = storage.numbers.numel()
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    if len(size) != len(stride) or (0 not in size and last >= numbers):
        raise TintboxError(f"a tensor in it of shape {tuple(size)} reaches beyond its {numbers} numbers")
    if prod(size) > numbers:
        raise TintboxError(f"a tensor in it of shape {tuple(size)} is expanded from {numbers} numbers")
    return torch.as_strided(storage.numbers, size, stride, offset)


def make_parameter(tensor: Any, *rest: Any) -> Tensor:
    """Return the tensor of a parameter."""
    if not isinstance(tensor, Tensor):
        raise TintboxError("a parameter in it is no tensor")
    return tensor


def make_from_type(function: Any, kind: Any, arguments: Any, *rest: Any) -> Tensor:
    """Return a tensor that was saved with attributes, without them."""
    if function not in (make_tensor, make_parameter):
        raise TintboxError("a tensor in it is made by something else than a tensor's functions")
    return function(*arguments)


def _table() -> dict[str, Callable[..., Any] | type | torch.dtype]:
    paths = [f"models.{module}.{name}" for module in ("common", "experimental") for name in COMMON.split()]
    paths += [f"models.yolo.{name}" for name in ("Model", "DetectionModel", "BaseModel", "Detect")]
    paths += [f"utils.activations.{name}" for name in ("Hardswish", "SiLU", "Mish", "MemoryEfficientMish")]
    paths += [f"torch.nn.modules.{module}.{name}" for module, names in TORCH.items() for name in names.split()]
    paths += [f"{module}.{name}" for module, names in DATA.items() for name in names.split()]
    table: dict[str, Any] = {path: type(path.rpartition(".")[2], (Record,), {"path": path}) for path in paths}
    table |= {f"torch.{name}": dtype for name, dtype in STORAGES.items()}
    return {
        **table,
        "collections.OrderedDict": OrderedRecord,
        "torch._utils._rebuild_tensor": make_tensor,
        "torch._utils._rebuild_tensor_v2": make_tensor,
        "torch._utils._rebuild_parameter": make_parameter,
        "torch._utils._rebuild_parameter_with_state": make_parameter,
        "torch._tensor._rebuild_from_type_v2": make_from_type,
    }


TABLE = _table()


def find_stand_in(path: str) -> Any:
    """Return the stand-in for a class or function.

    Raises:
        TintboxError: It is not in the table.
    """
    if path not in TABLE:
        what = show(path)
        raise TintboxError(f"it names {what}, which is no layer of a YOLOv3 or YOLOv5 detector; nothing was loaded")
    return TABLE[path]
