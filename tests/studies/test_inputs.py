"""Any input of a study: exit status 0, or one line and status 1, in short time, without changing existing files."""

import itertools
import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tintbox.errors import TintboxError
from tintbox.path_names import is_utf8
from tintbox.studies import checks, place
from tintbox.studies.grid import parse

from .conftest import GOOD, STEADY

pytestmark = pytest.mark.attack("study inputs")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("nested", "batch: " + "[" * 100 + "]" * 100, "nested more than 50 deep"),
        ("deeper", "batch: " + "[" * 100_000, "no YAML"),
        ("laughs", "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "\n".join(
            f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in itertools.pairwise("abcdefghi")
        ), "values"),
        ("cfg", "cfg: /etc/passwd", "cfg=/etc/passwd: give a YAML file"),
        ("cfg of nowhere", "cfg: nowhere.yaml", "nowhere.yaml"),
        ("a date", "batch: 2020-01-01", "batch"),
        ("bytes", "data: !!binary aGFsbG8=", "bytes is no value of an argument"),
        ("a set", "data: !!set {a, b}", "set is no value of an argument"),
        ("not a number", "lr0: [.nan, 0.1]", "lr0=nan: give a finite number"),
        ("without end", "time: .inf", "time=inf: give a finite number"),
        ("a large number", f"seed: [0, {'9' * 100}]", "beyond 2^63"),
        ("a larger number", f"seed: 0x{'f' * 8000}", "more than 400 digits"),
        ("a lone surrogate", 'data: "\\ud800.yaml"', ""),
        ("a zero byte", 'data: "a\\0b.yaml"', "zero byte"),
        ("two lines", 'data: "a\\nb.yaml"', "line break"),
        ("nothing", 'data: ""', "a value is missing"),
        ("an open bracket", "data: 'a[b.yaml'", "a bracket is not closed"),
        ("a tag", "data: !!python/object/apply:os.system [id]", "no YAML"),
        ("no key", "? [1, 2]\n: 3", ""),
        ("a list", "- 1", "give arguments of `yolo train`"),
        ("keys", "1: 2\nnull: 3", "is no argument of `yolo train`"),
        ("itself", "a: &a [*a]", "contains itself"),
        ("a long name", f"data: {'x' * 5000}.yaml", ""),
        ("a pattern", "data: '**.yaml'", "does not exist"),
        ("a task", "task: [[detect]]", "no such task"),
        ("a task that is none", "task: {a: b}", "no such task"),
        ("a model that is none", "model: {a: b}", "model="),
        ("a model of lists", "model: [[a]]", "model="),
    ],
)  # fmt: skip
def test_files_of_arguments(attempt, tmp_path, name, text, line):
    (tmp_path / "grid.yaml").write_text(text)
    assert line in attempt(*GOOD, "grid.yaml")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("model", "["), ("model", "- 1"), ("model", "nc: 3"), ("model", "head: 3"), ("model", "head: []"),
        ("model", "head: [1]"), ("model", "head: [[1, 2]]"), ("model", "head: " + "[" * 100 + "]" * 100),
        ("data", "["), ("data", "1"), ("data", "a: " + "{a: " * 60 + "1" + "}" * 60),
        ("cfg", "["), ("cfg", "- 1"), ("cfg", "lr0: abc"), ("cfg", "lr0: -1"), ("cfg", "nowhere: 1"), ("cfg", "1: 2"),
        ("cfg", "palette: [1]"),
    ],
)  # fmt: skip
def test_files_that_arguments_name(attempt, tmp_path, key, text):
    (tmp_path / "broken.yaml").write_text(text)
    assert "broken.yaml" in attempt(*GOOD, f"{key}=broken.yaml")


@pytest.mark.parametrize(
    "words",
    [
        ["data=it's.yaml"], ["data='it"], ["batch=[1,2"], ["batch=" + "(" * 5000 + ")" * 5000], ["seed=" + "9" * 5000],
        ["batch=1j"], ["batch=b'1'"], ["batch={1,2}"], ["batch=..."], ["data=a\\d.yaml"],
        ["data=" + "x" * 100_000 + ".yaml"],
        ["x" * 5000], ["x/" * 3000], ["./" + "x" * 300 + "/y"], ["name=" + "x" * 300], ["project=" + "x/" * 3000],
        ["batch=1,,2"], ["="], ["=="], ["data=\udcff.yaml"], ["name=\udcff"], ["batch=1,1.0,True"], ["mode=1"],
        ["cfg=/etc/passwd"], ["cfg=."], ["model=."], ["model=/"], ["pretrained=/etc/passwd"],
    ],
)  # fmt: skip
def test_words(attempt, words):
    attempt(*GOOD, *words)


