"""What the label files of a dataset say: whether a box is of a new class, and which levels the sizes need."""

import numpy as np
import pytest

from tintbox.plugins.extend import labels
from tintbox.plugins.extend.classes import NewClasses
from tintbox.plugins.extend.head import ALL_LEVELS

STRIDES = [8.0, 16.0, 32.0]


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


def test_how_large_small_and_large_boxes_are(write_dataset):
    wide = np.zeros((50, 100, 3), np.uint8)
    rows = [
        [f"0 .5 .5 {side / 100} {side / 50}" for side in (10, 20, 30, 40, 50)],
        ["1 .5 .5 .8 .4", "2 .5 .5 .01 .02", "1 .5 .5 -.1 .1", "1 .5 .5 0 .1", "1 .5"],
    ]
    polygon = ["3 .1 .1 .5 .1 .5 .5 .1 .5"]  # 40 by 20 pixels
    file = write_dataset("sizes", list("abcd"), {"train": [(wide, each) for each in (*rows, polygon)]})
    pictures = [str(path) for path in sorted((file.parent / "images" / "train").iterdir())]
    # The tenths of 10, 20, 30, 40, 50 of 100 pixels.
    assert labels.box_sides(pictures, [0]) == pytest.approx((0.14, 0.46))
    assert labels.box_sides(pictures, [1]) == pytest.approx([(0.8 * 0.2) ** 0.5] * 2)
    assert labels.box_sides(pictures, [0, 1]) == pytest.approx((0.14, 0.46))
    assert labels.box_sides(pictures, [3]) == pytest.approx([(0.4 * 0.2) ** 0.5] * 2)
    assert labels.box_sides(pictures, None) == pytest.approx((0.01, 0.46))
    (file.parent / "images" / "train" / "0.png").write_bytes(b"x")
    assert labels.box_sides([*pictures, "missing.png"], [0, 1]) == pytest.approx((0.4, 0.4))
    assert labels.box_sides([], None) == labels.box_sides(pictures, [7]) == (0, 1)


def test_the_error_names_classes_and_dataset():
    new = NewClasses.of(["a"], ["a", "b", "c"])
    assert "no training image of data=x.yaml has a box of b, c" in str(labels.no_box(new, "x.yaml"))
    assert "of data=x.yaml with fraction=0.1 has a box" in str(labels.no_box(new, "x.yaml", 0.1))


def test_the_finest_level_is_left_out_if_small_boxes_have_enough_cells_of_the_next():
    enough, finest = labels.FEWEST * 16 / 320, slice(1, None)
    assert labels.find_levels(enough, 1, 320, STRIDES) == labels.find_levels(1, 1, 320, STRIDES) == finest
    assert labels.find_levels(enough * 0.99, 1, 320, STRIDES) == labels.find_levels(0.0, 1, 320, STRIDES) == ALL_LEVELS
    assert labels.find_levels(enough / 2, 1, 640, STRIDES) == finest
    assert labels.find_levels(enough / 2, 1, [480, 640], STRIDES) == finest
    assert labels.find_levels(enough / 2, 1, [480, 600], STRIDES) == ALL_LEVELS
    assert labels.find_levels(enough, enough, 320, STRIDES) == finest, "the dearer one"


def test_the_coarsest_level_is_left_out_if_large_boxes_have_few_cells_of_the_one_before():
    few, coarsest = labels.MOST * 16 / 320, slice(0, -1)
    assert labels.find_levels(0, few, 320, STRIDES) == labels.find_levels(0, 0.01, 320, STRIDES) == coarsest
    assert labels.find_levels(0, few * 1.01, 320, STRIDES) == ALL_LEVELS
    assert labels.find_levels(0, few / 2, [480, 640], STRIDES) == coarsest
    assert labels.find_levels(0, few / 2, 660, STRIDES) == ALL_LEVELS


@pytest.mark.parametrize("imgsz", [None, "big", [], ["a"]])
def test_a_size_that_ultralytics_will_refuse_leaves_all_levels(imgsz):
    assert labels.find_levels(1, 1, imgsz, STRIDES) == labels.find_levels(0, 0, imgsz, STRIDES) == ALL_LEVELS


def test_a_detector_of_one_level_keeps_it():
    assert labels.find_levels(1, 1, 320, STRIDES[:1]) == labels.find_levels(0, 0, 320, STRIDES[:1]) == ALL_LEVELS
