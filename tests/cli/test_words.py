"""Arguments of a command that are paths, and tables."""

import pytest

from tintbox.cli import words


def test_paths_are_told_from_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr0=1").mkdir()
    assert words.paths_of(["runs/a", "lr0=1", "n=2"]) == (["runs/a", "lr0=1"], ["n=2"])


@pytest.mark.parametrize("cell", ["[bold]x", "a:car:b", "back\\"])
def test_a_table_shows_texts_as_they_are(cell, capsys):
    words.table("title", {"a": "left", "b": "right"}, [[cell, "1"]])
    assert f" {cell} " in capsys.readouterr().out
