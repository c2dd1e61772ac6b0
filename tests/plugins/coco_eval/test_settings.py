"""The values of `coco_eval`."""

import pytest

from tintbox.errors import TintboxError
from tintbox.plugins import options
from tintbox.plugins.coco_eval.settings import Settings, check, settings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, Settings()),
        ({}, Settings()),
        ({"resamples": 0}, Settings(resamples=0)),
        ({"resamples": 10, "level": 0.8}, Settings(10, level=0.8)),
        ({"resamples": 20, "level": 0.9}, Settings(20, level=0.9)),
        ({"resamples": 40}, Settings(40)),
        ({"resamples": 50, "seed": 3, "level": 0.9, "examples": 5}, Settings(50, 3, 0.9, 5)),
        ({"explain": False, "report": False}, Settings(explain=False, report=False)),
    ],
)
def test_what_a_value_stands_for(value, expected):
    assert check(value) is None
    assert settings(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, "give true, false or a mapping of resamples"),
        ("yes", "give true, false or a mapping of resamples"),
        ([1000], "give true, false or a mapping of resamples"),
        ({"resample": 5}, "'resample' is no setting (resamples, seed, level, examples, explain, report); did you mean"),
        ({3: 5}, "'3' is no setting"),
        ({"resamples": -1}, "resamples=-1: give a whole number from 0 to 10000"),
        ({"resamples": 10_001}, "resamples=10001: give a whole number"),
        ({"resamples": True}, "resamples=True: give a whole number"),
        ({"resamples": 10.0}, "resamples=10.0: give a whole number"),
        ({"seed": -1}, "seed=-1: give a whole number from 0 to 4294967295"),
        ({"seed": None}, "seed=None: give a whole number"),
        ({"examples": "5"}, "examples=5: give a whole number"),
        ({"level": 95}, "level=95: give a number between 0 and 1"),
        ({"level": 0}, "level=0: give a number between 0 and 1"),
        ({"level": 1}, "level=1: give a number between 0 and 1"),
        ({"level": float("nan")}, "level=nan: give a number between 0 and 1"),
        ({"level": True}, "level=True: give a number between 0 and 1"),
        ({"resamples": 39}, "level=0.95 needs 40 resamples or more, not 39; 0 is for no intervals"),
        ({"level": 0.9999}, "level=0.9999 needs 20000 resamples or more, not 1000"),
        ({"explain": 1}, "explain=1: give true or false"),
        ({"report": "no"}, "report=no: give true or false"),
    ],
)
def test_bad_values(value, message):
    assert message in check(value)
    with pytest.raises(TintboxError, match=r"^coco_eval="):
        options.check({"coco_eval": value})


def test_a_mapping_typed_at_the_command_line():
    arguments = {"coco_eval": "{resamples: 200, level: 0.9}"}
    options.check(arguments)
    assert settings(arguments["coco_eval"]) == Settings(resamples=200, level=0.9)
