"""Settings and their reasons, on surveys made up here."""

from dataclasses import replace

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.recipes import rules
from tintbox.recipes.labels import Labels
from tintbox.recipes.pace import Pace

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
def test_size_by_the_boxes(survey, side, size, expected):
    assert rules.choose_size(survey(side=side, size=size)) == expected


@pytest.mark.parametrize(
    ("pictures", "batch"), [(1, 2), (9, 2), (20, 4), (63, 8), (64, 8), (319, 8), (320, 16), (5000, 16)]
)
def test_batches_of_few_pictures(survey, pictures, batch):
    assert rules.choose_batch(survey(pictures=pictures)) == batch


@pytest.mark.parametrize(
    ("epochs", "closing", "told"),
    [
        (1, 1, "no mosaic in the last 1 epoch"),
        (2, 1, "no mosaic in the last 1 epoch, at most two thirds of all"),
        (4, 2, "no mosaic in the last 2 epochs, at most two thirds of all"),
        (15, 10, "no mosaic in the last 10 epochs"),
        (100, 10, "no mosaic in the last 10 epochs"),
    ],
)
def test_epochs_without_mosaic(survey, epochs, closing, told):
    chosen = rules.choose(survey(pictures=20), FAST, 30, epochs=epochs).settings
    assert [(s.value, s.reason) for s in chosen if s.name == "close_mosaic"] == [(closing, told)]


def test_boxes_are_measured_by_their_area(survey):
    """Boxes of 8 x 128 px are told as 32 px, which is not their width."""
    held = survey(side=32 / 640, size=(640, 640))
    held.splits["train"].labels.boxes[:, 2:] = 8 / 640, 128 / 640
    assert rules.choose(held, FAST, 30).settings[0].reason == (
        "a tenth of the boxes are under 32 px (square root of the area) at this size"
    )


def test_boxes_that_no_size_resolves_call_for_tiles(survey):
    """3 px in 2400: tiles of a tenth of a side show them at 16."""
    tiny = survey(side=3 / 2400, size=(2400, 1800))
    told = rules.choose(tiny, FAST, 30, epochs=3).advice[0]
    assert told == (
        "a tenth of the boxes are under 2 px (square root of the area) at imgsz=1280, where a detector needs 16: cut "
        "the images into tiles, about 10 along each side"
    )
    small = survey(side=0.14, size=(640, 480))
    told = rules.choose(small, FAST, 30, imgsz=64, epochs=3).advice[0]
    assert told.endswith("under 9 px (square root of the area) at imgsz=64, where a detector needs 16: give imgsz=320")
    assert not any("a detector needs" in line for line in rules.choose(small, FAST, 30).advice)


def test_epochs_by_the_steps_that_are_needed(survey):
    found = rules.choose(survey(pictures=160), FAST, 30).arguments()
    assert (found["epochs"], found["batch"], found["nbs"], found["imgsz"]) == (30, 8, 8, 640)
    assert rules.choose(survey(pictures=10_000), FAST, 30).arguments()["epochs"] == rules.LEAST_EPOCHS
    assert rules.choose(survey(pictures=4), FAST, 30).arguments()["epochs"] == rules.MOST_EPOCHS


def test_little_time_takes_size_first_and_epochs_then(survey):
    pace = Pace(0.1, 640, "cpu")
    seconds = pace.epoch(160, 20, 640)
    assert seconds == pytest.approx(0.1 * (160 + 8) * 1.05)
    whole = rules.choose(survey(pictures=160), pace, 30 * seconds / 60 + 0.01).arguments()
    assert (whole["imgsz"], whole["epochs"]) == (640, 30)
    half = rules.choose(survey(pictures=160), pace, 0.5 * 30 * seconds / 60)
    assert half.arguments()["epochs"] == 30
    assert half.arguments()["imgsz"] == 448, "64 x 7, the largest whose area is at most half"
    assert "640 would take longer than" in half.settings[0].reason
    tenth = rules.choose(survey(pictures=160), pace, 0.1 * 30 * seconds / 60)
    assert tenth.arguments()["imgsz"] == 320
    assert 10 < tenth.arguments()["epochs"] < 15
    assert "steps of 8 images; 30 epochs (600 steps) are recommended: increase minutes=" in tenth.settings[1].reason
    asked = rules.choose(survey(pictures=160), pace, 0.5 * 30 * seconds / 60, imgsz=640).arguments()
    assert (asked["imgsz"], asked["epochs"]) == (640, 15)


@pytest.mark.parametrize(("pictures", "steps"), [(4, 300 * 2), (10_000, 20 * 625)])
def test_the_steps_of_the_epochs_that_more_minutes_buy_are_counted(survey, pictures, steps):
    chosen = rules.choose(survey(pictures=pictures), Pace(0.1, 320, "cpu"), pictures / 60, imgsz=320)
    (epochs,) = (s for s in chosen.settings if s.name == "epochs")
    assert f"epochs ({steps} steps) are recommended: increase minutes=" in epochs.reason


