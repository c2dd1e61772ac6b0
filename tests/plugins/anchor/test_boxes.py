"""Anchors in YAMLs and arguments."""

import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.anchor.boxes import check_anchors


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        (None, "give one list per level"),
        (3, "give one list per level"),
        ([[1, 2]], "1 levels of anchors, but the head has 2 inputs"),
        ([[1, 2, 3], [1, 2, 3]], "3, 3 numbers"),
        ([[1, 2], [1, 2, 3, 4]], "2, 4 numbers"),
        ([[1, 2], [3, 0]], "0 in [3, 0] is no width or height"),
        ([[1, 2], [3, -4]], "-4 in [3, -4] is no width or height"),
        ([[1, 2], [3, "x"]], "'x' in"),
        ([[], []], "0, 0 numbers"),
    ],
)
def test_bad_anchors_are_told_in_one_line(anchors, message):
    with pytest.raises(TintboxError) as error:
        check_anchors(anchors, 2)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
