"""Settings and their reasons, on surveys made up here."""

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.recipes import rules
from tintbox.recipes.labels import EMPTY, Labels
from tintbox.recipes.pace import Pace
from tintbox.recipes.survey import Split, Survey


def split(pictures=100, counts=(100, 100), side=0.2, size=(640, 480), name="train"):
    classes = np.repeat(np.arange(len(counts)), counts)
    boxes = np.tile([0.5, 0.5, side, side * size[0] / size[1]], (len(classes), 1))
    labels = Labels(classes, boxes, np.arange(len(classes)) % pictures)
    return Split([f"/{name}/{i}.jpg" for i in range(pictures)], np.tile(size, (pictures, 1)), labels, {})


def survey(names=("cat", "dog"), colours=None, shared=None, **train):
    splits = {"train": split(**train), "val": split(20, (30,) * len(names), name="val")}
    return Survey("my.yaml", list(names), splits, shared or {}, colours)


FAST = Pace(0.001, 640, "cpu")


@pytest.mark.parametrize(
    ("side", "size", "expected"),
    [
        (0.2, (640, 480), (320, 640)),  # 64 px at 320
        (0.03, (640, 480), (544, 640)),  # 16 px from 534 on
        (0.01, (640, 480), (640, 640)),  # the picture has no more
        (0.01, (4000, 3000), (1280, 1280)),
        (0.2, (100, 100), (320, 320)),
    ],
)
def test_size_by_the_boxes(side, size, expected):
    assert rules.choose_size(survey(side=side, size=size)) == expected


@pytest.mark.parametrize(("pictures", "batch"), [(1, 2), (9, 2), (20, 4), (63, 8), (64, 16), (5000, 16)])
def test_batches_of_few_pictures(pictures, batch):
    assert rules.choose_batch(survey(pictures=pictures)) == batch


def test_epochs_by_the_steps_that_are_needed():
    found = rules.choose(survey(pictures=160), FAST, 30).arguments()
    assert (found["epochs"], found["batch"], found["nbs"], found["imgsz"]) == (60, 16, 16, 640)
    assert rules.choose(survey(pictures=10_000), FAST, 30).arguments()["epochs"] == rules.LEAST_EPOCHS
    assert rules.choose(survey(pictures=4), FAST, 30).arguments()["epochs"] == rules.MOST_EPOCHS


def test_little_time_takes_size_first_and_epochs_then():
    pace = Pace(0.1, 640, "cpu")
    seconds = pace.epoch(160, 20, 640)
    assert seconds == pytest.approx(0.1 * (160 + 8) * 1.15)
    whole = rules.choose(survey(pictures=160), pace, 60 * seconds / 60 + 0.01).arguments()
    assert (whole["imgsz"], whole["epochs"]) == (640, 60)
    half = rules.choose(survey(pictures=160), pace, 0.5 * 60 * seconds / 60)
    assert half.arguments()["epochs"] == 60
    assert half.arguments()["imgsz"] == 448, "64 x 7, the largest whose area is at most half"
    assert "640 would take longer than the" in half.settings[0].reason
    tenth = rules.choose(survey(pictures=160), pace, 0.1 * 60 * seconds / 60)
    assert tenth.arguments()["imgsz"] == 320
    assert 20 < tenth.arguments()["epochs"] < 30
    assert "of 60 that 600 steps would take" in tenth.settings[1].reason
    asked = rules.choose(survey(pictures=160), pace, 0.5 * 60 * seconds / 60, imgsz=640).arguments()
    assert (asked["imgsz"], asked["epochs"]) == (640, 30)


def test_too_little_time_for_an_epoch():
    with pytest.raises(TintboxError, match=r"minutes=0\.01: an epoch at 320 px takes about .* give minutes="):
        rules.choose(survey(), Pace(0.5, 640, "cpu"), 0.01)


def test_classes_that_are_rare_are_told_and_nothing_is_set():
    chosen = rules.choose(survey(counts=(1000, 20)), FAST, 30)
    (setting,) = (s for s in chosen.settings if s.name == "cls_pos_weight")
    assert setting.value is None and "cat is 50 times as frequent; finds more dog" in setting.reason
    assert rules.choose_loss(survey(counts=(100, 20))) == []
    assert rules.choose_loss(survey(counts=(1000, 0))) == []


@pytest.mark.parametrize(
    ("names", "colours", "expected"),
    [
        (("cat", "dog"), None, {}),
        (("cat", "dog"), 0.3, {}),
        (("red", "blue"), 0.9, {"hsv_h": 0.0}),
        (("left hand", "right hand"), None, {"fliplr": 0.0}),
        (("bright", "copyright"), None, {}),
        (("a", "b", "c"), None, {"fliplr": 0.0}),
        (("7", "8"), None, {}),
    ],
)
def test_augmentation(names, colours, expected):
    found = rules.choose_augmentation(survey(names, colours, counts=(9,) * len(names)))
    assert {s.name: s.value for s in found if s.value is not None} == expected
    assert any(s.name == "fliplr" for s in found), "what can't be known is said"


def test_advice():
    held = survey(counts=(100, 7), shared={("train", "val"): [("/train/1.jpg", "/val/2.jpg")]})
    held.splits["train"].labels.faults[EMPTY] = ["/train/1.txt:3", "/train/9.txt:1"]
    found = rules.advise(held)
    assert found[0].startswith("1 of 20 pictures in val are in train too, e.g. 2.jpg")
    assert found[1].startswith("2 labels in train: without area") and found[1].endswith("e.g. /train/1.txt:3")
    assert "label more of dog: 7 boxes of 107" in found[2]
    assert "30 objects of cat: a difference below about 18 points" in found[3]


def test_what_can_be_seen_is_what_a_simulation_sees():
    """Two equal models on n objects, correlated by one half: 95% of the differences are below the figure."""
    rng = np.random.default_rng(0)
    n, draws = 100, 20_000
    first = rng.random((draws, n)) < 0.5
    second = np.where(rng.random((draws, n)) < 0.5, first, rng.random((draws, n)) < 0.5)
    differences = 100 * np.abs(first.mean(axis=1) - second.mean(axis=1))
    assert np.quantile(differences, 0.95) == pytest.approx(rules.see(n), abs=1.01)  # steps of one point
