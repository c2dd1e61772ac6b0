"""The pictures that a report shows."""

import pytest

from tintbox.errors import TintboxError
from tintbox.reports.boxes import by_name
from tintbox.reports.subjects import check_names, subjects

from .conftest import section


def test_nothing_is_downloaded(made, monkeypatch):
    """A missing dataset is not downloaded, although its YAML says how."""
    run = made("r", {"data": "coco8.yaml"}, val__box_loss=[1.0])
    found, notes, _ = subjects(section(run), "val", 2, 0, None)
    assert found == [] and notes[0].startswith("r: no images: data=coco8.yaml: ") and "not found" in notes[0]
    run = made("u", {"data": "https://example.com/coco8.zip"}, val__box_loss=[1.0])
    assert subjects(section(run), "val", 2, 0, None)[1] == [
        "u: no images: data=https://example.com/coco8.zip would have to be downloaded"
    ]


def test_named_pictures(detector):
    (subject,), _, names = subjects(section(detector), "val", 4, 0, ["square3.png", "square1"])
    assert [file.rsplit("/", 1)[1] for file in subject.files] == ["square3.png", "square1.png"]
    check_names(["square3.png"], names, "val")
    with pytest.raises(TintboxError, match=r"images=squar3: no image of that name in split 'val'.*'square3'"):
        check_names(["squar3"], names, "val")


def test_a_split_that_is_not_there(detector):
    _, notes, _ = subjects(section(detector), "test", 2, 0, None)
    assert "split=test: no such split" in notes[0]


def test_classifiers_have_no_pictures(made):
    run = made("r", {"task": "classify"}, metrics__accuracy_top1=[0.5])
    assert subjects(section(run), "val", 2, 0, None) == (
        [], ["Images are shown of detectors and colourisers, not of classify models."], set()
    )  # fmt: skip


def test_a_name_is_known_with_and_without_its_suffix():
    known = by_name(["/x/a.png", "/y/b.c.jpg"])
    assert all(name in known for name in ("a", "a.png", "b.c", "b.c.jpg"))
    assert not any(name in known for name in ("", "x", "/x/a.png", "b", "a.jpg"))
    check_names(["anything"], set(), "val")  # without a dataset, nothing is known
    check_names(None, {"a"}, "val")


def test_runs_of_one_dataset_share_their_pictures(detector, stock, copy, three_squares):
    other = copy(detector, "other", data=str(three_squares))
    found, notes, names = subjects(section(detector, stock, other), "val", 2, 0, None)
    assert [len(subject.entries) for subject in found] == [2, 1] and not notes
    assert all(len(subject.files) == len(subject.truth) == 2 and subject.boxes for subject in found)
    assert {"square0", "square5.png"} <= names


def test_a_path_with_two_blanks(detector, copy, three_squares, tmp_path):
    file = tmp_path / "my  set.yaml"
    file.write_text(three_squares.read_text())
    (subject,), notes, _ = subjects(section(copy(detector, "r", data=str(file))), "val", 2, 0, None)
    assert len(subject.files) == 2 and not notes and subject.data == str(tmp_path / "my set.yaml")


def test_pictures_that_are_left_out_are_told(detector, copy, three_squares, tmp_path):
    import shutil

    shutil.copytree(three_squares.parent, tmp_path / "set")
    (tmp_path / "set" / "labels" / "val" / "square0.txt").write_text("no label\n")
    file = tmp_path / "set" / three_squares.name
    file.write_text(file.read_text().replace(str(three_squares.parent), str(tmp_path / "set")))
    (subject,), notes, _ = subjects(section(copy(detector, "r", data=str(file))), "val", 9, 0, None)
    assert len(subject.files) == 2
    assert len(notes) == 1 and notes[0].startswith(f"{file}: 1 of its images left out, e.g. ")
