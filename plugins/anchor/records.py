"""The pickle of a classic checkpoint, read into plain data, tensors and records: nothing that it names is imported.

Python's unpickler asks `Reader.find_class` for every class and function, and gets those of a table here: records, which
keep what they are given and can do nothing, and four functions that make a tensor of bytes in the file. Before that the
instructions are read without being followed, to refuse any that PyTorch does not write and any name not in the table.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import reprlib
from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tintbox import checkpoint_file
from tintbox.checkpoint_file import Archive
from tintbox.errors import TintboxError, one_line
from tintbox.limits import MODULE_NAME, MODULES, PICKLE_DEPTH, PICKLE_INSTRUCTIONS

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
INSTRUCTIONS = {  # of the pickles that PyTorch writes
    *("PROTO", "STOP", "MARK", "GLOBAL", "NEWOBJ", "REDUCE", "BUILD", "APPEND", "APPENDS", "SETITEM", "SETITEMS"),
    *("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "NONE", "NEWFALSE", "NEWTRUE"),
    *("BININT", "BININT1", "BININT2", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "LONG1", "BINPERSID"),
    *("BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT"),
}
# What Python's unpickler raises for a pickle that makes no sense.
DAMAGE = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    MemoryError,
)  # fmt: skip


class Record:
    """A stand-in for a class that a checkpoint names.

    Attributes:
        path: The full name of the class.
        state: What the object had as attributes.
    """

    path = ""
    state: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Record:
        """Make a record, whatever the arguments."""
        record = super().__new__(cls)
        record.state = {}
        return record

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        """Keep a state, as far as it is a mapping from texts."""
        if isinstance(state, dict):
            self.state = {key: value for key, value in state.items() if isinstance(key, str)}

    @property
    def name(self) -> str:
        """The class's own name."""
        return type(self).__name__

    def mapping(self, key: str) -> dict[Any, Any]:
        """Return a mapping of the state, empty if it is none or not there."""
        found = self.state.get(key)
        return found if isinstance(found, dict) else {}


def show(value: Any) -> str:
    """Return how an error shows a value of the file: short, in one line and without control characters."""
    if isinstance(value, Record):
        return f"a {value.name}"
    return ascii(one_line(value[:100]) if isinstance(value, str) else reprlib.repr(value))[1:-1][:100]


class OrderedRecord(dict[Any, Any]):
    """A stand-in for `collections.OrderedDict`, without attributes of its own."""

    def __setstate__(self, state: Any) -> None:
        """Forget a state, PyTorch's notes on versions."""


class Storage:
    """The numbers of a tensor, or of several.

    Attributes:
        numbers: One-dimensional.
    """

    def __init__(self, numbers: Tensor) -> None:
        self.numbers = numbers


