"""How pictures are split: what a study's words say, and what is told of it."""

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.folds.choice import Choice
from tintbox.folds.pictures import gather


def test_the_words_of_a_study():
    assert Choice.of({"epochs": 3}) is None
    assert Choice.of({"folds": 5}) == Choice(5, "auto", 0)
    assert Choice.of({"folds": 2, "groups": "g.csv", "fold_seed": 7}) == Choice(2, "g.csv", 7)


@pytest.mark.attack("folds")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"folds": 1}, "folds=1: give a whole number of 2 or more"),
        ({"folds": True}, "folds=True: give a whole number of 2 or more"),
        ({"folds": "five"}, "folds=five: give a whole number of 2 or more"),
        ({"folds": 2.5}, "folds=2.5: give a whole number of 2 or more"),
        ({"folds": 2, "fold_seed": -1}, "fold_seed=-1: give a whole number of 0 or more"),
        ({"folds": 2, "groups": ["a"]}, "groups=['a']: give a CSV file, auto, names or none"),
        ({"groups": "g.csv"}, "groups=g.csv: it says how folds are made; give folds=5, say"),
    ],
)
def test_a_value_that_is_none(words, said):
    with pytest.raises(TintboxError) as error:
        Choice.of(words)
    assert str(error.value) == said


def test_the_classes_are_dealt_out_and_it_is_told_from_what(labelled):
    found = gather(labelled)
    folds, notes = Choice(3).split(found)
    assert notes[0] == "3 folds of 6 images, from 12 of train and 6 of val; the test split is not touched"
    owns = np.array(folds.folds)
    assert [found.counts[owns == fold].sum(axis=0).tolist() for fold in range(3)] == [[6, 2]] * 3
    assert Choice(3).split(found)[0] == folds, "the same again"


def test_a_class_that_is_in_one_fold_is_told(labelled, tmp_path):
    """Here by its group: no model is both trained on it and tested on it."""
    found = gather(labelled)
    table = tmp_path / "groups.csv"
    shown = found.counts[:, 1] > 0
    rows = [
        f"{'/'.join(file.split('/')[-2:])},{'b' if own else i}" for i, (file, own) in enumerate(zip(found.files, shown))
    ]
    table.write_text("\n".join(rows))
    told = Choice(3, str(table)).split(found)[1][-1]
    assert told.startswith("all objects of b are in one fold, so no model is both trained on them and tested: ")
    assert told.endswith("label more of them, or give groups=none")
    assert not any(note.startswith("all objects") for note in Choice(3).split(found)[1])


def test_more_folds_than_pictures(labelled):
    with pytest.raises(TintboxError, match=r"folds=19: .* has 18 images for training and validation; give fewer"):
        Choice(19).split(gather(labelled))


def test_folds_of_a_single_image(write_dataset):
    file = write_dataset("single", ["a"], {"train": [(np.zeros((32, 32, 3), np.uint8), ["0 .5 .5 .2 .2"])]})
    with pytest.raises(TintboxError, match=r"folds=3: .* has 1 image for training and validation; label more$"):
        Choice(3).split(gather(file))
