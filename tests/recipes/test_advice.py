"""What would help more than settings, on surveys made up here."""

import numpy as np
import pytest

from tintbox.recipes import advice
from tintbox.recipes.labels import EMPTY, LARGE


def test_advice(survey):
    held = survey(counts=(100, 7), shared={("train", "val"): [("/train/1.jpg", "/val/2.jpg")]})
    held.splits["train"].labels.faults[EMPTY] = ["/train/1.txt:3", "/train/9.txt:1"]
    held.splits["train"].labels.faults[LARGE] = ["/train/4.txt"]
    found = advice.advise(held)
    large = "1 label file in train: over 8 MiB, which is not checked (its boxes do not count here), e.g. /train/4.txt"
    assert found.pop(1) == large
    assert found[0].startswith("1 of 20 images in val is also in train, or shows nearly the same scene, e.g. 2.jpg: ")
    assert found[1].startswith("2 labels in train: without area") and found[1].endswith("e.g. /train/1.txt:3")
    assert "label more objects of dog: 7 of 107" in found[2]
    assert "30 objects of cat (1 other class has as few): AP differences under about 18 points" in found[3]


@pytest.mark.parametrize(
    ("counts", "told"), [((120, 119), False), ((60, 60), False), ((120, 59), True), ((120,), False)]
)
def test_labels_are_asked_for_where_a_class_has_clearly_fewer(survey, counts, told):
    found = advice.advise(survey(("cat", "dog")[: len(counts)], counts=counts))
    assert any("label more" in line for line in found) is told


def test_a_picture_that_is_in_train_thrice_is_one_picture_of_val(survey):
    held = survey(shared={("train", "val"): [(f"/train/{i}.jpg", "/val/2.jpg") for i in range(3)]})
    found = advice.advise(held)[0]
    assert (
        found.startswith("1 of 20 images in val is also in train,") and "e.g. 2.jpg: remove it from train, or" in found
    )


def test_a_validation_split_that_is_the_training_split(survey):
    held = survey(shared={("train", "val"): [(f"/train/{i}.jpg", f"/val/{i % 20}.jpg") for i in range(100)]})
    assert "e.g. 0.jpg, 1.jpg, 2.jpg: take other images for val, or" in advice.advise(held)[0]


def test_a_training_split_that_is_a_part_of_the_validation_split(survey):
    held = survey(pictures=15, shared={("train", "val"): [(f"/train/{i}.jpg", f"/val/{i}.jpg") for i in range(15)]})
    assert "e.g. 0.jpg, 1.jpg, 2.jpg: remove them from val, 5 remain, or" in advice.advise(held)[0]


def test_what_can_be_seen_is_what_a_simulation_sees():
    """Two equal models on n objects, correlated by one half: 95% of the differences are below the figure."""
    rng = np.random.default_rng(0)
    n, draws = 100, 20_000
    first = rng.random((draws, n)) < 0.5
    second = np.where(rng.random((draws, n)) < 0.5, first, rng.random((draws, n)) < 0.5)
    differences = 100 * np.abs(first.mean(axis=1) - second.mean(axis=1))
    assert np.quantile(differences, 0.95) == pytest.approx(advice.see(n), abs=1.01)  # steps of one point


def test_one_and_many_are_told_in_words_that_fit(survey):
    held = survey(("a", "b", "c", "d"), counts=(5, 1, 0, 0))
    held.splits["train"].sizes[3] = 0
    found = advice.advise(held)
    assert found[0] == (
        "1 of 100 images in train is damaged or under 10 pixels, e.g. /train/3.jpg: Ultralytics skips it"
    )
    assert found[1] == "label more objects of c (1 other class has as few): 0 of 6 training boxes, the fewest"
    held = survey(("a", "b"), counts=(5, 1))
    held.splits["train"].labels.unlabelled = 1
    found = advice.advise(held)
    assert found[0] == "1 of 100 images in train has no label file: intended as background, or forgotten?"
    assert found[1] == "label more objects of b: 1 of 6 training boxes, the fewest"
