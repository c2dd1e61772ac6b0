"""What counts as a number, a whole number, a share, a word and a path."""

import math
from pathlib import Path

import numpy as np
import pytest

from tintbox.checks import as_path, as_python, is_number, is_path, is_there, is_whole, is_word

NO_NUMBERS = [True, False, None, "1", [1], {}, 1j, math.nan]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("check", [is_number, is_whole])
def test_what_is_no_number(check, value):
    assert check(value) is False


@pytest.mark.parametrize(
    ("value", "number", "whole", "share"),
    [
        (0, True, True, True),
        (1, True, True, True),
        (0.5, True, False, True),
        (2.0, True, False, False),
        (-1, True, True, False),
        (-1e-9, True, False, False),
        (1.7e308, True, False, False),
        (math.inf, False, False, False),
        (-math.inf, False, False, False),
        (10**400, False, True, False),  # no float holds it
    ],
)
def test_kinds(value, number, whole, share):
    assert (is_number(value), is_whole(value), is_number(value, 0, 1)) == (number, whole, share)


@pytest.mark.parametrize(("value", "inside"), [(31, False), (32, True), (64, True), (65, False)])
@pytest.mark.parametrize("check", [is_number, is_whole])
def test_limits_are_included(check, value, inside):
    assert check(value, 32, 64) is inside


def test_a_name_that_no_file_can_have_is_not_there(tmp_path):
    assert not is_there(tmp_path / "a\x00b") and not is_there(tmp_path / ("x" * 300))
    assert not is_there(tmp_path) and is_there(tmp_path, type(tmp_path).is_dir)


def test_the_home_folder_is_that_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # on Windows
    assert as_path("~/a") == as_path(Path("~/a")) == tmp_path / "a"
    assert as_path("a/~") == Path("a/~") and as_path("~no-user~/a") == Path("~no-user~/a")


def test_words_and_paths():
    assert is_word("a", ("a", "b")) and not is_word("c", ("a", "b")) and not is_word(1, ("a",))
    assert not is_word(np.array(["a", "b"]), ("a", "b"))  # `in` raises for an array
    assert is_path("a") and is_path(Path("a")) and not is_path(b"a") and not is_path(3) and not is_path(None)


def test_numpy_s_values_become_python_s_own():
    given = {"a": np.int64(3), np.float64(0.5): (np.str_("b"), [np.float32(2), np.bool_(True)]), "c": np.eye(2)}
    plain = as_python(given)
    assert plain == {"a": 3, 0.5: ("b", [2.0, True]), "c": [[1.0, 0.0], [0.0, 1.0]]}
    (_, key, *_), (a, (text, (number, flag)), *_) = plain, plain.values()
    assert [*map(type, (a, key, text, number, flag))] == [int, float, str, float, bool]
    assert type(as_python(np.array(["b"]))[0]) is str


def test_a_list_that_contains_itself_is_left_to_the_checks():
    endless = []
    endless.append(endless)
    assert as_python(endless) is endless
