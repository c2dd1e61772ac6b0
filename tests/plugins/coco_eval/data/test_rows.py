"""JSON files, and lists of JSON objects."""

import gc
import json
import os

import pytest

from tintbox.errors import TintboxError, TintboxFileError
from tintbox.plugins.coco_eval.data import rows


def test_collection_is_paused_and_goes_on():
    with pytest.raises(KeyError), rows.pause_collection():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


@pytest.mark.parametrize("raw", [b'{"a": [1, 2.5, "\xc3\xa4", null]}', b"[]", b'"x"', b"1e3"])
def test_json_is_that_of_python(raw):
    assert rows.parse(raw, "a.json") == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"a": 1,\n "b"}', "a.json:2:5: broken JSON"),
        (b'["\xff"]', "a.json:1: broken JSON"),
        (b'["\\ud800"]', "half a character"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "broken JSON"),
    ],
)
def test_broken_json_is_told_with_its_place(raw, message):
    with pytest.raises(TintboxError, match=message) as error:
        rows.parse(raw, "a.json")
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "preds.json").touch()
    with pytest.raises(TintboxFileError, match=r"no such file; did you mean 'preds\.json'"):
        rows.read_bytes(tmp_path / "pred.json")
    with pytest.raises(TintboxError, match="cannot be read"):
        rows.read_bytes(tmp_path)
    os.mkfifo(tmp_path / "pipe")  # without a writer, reading it would wait for ever
    with pytest.raises(TintboxError, match=r"cannot be read \(a pipe or device, no file\)"):
        rows.read_bytes(tmp_path / "pipe")
    with pytest.raises(TintboxError, match="no such file"):
        rows.read_bytes("a\0b")
