"""YAML as plain data, within limits."""

import math
import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tintbox import limits, yaml_file
from tintbox.errors import TintboxError, TintboxFileError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_data_is_what_pyyaml_reads(value):
    text = yaml.safe_dump(value, allow_unicode=True)
    assert yaml_file.parse(text, "x") == yaml.safe_load(text)


def test_files(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: [1, .inf, 2026-01-02]\nb: &x {c: d}\ne: *x\n")
    assert yaml_file.read(file) == {"a": [1, math.inf, date(2026, 1, 2)], "b": {"c": "d"}, "e": {"c": "d"}}
    file.write_text("")
    assert yaml_file.read(file) is None


def test_an_argument_names_a_file_and_no_pattern(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a[1]*.yaml").write_text("1: x\n")
    assert yaml_file.read_mapping("data", "a[1]*.yaml") == (Path("a[1]*.yaml"), {"1": "x"})
    for key, name in (("cfg", "a*.yaml"), ("data", "b[1]*.yaml")):
        with pytest.raises(TintboxFileError, match=re.escape(f"{key}={name}: '{name}' does not exist; did you")):
            yaml_file.locate(key, name)


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
BAD = {  # what it says, as far as it is not the parser's own wording
    "a: [1": r"^x:\d:\d: no YAML \(.*expected",
    "a: 1\na: b: c": r"^x:2:5: no YAML \(mapping values are not allowed",
    "!!python/object/apply:os.system [ls]": r"^x:1:1: no YAML \(could not determine a constructor for.*os.system",
    "a: 1\n--- \nb: 2": r"^x:2:1: no YAML \(but found another document",
    "? [1]\n: 2": r"^x:1:3: no YAML \(found unhashable key",
    "9" * 5000: "^x:1: a number of more than 400 digits$",
    "a: !!int " + ":".join("1" * 500_000): "^x:1: a number of more than 400 digits$",
    "0: a\n" + "".join(f"{(2**61 - 1) * k}: 1\n" for k in range(1, 20_000)): "^x:2: a key of more than 18 digits$",
    "!!timestamp soon": r"^x: no YAML \(",
    "!!bool perhaps": r"^x: no YAML \(",
    '!!int ""': r"^x: no YAML \(",
    "2026-13-45": r"^x: no YAML \(month must be in 1..12",
    "&a [*a]": "^x:1: an alias that contains itself$",
    "[" * 900: "^x: lists and mappings are nested more than 50 deep$",
    "[" * 100_000: "^x.* nest",
    "".join(
        f"a{i}: &a{i} [*a{i - 1}]\n" if i else "a0: &a0 [x]\n" for i in range(300)
    ): "^x: .* 50 deep, aliases put in$",
    f"a: &a {'x' * 10**6}\nb: [{', '.join(['*a'] * 1000)}]": "^x: more than 100,000 values, aliases put in$",
    "- a\n" * 210_000: "^x: more than 100,000 values$",
    "- a\n" * 110_000: "^x: more than 100,000 values, aliases put in$",
    LAUGHS: "^x: more than 100,000 values, aliases put in$",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_what_is_no_yaml_is_told_in_one_line(text):
    with pytest.raises(TintboxError, match=BAD[text]) as refused:
        yaml_file.parse(text, "x")
    assert "\n" not in str(refused.value)


def test_any_float_may_be_a_key():
    content = {1 / 30: "neck", 0.1 * 3: "backbone", 1e300: 1, 5e-324: 2}
    assert yaml_file.parse(yaml.safe_dump(content), "x") == content


def test_bytes_that_are_no_text():
    with pytest.raises(TintboxError, match=r"^x: no YAML"):
        yaml_file.parse(b"a: \xff\xfe\x00", "x")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(TintboxFileError, match=r"argz\.yaml: no such file; did you mean 'args\.yaml'"):
        (tmp_path / "args.yaml").write_text("a: 1")
        yaml_file.read(tmp_path / "argz.yaml")
    with pytest.raises(TintboxError, match="cannot be read"):
        yaml_file.read(tmp_path)
    (tmp_path / "big.yaml").write_bytes(b"#" * (limits.YAML_BYTES + 1))
    with pytest.raises(TintboxError, match="larger than 2 MiB"):
        yaml_file.read(tmp_path / "big.yaml")


@pytest.mark.parametrize(
    ("file", "is_one"), [("a.yaml", True), (Path("b/c.yml"), True), ("d.pt", False), (None, False)]
)
def test_a_yaml_is_known_by_its_suffix(file, is_one):
    assert yaml_file.is_yaml(file) is is_one
