"""The rows of label files."""

import pytest

from tintbox import label_rows


def test_words_with_their_line_numbers(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbf0 0.5 0.5 1 1\r\n\n  \t\n1\t0.25  0.5 x\n")
    assert label_rows.read(file) == [(1, ["0", "0.5", "0.5", "1", "1"]), (4, ["1", "0.25", "0.5", "x"])]
    file.write_bytes(b"")
    assert label_rows.read(str(file)) == []


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        label_rows.read(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_bytes(b"0 \xff")
    with pytest.raises(UnicodeDecodeError):
        label_rows.read(tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("row", "box"),
    [
        ("3 .5 .5 .2 .4", (0.5, 0.5, 0.2, 0.4)),
        ("3.0 .5 .5 .2 .4", (0.5, 0.5, 0.2, 0.4)),
        ("3 .1 .2 .5 .2 .5 .8", (0.3, 0.5, 0.4, 0.6)),
        ("3 .1 .2 .5 .2 .5", None),
        ("3 .5 .5 .2", None),
        ("3.5 .5 .5 .2 .4", None),
        ("3 .5 .5 nan .4", None),
        ("a .5 .5 .2 .4", None),
    ],
)
def test_the_box_of_a_row(row, box):
    found = label_rows.parse(row.split())
    assert found is None if box is None else found[0] == 3 and found[1] == pytest.approx(box)