def make_tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Tensor:
    """Return a view of a storage, as `torch._utils._rebuild_tensor_v2` does.

    Raises:
        TintboxError: It would reach beyond the storage, or have more numbers than that.
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
    """Return a tensor that had attributes, without them."""
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


class Reader(pickle.Unpickler):
    """Python's unpickler, with the table for its only classes and functions and the archive for its storages."""

    def __init__(self, raw: bytes, archive: Archive) -> None:
        super().__init__(io.BytesIO(raw), fix_imports=False, encoding="latin-1")
        self.archive = archive
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what stands for a class or function."""
        return find_stand_in(f"{module}.{name}")

    def persistent_load(self, pid: Any, /) -> Storage:
        """Return a storage."""
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not isinstance(key, str):
            raise TintboxError("a storage in it is described by something else than PyTorch's words")
        if key not in self.storages:
            size = self.archive.size(f"data/{key}")
            if type(count) is not int or size != count * dtype.itemsize:
                raise TintboxError("a storage in it has another size than its description")
            raw = self.archive.read(f"data/{key}", size)
            if len(raw) != size:
                raise TintboxError("a storage in it is not complete")
            self.storages[key] = torch.frombuffer(bytearray(raw), dtype=torch.uint8) if raw else torch.empty(0)
        numbers = self.storages[key]
        return Storage(numbers.view(dtype) if len(numbers) else torch.empty(0, dtype=dtype))


def find_stand_in(path: str) -> Any:
    """Return what stands for a class or function.

    Raises:
        TintboxError: It is not in the table.
    """
    if path not in TABLE:
        what = show(path)
        raise TintboxError(f"it names {what}, which is no layer of a YOLOv3 or YOLOv5 detector; nothing was loaded")
    return TABLE[path]


def check(raw: bytes) -> None:
    """Follow a pickle's instructions as far as the depth of what they build, and build nothing.

    A tuple of tuples of tuples ... would exhaust the stack when it becomes the key of a mapping.

    Raises:
        TintboxError: There are too many of them, one that PyTorch does not write, one that names what is not in the
            table, or one that builds too deep.
        ValueError: It is no pickle.
    """
    depths: list[Any] = []  # of what is on the unpickler's stack; a mark is None
    memory: dict[int, int] = {}
    for count, (code, value, _) in enumerate(pickletools.genops(raw)):
        if count >= PICKLE_INSTRUCTIONS:
            raise TintboxError(f"its pickle has more than {PICKLE_INSTRUCTIONS:,} instructions")
        if code.name not in INSTRUCTIONS:
            raise TintboxError(f"its pickle has the instruction {code.name}, which PyTorch does not write")
        if code.name == "GLOBAL":
            find_stand_in(str(value).replace(" ", ".", 1))
        if code.name.endswith("PUT"):
            if not isinstance(value, int) or value > count:
                raise TintboxError("its pickle keeps something at a place far beyond the others")
            memory[value] = depths[-1] or 0
            continue
        if code.name.endswith("GET"):
            depths.append(memory[int(str(value))])
            continue
        taken = _take(depths, code)
        depth = 1 + max(taken, default=0) if code.name.startswith("TUPLE") else 0
        if depth > PICKLE_DEPTH:
            raise TintboxError(f"its pickle has tuples inside each other more than {PICKLE_DEPTH} deep")
        depths += [None if made is pickletools.markobject else depth for made in code.stack_after]


def _take(depths: list[Any], code: Any) -> list[int]:
    """Take what an instruction takes from the stack; raise an IndexError if it is not there."""
    taken = []
    if pickletools.markobject in code.stack_before:
        while (depth := depths.pop()) is not None:
            taken.append(depth)
    for needed in code.stack_before:
        if needed is pickletools.markobject:
            break
        taken.append(depths.pop() or 0)
    return taken


def read(path: Path) -> Any:
    """Return what a PyTorch file holds: tensors, plain containers and records.

    Raises:
        TintboxError: The file cannot be read, is damaged, or names something that is not in the table.
    """
    if not checkpoint_file.is_zip(path):
        raise TintboxError(
            f"{path} has the format of PyTorch before 1.6, which cannot be read safely; load and save it once with the "
            "classic code and a later PyTorch"
        )
    with checkpoint_file.open_checkpoint(path) as archive:
        raw = archive.pickle()
        try:
            if archive.size("byteorder") and archive.read("byteorder", 10) != b"little":
                raise TintboxError("its numbers are in the byte order of another machine")
            check(raw)
            return Reader(raw, archive).load()
        except TintboxError as error:
            text = one_line(error).removeprefix(f"{path}: ")
            raise TintboxError(f"{path}: {text}") from None
        except DAMAGE as error:
            raise TintboxError(f"{path}: damaged, or more than layers and numbers ({show(str(error))})") from None


def walk(record: Record) -> Iterator[tuple[str, Record]]:
    """Yield the name and record of every module below one, as `named_modules` would.

    Raises:
        TintboxError: There are more than a detector has, as there are if they contain each other.
    """
    waiting = [("", record)]
    for count, (prefix, parent) in enumerate(waiting):
        if count:
            yield prefix.removesuffix("."), parent
        for name, child in parent.mapping("_modules").items():
            if isinstance(child, Record) and isinstance(name, str):
                if len(waiting) > MODULES or len(prefix) + len(name) > MODULE_NAME:
                    raise TintboxError(f"it has more than {MODULES:,} modules, or one with a very long name")
                waiting.append((f"{prefix}{name}.", child))


def tensors(modules: Mapping[str, Record]) -> dict[str, Tensor]:
    """Return the parameters and buffers of modules, by their full names.

    Raises:
        TintboxError: There are more than a detector has.
    """
    found: dict[str, Tensor] = {}
    for name, record in modules.items():
        for key, value in [*record.mapping("_parameters").items(), *record.mapping("_buffers").items()]:
            if isinstance(value, Tensor) and isinstance(key, str):
                found[f"{name}.{key[:MODULE_NAME]}"] = value
        if len(found) > MODULES:
            raise TintboxError(f"it has more than {MODULES:,} tensors")
    return found
