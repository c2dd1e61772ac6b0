"""Valid and invalid values of the ``palette`` argument."""

from pathlib import Path

import pytest

from tintbox.colorization import palette_name


@pytest.mark.parametrize("value", ["horses24", Path("p.yaml"), 2, 4096, "24 colours"])
def test_names_paths_and_numbers(value):
    assert palette_name.check(value) is None


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (1, "has 2 to 4096"),
        (4097, "has 2 to 4096"),
        (True, "give a name"),
        (2.5, "give a name"),
        (" ", "give a name"),
        ("2.5", "whole number"),
        ("-3", "whole number"),
    ],
)
def test_what_is_none(value, wrong):
    assert wrong in palette_name.check(value)
