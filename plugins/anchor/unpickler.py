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
from typing import Any

import torch
from torch import Tensor

from tintbox import checkpoint_archive, checkpoint_file
from tintbox.checkpoint_archive import Archive
from tintbox.errors import TintboxError, name_file
from tintbox.limits import PICKLE_DEPTH
from tintbox.plugins.anchor.records import show
from tintbox.plugins.anchor.stand_ins import Storage, find_stand_in

INSTRUCTIONS = {  # in the pickles that PyTorch writes
    *("PROTO", "STOP", "MARK", "GLOBAL", "NEWOBJ", "REDUCE", "BUILD", "APPEND", "APPENDS", "SETITEM", "SETITEMS"),
    *("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "NONE", "NEWFALSE", "NEWTRUE"),
    *("BININT", "BININT1", "BININT2", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "LONG1", "BINPERSID"),
    *("BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT"),
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


def check(raw: bytes) -> None:
    """Scan a pickle's instructions and track the nesting depth of the values they would build, without building any.

    Deeply nested tuples would exhaust the stack when used as the key of a mapping.

    Raises:
        TintboxError: There are too many instructions, or one that PyTorch does not write, that names something not in
            the table, or that nests too deeply.
        ValueError: It is not a pickle.
    """
    depths: list[Any] = []  # of the values on the unpickler's stack; a mark is None
    memory: dict[int, int] = {}
    for count, (code, value) in enumerate(checkpoint_file.instructions(raw)):
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
    """Pop the operands of an instruction from the stack; raise an IndexError if they are missing."""
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