def test_an_apostrophe_within_a_name_is_one(tmp_path):
    (tmp_path / "bee's.yaml").write_text("train: .\nval: .\nnames: [bee]\n")
    grid = parse([*GOOD, f"data={tmp_path}/bee's.yaml,fruitbowl.yaml"])
    checks.check_arguments(grid, many=False)
    assert [run.name for run in grid.runs()] == ["data_bee_s", "data_fruitbowl"]


@pytest.mark.parametrize("project", ["/proc/nowhere", "/dev/null", "/dev/full", "/sys"])
def test_folders_that_cannot_be_written(attempt, project):
    assert "give project=" in attempt(*GOOD, f"project={project}")


def test_a_grid_of_a_billion_runs_is_refused_before_it_is_built(attempt):
    thousand = ",".join(map(str, range(1000)))
    begun = time.monotonic()
    said = attempt(*GOOD, f"seed={thousand}", f"batch={thousand}", f"patience={thousand}")
    assert "1,000,000,000 runs (1000 seed x 1000 batch x 1000 patience) are more than 200" in said
    assert "more than a study can have" in attempt(
        *GOOD, f"seed={thousand}", f"batch={thousand}", f"patience={thousand}", "--yes"
    )
    assert time.monotonic() - begun < 10


def test_ten_thousand_runs_are_listed_in_seconds():
    begun = time.monotonic()
    hundred = ",".join(map(str, range(1, 101)))
    grid = parse([*GOOD, f"seed={hundred}", f"batch={hundred}"])
    assert checks.check_arguments(grid, many=True) == []
    names = [run.name for run in grid.runs()]
    assert len(set(names)) == 10_000
    assert grid.extends(grid)
    assert time.monotonic() - begun < 15


def test_names_are_numbered_in_linear_time_and_stay_apart():
    grid = parse(["freeze=" + ",".join(f"'a{' ' * i}b'" for i in range(1, 3000)) + ",a_b-2"])
    names = [run.name for run in grid.runs()]
    assert len(set(names)) == len(names)
    assert names[-1] == "freeze_a_b-2"
    assert max(len(name.encode()) for name in names) <= 255


NUMBERS = st.none() | st.booleans() | st.integers() | st.floats()
SCALARS = NUMBERS | st.text(max_size=20) | st.dates() | st.binary(max_size=5)
NAMES = st.text(max_size=5) | st.integers()
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
KEYS = st.sampled_from(
    ["batch", "lr0", "data", "model", "freeze", "unfreeze", "cfg", "name", "task", "seed", "palette"]
)


@STEADY
@given(found=st.dictionaries(KEYS | st.text(max_size=6), NESTED, max_size=4))
def test_any_yaml_is_a_grid_or_one_line(found, tmp_path):
    file = tmp_path / "any.yaml"
    try:
        file.write_text(yaml.safe_dump(found, allow_unicode=True), encoding="utf-8")
    except UnicodeEncodeError:
        return
    refused_or_written(tmp_path, [str(file)])


@STEADY
@given(words=st.lists(st.builds("{}={}".format, KEYS, st.text(max_size=30)) | st.text(max_size=12), max_size=4))
def test_any_words_are_a_grid_or_one_line(words, tmp_path):
    refused_or_written(tmp_path, words)


@STEADY
@given(raw=st.binary(max_size=60))
def test_any_bytes_are_a_grid_or_one_line(raw, tmp_path):
    (tmp_path / "any.yaml").write_bytes(raw)
    refused_or_written(tmp_path, [str(tmp_path / "any.yaml")])


def refused_or_written(folder, words):
    """A grid is rejected in one line, or survives writing and reading, and its checks report what is wrong."""
    try:
        grid = parse(words)
        checks.check_arguments(grid, many=False)
        place.write(folder, grid)
        assert place.read(folder) == grid
        json.dumps([dict(run.arguments) for run in grid.runs()])
    except TintboxError as error:
        assert is_utf8(str(error)) or any(not is_utf8(word) for word in words)
