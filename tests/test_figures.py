"""Figures are saved whole or not at all, and quietly."""

import pytest
from matplotlib.figure import Figure

from tintbox import figures


def test_letters_that_the_font_lacks_are_no_warning(tmp_path, recwarn):
    figure = Figure()
    figure.suptitle("\u65e5\u672c")
    figures.save(figure, tmp_path / "a.png", 100)
    assert [str(warning.message) for warning in recwarn if "Glyph" in str(warning.message)] == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_failure_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.nothing"
    file.write_text("old")
    with pytest.raises(ValueError, match="nothing"):
        figures.save(Figure(), file, 100)
    assert file.read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["a.nothing"]
