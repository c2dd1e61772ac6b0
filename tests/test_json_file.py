"""JSON as plain data, within limits."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tintbox import json_file, limits
from tintbox.errors import TintboxError, TintboxFileError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
@settings(derandomize=True, deadline=None)
def test_plain_data_is_what_json_reads(tmp_path_factory, value):
    file = tmp_path_factory.getbasetemp() / "plain.json"
    file.write_text(json.dumps(value))
    assert json_file.read(file, 10**6) == value


BAD = {
    b"": r"no JSON \(Expecting value",
    b"{": r"no JSON \(",
    b"\xff\xfe\xff": r"no JSON \(",
    b"9" * 5000: r"no JSON \(Exceeds the limit \(4300 digits\)",
    b"[" * 100_000: "nested more than 50 deep$",
    b"[" * 52 + b"]" * 52: "nested more than 50 deep$",
    b"[" + b"1," * 2_000_001 + b"1]": "more than 2,000,000 values$",
    b" " * (5 * 10**6): "larger than 4,500,000 bytes.$",
}


@pytest.mark.parametrize("raw", BAD, ids=range(len(BAD)))
@pytest.mark.attack("files that eat the machine")
def test_what_is_no_json_is_told_in_one_line(tmp_path, raw):
    file = tmp_path / "a.json"
    file.write_bytes(raw)
    with pytest.raises(TintboxError, match=BAD[raw]) as refused:
        json_file.read(file, 4_500_000)
    assert str(refused.value).startswith(f"{file}: ") and "\n" not in str(refused.value)


def test_just_deep_enough(tmp_path):
    (tmp_path / "a.json").write_text("[" * limits.JSON_DEPTH + "]" * limits.JSON_DEPTH)
    json_file.read(tmp_path / "a.json", 1000)


def test_no_file(tmp_path):
    with pytest.raises(TintboxFileError, match="no such file"):
        json_file.read(tmp_path / "a.json", 10)
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path, tmp_path / "pipe.json"):
        with pytest.raises(TintboxError, match=r"cannot be read .*(a folder|a pipe or device), no file"):
            json_file.read(path, 10)
