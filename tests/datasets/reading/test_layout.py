"""Image ids, and where a dataset's YAML keeps its annotations."""

import pytest

from tintbox.datasets.reading import layout
from tintbox.errors import TintboxError, TintboxFileError


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["000009.jpg", "12.jpg"], [9, 12]),
        (["b.jpg", "a.jpg"], [2, 1]),
        (["1.jpg", "01.png"], [2, 1]),  # the same number twice
        (["1.jpg", f"{2**53 + 1}.jpg"], [1, 2]),  # beyond the integers that every JSON reader keeps exactly
        (["١.jpg"], [1]),  # a digit of another script
    ],
)
def test_pictures_are_numbered_by_their_names_if_these_are_numbers(names, ids):
    assert layout.image_ids(names) == dict(zip(names, ids))


def test_the_annotations_that_a_dataset_names(tmp_path):
    file = tmp_path / "val.json"
    file.touch()
    data = {"path": tmp_path, "val": "images/val", "annotations": {"val": "val.json"}}
    assert layout.annotation_file(data, "val") == file
    assert layout.annotation_file({"path": tmp_path, "val": "images/val"}, "val") is None
    with pytest.raises(TintboxFileError, match=r"no such file; did you mean 'val.json'"):
        layout.annotation_file({**data, "annotations": {"val": "va.json"}}, "val")
    with pytest.raises(TintboxFileError, match="no such file"):  # not a valid file name
        layout.annotation_file({**data, "annotations": {"val": "x" * 300}}, "val")


@pytest.mark.parametrize(
    ("named", "message"), [("val.json", "is no mapping of splits"), ({"vall": "x"}, "'vall' is no split .*'val'")]
)
def test_annotations_that_are_no_mapping_of_splits(named, message, tmp_path):
    with pytest.raises(TintboxError, match=message):
        layout.annotation_file({"path": tmp_path, "val": "images/val", "annotations": named}, "val")


def test_a_split_that_is_not_there():
    with pytest.raises(
        TintboxError, match=r"split=tset: no such split in my.yaml \(train, test\); did you mean 'test'"
    ):
        layout.check_split({"train": "a", "val": None, "test": "b"}, "tset", "my.yaml")
