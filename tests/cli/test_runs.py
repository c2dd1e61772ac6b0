"""The commands that train runs."""

import pytest

from tintbox.cli.runs import with_ray_address


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (["study", "lr0=1"], ["study", "lr0=1"]),
        (["study", "--ray"], ["study", "--ray", "auto"]),
        (["study", "--ray", "lr0=1"], ["study", "--ray", "auto", "lr0=1"]),
        (["study", "--ray", "--yes"], ["study", "--ray", "auto", "--yes"]),
        (["study", "--ray", "head:6379", "lr0=1"], ["study", "--ray", "head:6379", "lr0=1"]),
        (["study", "--ray", "."], ["study", "--ray", "auto", "."]),  # a study's folder
        (["study", "--ray", "x" * 300], ["study", "--ray", "x" * 300]),  # no path can have this name
    ],
)
def test_an_address_that_is_left_out(words, whole):
    assert with_ray_address(words) == whole
