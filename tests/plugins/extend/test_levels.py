"""Which levels a branch needs for boxes of a size."""

import pytest

from tintbox.plugins.extend.levels import CELLS, find_finest

STRIDES = [8.0, 16.0, 32.0]


def test_the_finest_level_is_left_out_if_small_boxes_have_enough_cells_of_the_next():
    enough = CELLS * 16 / 320
    assert find_finest(enough, 320, STRIDES) == find_finest(1, 320, STRIDES) == 1
    assert find_finest(enough * 0.99, 320, STRIDES) == find_finest(0.0, 320, STRIDES) == 0
    assert find_finest(enough / 2, 640, STRIDES) == find_finest(enough / 2, [480, 640], STRIDES) == 1
    assert find_finest(enough / 2, [480, 600], STRIDES) == 0


@pytest.mark.parametrize("imgsz", [None, "big", [], ["a"]])
def test_a_size_that_ultralytics_will_refuse_leaves_all_levels(imgsz):
    assert find_finest(1, imgsz, STRIDES) == 0


def test_a_detector_of_one_level_keeps_it():
    assert find_finest(1, 320, STRIDES[:1]) == 0
