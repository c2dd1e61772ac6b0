"""The pickle of a classic checkpoint: none of its code runs, and none of its values takes memory or minutes."""

import os
import pickle
import struct
import zipfile

import pytest
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.anchor import unpickler
from tintbox.plugins.anchor.importing import import_legacy


class Evil:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_of_the_file_runs(classic, tmp_path, zipped):
    model, save = classic
    content = {"x": Evil(tmp_path / "ran"), "model": model}
    source = save(content, tmp_path / "evil.pt", _use_new_zipfile_serialization=zipped)
    why = rf"names {os.system.__module__}.system, .*nothing was loaded" if zipped else "format of PyTorch before 1.6"
    for load in (YOLO, lambda path: import_legacy(path, tmp_path / "new.pt")):
        with pytest.raises(TintboxError, match=why):
            load(source)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "new.pt").exists()


def text(value):
    return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()


def whole(value):
    return pickle.BININT + struct.pack("<i", value)


def tuple_of(*values):
    return pickle.MARK + b"".join(values) + pickle.TUPLE


def named(module, name):
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def tensor(*size):
    """The instructions of a tensor of integers from 0 on, whose storage has one."""
    storage = tuple_of(text("storage"), named("torch", "LongStorage"), text("0"), text("cpu"), whole(1))
    steps = [whole(1)] * len(size)
    words = tuple_of(storage + pickle.BINPERSID, whole(0), tuple_of(*map(whole, size)), tuple_of(*steps))
    return named("torch._utils", "_rebuild_tensor_v2") + words + pickle.REDUCE


def load(tmp_path, instructions):
    file = tmp_path / "w.pt"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", pickle.PROTO + b"\x02" + instructions + pickle.STOP)
        archive.writestr("a/data/0", bytes(8))
    return unpickler.read(file)


RECORD = named("models.yolo", "Model") + pickle.EMPTY_TUPLE + pickle.NEWOBJ
PAIR = tuple_of(whole(0), whole(1))


def test_lists_dicts_and_records_are_filled(tmp_path):
    pairs = pickle.MARK + text("a") + whole(3) + whole(7) + tensor(1) + pickle.SETITEMS
    found = load(tmp_path, pickle.EMPTY_DICT + pairs)
    assert found["a"] == 3 and found[7].tolist() == [0]
    state = pickle.EMPTY_DICT + text("nc") + pickle.EMPTY_LIST + whole(2) + pickle.APPEND + pickle.SETITEM
    assert load(tmp_path, RECORD + state + pickle.BUILD).state == {"nc": [2]}
    ordered = named("collections", "OrderedDict") + pickle.EMPTY_TUPLE + pickle.REDUCE
    assert load(tmp_path, ordered + text("a") + whole(1) + pickle.SETITEM) == {"a": 1}


@pytest.mark.attack("files that eat the machine")
@pytest.mark.parametrize(
    ("instructions", "why"),
    [
        (tensor(0) + tuple_of(tensor(0), whole(0), PAIR, PAIR) + pickle.BUILD, "has BUILD for something else"),
        (tensor(1) + tuple_of(tensor(1)) + whole(1) + pickle.SETITEM, "has SETITEM for something else"),
        (tensor(1) + pickle.MARK + whole(0) + whole(1) + pickle.SETITEMS, "has SETITEMS for something else"),
        (tensor(1) + pickle.BINPUT + b"\0" + PAIR + pickle.BUILD, "has BUILD for something else"),
        (named("torch._utils", "_rebuild_tensor_v2") + PAIR + pickle.BUILD, "has BUILD for something else"),
        (named("models.yolo", "Model") + pickle.EMPTY_DICT + pickle.BUILD, "has BUILD for something else"),
        (RECORD + whole(1) + pickle.APPEND, "has APPEND for something else"),
        (pickle.EMPTY_DICT + PAIR + whole(1) + pickle.SETITEM, "a tuple as the key"),
        (
            pickle.EMPTY_DICT + pickle.MARK + text("a") + whole(1) + PAIR + whole(1) + pickle.SETITEMS,
            "a tuple as the key",
        ),
        (pickle.LONG1 + b"\x09" + bytes(8) + b"\x7f", "an integer of more than 64 bits"),
    ],
)
def test_nothing_else_is_filled(tmp_path, instructions, why):
    with pytest.raises(TintboxError, match=why):
        load(tmp_path, instructions)
