"""Whether the label files of a dataset have a box of a new class."""

import pytest

from tintbox.plugins.extend import labels
from tintbox.plugins.extend.classes import NewClasses


@pytest.fixture
def files(tmp_path):
    written = {"a": "0 .5 .5 .1 .1\n\n", "b": "", "c": "x y\n", "d": "\ufeff2.0 .5 .5 .1 .1\n3 .1 .1 .2 .2\n"}
    for name, text in written.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "e.txt").write_bytes(b"\xff\xfe\x00")
    return [str(tmp_path / f"{name}.txt") for name in ("missing", "e", *written)]


def test_boxes_are_found_whatever_else_is_in_the_files(files):
    assert labels.have_box(files, [2]) and labels.have_box(files, {3, 7}) and labels.have_box(files, None)
    assert not labels.have_box(files, [1, 4]) and not labels.have_box(files[:2], None) and not labels.have_box([], None)


def test_files_after_the_first_box_are_not_read(files):
    def until_the_first():
        yield files[2]
        raise AssertionError

    assert labels.have_box(until_the_first(), [0])


def test_the_error_names_classes_and_dataset():
    new = NewClasses.of(["a"], ["a", "b", "c"])
    assert "no training image of data=x.yaml has a box of b, c" in str(labels.no_box(new, "x.yaml"))
