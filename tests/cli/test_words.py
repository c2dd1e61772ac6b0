"""Arguments of a command: keys with values, and paths."""

import pytest

from tintbox.cli import words
from tintbox.errors import TintboxError


def test_values_are_yaml_or_text():
    known = {"n": 2, "images": None, "out": "show.png"}
    assert words.arguments(["n=5", "images=[a, b]"], known) == {"n": 5, "images": ["a", "b"], "out": "show.png"}
    assert words.arguments(["out=a[b.png"], known)["out"] == "a[b.png"
    assert words.arguments(["out=a=b"], known)["out"] == "a=b"


@pytest.mark.parametrize(
    ("word", "message"),
    [("n", "'n' is no argument; write key=value"), ("image=a", r"'image' is no argument here.*did you mean 'images'")],
)
def test_words_that_are_none(word, message):
    with pytest.raises(TintboxError, match=message):
        words.arguments([word], {"n": 2, "images": None})


def test_paths_are_told_from_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr0=1").mkdir()
    assert words.paths_of(["runs/a", "lr0=1", "n=2"]) == (["runs/a", "lr0=1"], ["n=2"])


def test_a_table_shows_brackets_as_they_are(capsys):
    words.table("title", {"a": "left", "b": "right"}, [["[bold]x", "1"]])
    assert "[bold]x" in capsys.readouterr().out
