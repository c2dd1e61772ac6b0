"""Safe reading of a classic checkpoint's pickle into plain data, tensors and records; nothing it names is imported.

Python's unpickler requests every class and function from `Reader.find_class`, which takes them from a table: records,
and functions that make a tensor from bytes in the file. Before that, the instructions are scanned without executing
them, to refuse any that PyTorch does not write and any name that is not in the table.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tintbox import checkpoint_archive, checkpoint_file
from tintbox.checkpoint_archive import Archive
from tintbox.errors import TintboxError, name_file
from tintbox.limits import PICKLE_BITS, PICKLE_DEPTH
from tintbox.plugins.anchor.records import Record, show
from tintbox.plugins.anchor.stand_ins import OrderedRecord, Storage, find_stand_in

INSTRUCTIONS = {  # in the pickles that PyTorch writes
    *("PROTO", "STOP", "MARK", "GLOBAL", "NEWOBJ", "REDUCE", "BUILD", "APPEND", "APPENDS", "SETITEM", "SETITEMS"),
    *("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "NONE", "NEWFALSE", "NEWTRUE"),
    *("BININT", "BININT1", "BININT2", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "LONG1", "BINPERSID"),
    *("BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT"),
}
EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
FILLED: dict[str, type | tuple[type, ...]] = {
    "APPEND": list,
    "APPENDS": list,
    "SETITEM": dict,
    "SETITEMS": dict,
    "BUILD": (Record, OrderedRecord),
}
# Exceptions that Python's unpickler raises for an invalid pickle.
DAMAGE = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    MemoryError,
)  # fmt: skip


class Reader(pickle.Unpickler):
    """Python's unpickler, limited to the table's classes and functions, with storages from the archive."""

    def __init__(self, raw: bytes, archive: Archive) -> None:
        super().__init__(io.BytesIO(raw), fix_imports=False, encoding="latin-1")
        self.archive = archive
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        """Return the stand-in for a class or function."""
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


class Value(NamedTuple):
    """What is known of a value on the unpickler's stack before there are values: its type, and how deep tuples nest.

    Attributes:
        kind: Its type; None if it does not matter.
        depth: Tuples inside each other in it.
        named: The stand-in that it is, if it is one.
    """

    kind: type | None = None
    depth: int = 0
    named: Any = None


def check(raw: bytes) -> None:
    """Scan a pickle's instructions and track the types of the values they would build, without building any.

    Only lists, dicts and records may be filled: to fill a tensor would call methods of it that allocate memory, or
    compute for minutes. Keys of a dict must have hashes that a file cannot make equal by the thousands, which those of
    tuples and of huge integers can.

    Raises:
        TintboxError: There are too many instructions, or one that PyTorch does not write, that names something not in
            the table, that fills something else, or that nests too deeply.
        ValueError: It is not a pickle.
    """
    stack: list[Value | None] = []  # a mark is None
    memory: dict[int, Value] = {}
    for count, (code, argument) in enumerate(checkpoint_file.instructions(raw)):
        name = code.name
        if name not in INSTRUCTIONS:
            raise TintboxError(f"its pickle has the instruction {name}, which PyTorch does not write")
        if name == "LONG1" and argument.bit_length() > PICKLE_BITS:
            raise TintboxError(f"its pickle has an integer of more than {PICKLE_BITS} bits")
        if name.endswith("PUT"):
            if not isinstance(argument, int) or argument > count:
                raise TintboxError("its pickle keeps something at a place far beyond the others")
            memory[argument] = stack[-1] or Value()
        elif name.endswith("GET"):
            stack.append(memory[int(str(argument))])
        else:
            taken = _take(stack, code)
            made = Value()
            if name == "GLOBAL":
                made = Value(named=find_stand_in(str(argument).replace(" ", ".", 1)))
            elif name.startswith("TUPLE"):
                made = Value(tuple, 1 + max((value.depth for value in taken), default=0))
            elif name in ("NEWOBJ", "REDUCE"):
                called = taken[-1].named
                made = Value(called if isinstance(called, type) else None)
            elif name in FILLED:
                made = taken[-1]
                _check_filled(name, made, taken[1:-1:2] if name.startswith("SETITEM") else [])
            elif name in EMPTY:
                made = Value(EMPTY[name])
            if made.depth > PICKLE_DEPTH:
                raise TintboxError(f"its pickle has tuples inside each other more than {PICKLE_DEPTH} deep")
            stack += [None if after is pickletools.markobject else made for after in code.stack_after]


def _check_filled(name: str, target: Value, keys: list[Value]) -> None:
    """Check that an instruction fills what it may, with keys that a dict may have."""
    if target.kind is None or not issubclass(target.kind, FILLED[name]):
        raise TintboxError(f"its pickle has {name} for something else than PyTorch's lists, dicts and objects")
    if any(key.kind is tuple for key in keys):
        raise TintboxError("its pickle has a tuple as the key of a dict")


def _take(stack: list[Value | None], code: Any) -> list[Value]:
    """Pop the operands of an instruction from the stack, last first; raise an IndexError if they are missing."""
    taken = []
    if pickletools.markobject in code.stack_before:
        while (value := stack.pop()) is not None:
            taken.append(value)
    for needed in code.stack_before:
        if needed is pickletools.markobject:
            break
        taken.append(stack.pop() or Value())
    return taken


def read(path: Path) -> Any:
    """Return the content of a PyTorch file: tensors, plain containers and records.

    Raises:
        TintboxError: The file cannot be read, is damaged, or names something that is not in the table.
    """
    if not checkpoint_archive.is_zip(path):
        raise TintboxError(
            f"{path} has the format of PyTorch before 1.6, which cannot be read safely; load and save it once with the "
            "classic code and a later PyTorch"
        )
    with name_file(path), checkpoint_archive.open_checkpoint(path) as archive:
        raw = archive.pickle()
        try:
            if archive.size("byteorder") and archive.read("byteorder", 10) != b"little":
                raise TintboxError("its numbers are in the byte order of another machine")
            check(raw)
            return Reader(raw, archive).load()
        except TintboxError:
            raise
        except DAMAGE as error:
            raise TintboxError(f"damaged, or more than layers and numbers ({show(str(error))})") from None
