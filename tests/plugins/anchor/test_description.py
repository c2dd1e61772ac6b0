"""Values of a classic model's description."""

import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.anchor.description import check_number, check_whole, sources


def test_numbers_within_their_range():
    assert check_whole(3, "nc", 1, 80) == 3
    assert check_number(1, "depth", 0, 2) == 1.0 and type(check_number(1, "depth", 0, 2)) is float


@pytest.mark.parametrize("value", [0, 81, 2.0, True, "3", None, float("nan"), "\n" * 200])
def test_what_is_no_whole_number(value):
    with pytest.raises(TintboxError, match=r"nc is .*, not a whole number from 1 to 80") as error:
        check_whole(value, "nc", 1, 80)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


@pytest.mark.parametrize("value", [-0.1, 2.1, float("inf"), float("nan"), True, "1", []])
def test_what_is_no_number(value):
    with pytest.raises(TintboxError, match=r"depth is .*, not a number from 0 to 2"):
        check_number(value, "depth", 0, 2)


def test_a_row_takes_layers_before_it():
    assert sources(-1, 3) == -1 and sources([-1, 0], 3) == [-1, 0]
    for value in (3, [], [3], [-4], [[0]], [None], "0"):
        with pytest.raises(TintboxError, match="row 3 takes"):
            sources(value, 3)
