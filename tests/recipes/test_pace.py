"""How long training takes, by the time of a picture."""

import pytest

from tintbox.recipes.pace import REST, VALIDATION, Pace


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
