"""The values of `amp` at the command line."""

import pytest


@pytest.mark.parametrize("value", ["bf17", "Auto "])
def test_other_values_are_refused_as_ever(value):
    from ultralytics.cfg import get_cfg

    with pytest.raises(ValueError, match=r"'amp=.*' is invalid"):
        get_cfg(overrides={"amp": value})
