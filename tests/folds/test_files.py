"""Folds of a dataset as datasets that a stock Ultralytics reads."""

import numpy as np
import pytest
import yaml

from tintbox.errors import TintboxError
from tintbox.folds import files
from tintbox.folds.choice import Choice
from tintbox.folds.pictures import gather

BLANK = np.full((32, 32, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def labelled(write_dataset):
    """Twelve pictures of train and six of val: one object of class a in all, one of b in every third."""
    rows = [["0 .5 .5 .2 .2", *(["1 .2 .2 .1 .1"] if i % 3 == 0 else [])] for i in range(12)]
    splits = {"train": [(BLANK, row) for row in rows], "val": [(BLANK, row) for row in rows[:6]]}
    return write_dataset("labelled", ["a", "b"], {**splits, "test": [(BLANK, rows[0])] * 3})


def test_train_and_val_are_pooled_and_test_is_not(labelled):
    found = gather(labelled)
    assert len(found.files) == 18 and found.counts.sum(axis=0).tolist() == [18, 6]
    assert found.files == sorted(found.files) and not any("/test/" in file for file in found.files)
    folds, notes = Choice(3).split(found)
    assert notes[0] == "3 folds of 6 pictures, from 12 of train and 6 of val; the test split is not touched"
    owns = np.array(folds.folds)
    assert [found.counts[owns == fold].sum(axis=0).tolist() for fold in range(3)] == [[6, 2]] * 3


def test_a_dataset_without_val_has_folds_of_train(labelled, tmp_path):
    content = yaml.safe_load(labelled.read_text())
    del content["val"]
    file = tmp_path / "no_val.yaml"
    file.write_text(yaml.safe_dump(content))
    found = gather(file)
    assert set(found.splits) == {"train"} and len(found.files) == 12


def test_folds_are_ordinary_datasets(labelled, tmp_path):
    from ultralytics.data.utils import check_det_dataset

    from tintbox.plugins.coco_eval.data.layout import split_pictures

    found = gather(labelled)
    folds, _ = Choice(3).split(found)
    files.write(tmp_path / "folds", folds, found.kept, "x\ny.yaml")
    assert files.read(tmp_path / "folds") == folds
    moved = (tmp_path / "folds").rename(tmp_path / "elsewhere")
    seen = []
    for fold in range(3):
        described = check_det_dataset(str(moved / files.yaml_name(fold)))
        train, val = (split_pictures(described, split) for split in ("train", "val"))
        assert sorted([*train, *val]) == found.files
        assert described["names"] == {0: "a", 1: "b"}
        seen += val
    assert sorted(seen) == found.files


@pytest.mark.attack("folds")
@pytest.mark.parametrize(
    "text", ["", "x", "picture,fold,group,split\n", "picture,fold,group,split\na,1,a,train\n", "\0"]
)
def test_a_damaged_table(tmp_path, text):
    (tmp_path / files.TABLE).write_text(text)
    with pytest.raises(TintboxError, match="cannot be read"):
        files.read(tmp_path)
