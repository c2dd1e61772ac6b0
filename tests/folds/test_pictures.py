"""The labelled pictures that folds are made of."""

import numpy as np
import pytest
import yaml

from tintbox.errors import TintboxError
from tintbox.folds.pictures import gather


def test_train_and_val_are_pooled_and_test_is_not(labelled, capsys):
    found = gather(labelled)
    assert capsys.readouterr().out == "reading the labels of 18 images ...\n"
    assert len(found.files) == 18 and found.counts.sum(axis=0).tolist() == [18, 6]
    assert found.files == sorted(found.files) and not any("/test/" in file for file in found.files)
    assert [found.splits.count(split) for split in ("train", "val", "test")] == [12, 6, 0]
    assert set(found.kept) >= {"names"} and not found.annotated


def test_a_dataset_without_val_has_folds_of_train(labelled, tmp_path):
    content = yaml.safe_load(labelled.read_text())
    del content["val"]
    file = tmp_path / "no_val.yaml"
    file.write_text(yaml.safe_dump(content))
    found = gather(file)
    assert set(found.splits) == {"train"} and len(found.files) == 12


def test_a_picture_of_both_splits_is_one_of_train(write_dataset, tmp_path):
    file = write_dataset("twice", ["a"], {"train": [(np.zeros((32, 32, 3), np.uint8), ["0 .5 .5 .2 .2"])] * 3})
    content = yaml.safe_load(file.read_text())
    both = tmp_path / "both.yaml"
    both.write_text(yaml.safe_dump({**content, "val": content["train"]}))
    assert gather(both).splits == ["train"] * 3


def test_pictures_without_a_label_are_no_dataset(write_dataset):
    file = write_dataset("bare", ["a"], {"train": [(np.zeros((32, 32, 3), np.uint8), [])] * 3})
    with pytest.raises(TintboxError, match=r"bare.*: no labels for its images \(train, val\); label some"):
        gather(file)


@pytest.mark.attack("folds")
@pytest.mark.parametrize("name", ["a\nb.png", "a\u2028b.png", "caf\udce9.png"])
def test_a_name_that_no_list_can_have_is_refused(name, write_dataset):
    file = write_dataset("odd", ["a"], {"train": [(np.zeros((32, 32, 3), np.uint8), ["0 .5 .5 .2 .2"])] * 3})
    (file.parent / "images/train/1.png").rename(file.parent / "images/train" / name)
    (file.parent / "labels/train/1.txt").rename(file.parent / "labels/train" / f"{name.removesuffix('.png')}.txt")
    with pytest.raises(TintboxError, match=r"odd.*png': no list of images can have this name.*; rename the file$"):
        gather(file)
