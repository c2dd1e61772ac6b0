"""Arguments of a command that are paths, and tables."""

from tintbox.cli import words


def test_paths_are_told_from_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr0=1").mkdir()
    assert words.paths_of(["runs/a", "lr0=1", "n=2"]) == (["runs/a", "lr0=1"], ["n=2"])


def test_a_table_shows_brackets_as_they_are(capsys):
    words.table("title", {"a": "left", "b": "right"}, [["[bold]x", "1"]])
    assert "[bold]x" in capsys.readouterr().out
