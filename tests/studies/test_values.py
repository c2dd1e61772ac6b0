"""Values in a study's arguments, compared to their meaning in Python."""

from pathlib import Path

import pytest

from tintbox.errors import TintboxError
from tintbox.studies import values


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("1,2", ["1", "2"]),
        ("[1,2],[3]", ["[1,2]", "[3]"]),
        ("{5: [a,b]},none", ["{5: [a,b]}", "none"]),
        ("'a,b',c", ["'a,b'", "c"]),
        ("it's,x", ["it's", "x"]),
    ],
)
def test_outer_commas_separate(given, parts):
    assert values.split("k", given) == parts


@pytest.mark.parametrize(
    ("given", "message"),
    [("[1", "a ']' is missing"), ("'a", "a ''' is missing"), ("", "empty"), ("1,,2", "beside a comma")],
)
def test_lists_that_are_none(given, message):
    with pytest.raises(TintboxError, match=message):
        values.split("k", given)


@pytest.mark.parametrize(
    ("given", "value"),
    [("1", 1), ("1e-3", 0.001), ("True", True), ("none", None), ("(1, 2)", [1, 2]), ("yolo.pt", "yolo.pt"), ("'3'", 3)],
)
def test_a_value_is_read_as_yolo_reads_it(given, value):
    found = values.read_value(given)
    assert found == value and type(found) is type(value)


def test_a_path_is_its_text():
    assert values.check("data", [Path("my.yaml"), "b"]) == ["my.yaml", "b"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("2024_05", "2024_05"), ("1e3", "1e3"), (Path("83"), "83"), ("true", "true"), ("1,2", "1,2"), ("'10'", "10"),
        ("none", None), (None, None), ("a.yaml", "a.yaml"), ("./a", "./a"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["data", "name"])
def test_a_path_is_no_number(key, given, path):
    assert values.check(key, given) == path


def test_a_path_may_begin_at_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # on Windows
    for given in ("~/d.yaml", Path("~/d.yaml")):
        assert values.check("data", given) == str(tmp_path / "d.yaml")


def test_equal_values_are_one_key():
    assert values.as_hashable({"a": [1, {"b": 2}]}) == values.as_hashable({"a": (1, {"b": 2.0})})
    assert values.as_hashable([1]) != values.as_hashable({1: None}) and hash(values.as_hashable({5: ["x"]}))


def test_a_file_is_shown_by_its_name():
    assert values.text("/data/my.yaml") == "my.yaml" and values.text(0.1) == "0.1"


def test_files_of_one_name_are_told_apart():
    models = ["a/best.pt", "b/best.pt", "c/x.pt", None]
    shown = values.texts([{"model": model, "data": "/data/my.yaml"} for model in models])
    assert [one["model"] for one in shown] == ["a/best.pt", "b/best.pt", "x.pt", "None"]
    assert {one["data"] for one in shown} == {"my.yaml"}
    assert values.texts([{"freeze": 10}, {"freeze": ["a/b"]}]) == [{"freeze": "10"}, {"freeze": "['a/b']"}]
    assert values.texts([{}, {}]) == [{}, {}]