def test_nothing_is_polished_on_images_without_boxes(survey):
    held = survey()
    assert "polish" in rules.choose(held, FAST, 30).arguments()
    held.splits["val"] = replace(held.splits["val"], labels=Labels(*np.empty((3, 0), int)))
    assert "polish" not in rules.choose(held, FAST, 30).arguments()


def test_random_weights_neither_sleep_nor_learn_slower(survey):
    chosen = rules.choose(survey(), FAST, 30, weights=rules.trained_weights("yolov8n.yaml", "detect"))
    assert not chosen.arguments().keys() & {"freeze", "unfreeze", "lr_scale"}
    assert "start from pretrained weights, e.g. model=yolov8n.pt:" in chosen.advice[0]
    chosen = rules.choose(survey(), FAST, 30, weights=rules.trained_weights("yolov8n.pt", None))
    assert chosen.arguments()["lr_scale"] == {"backbone": 0.5} and "pretrained" not in " ".join(chosen.advice)


@pytest.mark.parametrize(
    ("model", "task", "weights"),
    [
        ("yolo11s-seg.yaml", "segment", "yolo11s-seg.pt"),
        ("my/net.yaml", "pose", "yolo11n-pose.pt"),
        ("net.yml", "detect", "yolo11n.pt"),
        ("net.yaml", None, "yolo11n.pt"),
        ("net.pt", None, ""),
    ],
)
def test_weights_are_recommended_of_the_models_task(model, task, weights):
    assert rules.trained_weights(model, task) == weights


def test_too_little_time_for_an_epoch(survey):
    with pytest.raises(
        TintboxError, match=r"minutes=0\.01: an epoch at 320 px takes about .* seconds .* give minutes="
    ):
        rules.choose(survey(), Pace(0.5, 640, "cpu"), 0.01)


def test_classes_that_are_rare_are_told_and_nothing_is_set(survey):
    chosen = rules.choose(survey(counts=(1000, 20)), FAST, 30)
    (setting,) = (s for s in chosen.settings if s.name == "cls_pos_weight")
    assert setting.value is None and setting.instead == "balanced"
    assert "cat is 50 times as frequent; finds more dog" in setting.reason
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
def test_augmentation(survey, names, colours, expected):
    found = rules.choose_augmentation(survey(names, colours, counts=(9,) * len(names)))
    assert {s.name: s.value for s in found if s.value is not None} == expected
    assert any(s.name == "fliplr" for s in found), "what can't be known is said"


SIDED = """left LEFT LeftHand TurnLeft arrowLeft leftHand turn_left left-hand righthand left2 rightturn LHS
left_luggage Turn-Rechts"""
NOT_SIDED = """bright Brightness upright UPRIGHT copyright theft cleft leftover forthright playwright birthright
frightened hand wright outright righteous alright downright"""


@pytest.mark.parametrize("name", SIDED.split())
def test_a_side_in_a_name(name):
    assert rules.find_sided(["car", name]) == [name]


@pytest.mark.parametrize("name", NOT_SIDED.split())
def test_a_word_that_only_looks_like_a_side(name):
    assert rules.find_sided(["car", name]) == []


def test_a_class_that_is_the_mirror_of_another():
    """Joined to the end of another word, a side is told from bright by the other side."""
    assert rules.find_sided(["turnleft", "bright", "TurnRight", "Linkspfeil"]) == ["turnleft", "TurnRight"]
    assert rules.find_sided(["Linkspfeil", "Rechtspfeil", "hand"]) == ["Linkspfeil", "Rechtspfeil"]


@pytest.mark.parametrize(
    ("validated", "seen", "polished"), [(19, 0, None), (20, 0, True), (40, 20, True), (40, 21, None)]
)
def test_variants_are_tried_if_there_are_enough_validation_images(survey, validated, seen, polished):
    held = survey()
    split = replace(held.splits["val"], files=["x"] * validated, sizes=np.full((validated, 2), 640))
    shared = {("train", "val"): [("x", str(i)) for i in range(seen)]}
    held = replace(held, splits={**held.splits, "val": split}, shared=shared)
    assert rules.choose(held, FAST, 30).arguments().get("polish") == polished


def test_polish_says_how_long_it_takes():
    (chosen,) = rules.choose_polish(100, 200, Pace(0.6, 640, "cpu"), 640)
    seconds = 0.4 * 0.6 * (6 * 200 + 3 * (256 + 100))
    assert f"on 200 validation images, in {seconds / 60:.1f} minutes more" in chosen.reason
