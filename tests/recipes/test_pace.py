"""How long training takes, by the time of a picture."""

import pytest

from tintbox.recipes.pace import REST, SKIPPED, STEPS, VALIDATION, Pace, are_enough, per_picture


def test_time_goes_with_the_area():
    pace = Pace(0.02, 320, "cpu")
    assert pace.at(320) == 0.02 and pace.at(640) == pytest.approx(0.08) and pace.at(160) == pytest.approx(0.005)


def test_an_epoch_is_its_pictures_and_what_is_done_beside_them():
    pace = Pace(0.02, 320, "cpu")
    assert pace.epoch(100, 0, 320) == pytest.approx(2 * REST)
    assert pace.epoch(100, 50, 640) == pytest.approx(0.08 * (100 + VALIDATION * 50) * REST)
    assert pace.epoch(0, 0, 640) == 0


def test_saving_takes_as_long_whatever_the_pictures_are():
    pace = Pace(0.02, 320, "cpu", saving=0.5)
    assert pace.epoch(0, 0, 640) == 0.5
    assert pace.epoch(20, 10, 320) == pytest.approx(Pace(0.02, 320, "cpu").epoch(20, 10, 320) + 0.5)


def test_long_steps_are_timed_less_often():
    """All of them within the limit; beyond it the step at hand is the last, but for the first, which is a warm-up."""
    wanted = SKIPPED + STEPS + 1
    assert [are_enough(range(n), 100) for n in range(1, wanted + 1)] == [False] * (wanted - 1) + [True]
    assert [are_enough([10 * i for i in range(n)], 25) for n in range(1, 5)] == [False, False, False, True]
    assert not are_enough([60], 0) and are_enough([60, 61], 0)


def test_the_pace_is_the_median_of_the_timed_steps():
    marks = [(0, 4), (9, 4), (10, 4), (12, 4), (14, 4), (44, 4)]
    assert per_picture(marks) == 0.5, "the skipped ones took longer"
    assert per_picture(marks[:2]) == 9 / 4 and per_picture(marks[:3]) == 1 / 4
