"""Valid values of `extend=`, and the layers that they name."""

import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.extend import forks

GROUPS = {"backbone": range(11), "neck": range(11, 23), "head": range(23, 24)}  # yolo11n


@pytest.mark.parametrize(
    ("value", "layer"),
    [
        (True, 5), ("head", 23), ("neck", 11), ("slim", 11), ("backbone[5:]", 5), ("backbone[-2:]", 9),
        ("neck[3:]", 14), ("backbone[1:]", 1), ("neck[0:]", 11),
    ],
)  # fmt: skip
def test_a_fork_is_a_layer(value, layer):
    assert forks.check(value) is None
    assert forks.find(value, GROUPS, "yolo11n") == layer


@pytest.mark.attack("arguments")
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1, "give true, head, slim, neck"), (5.0, "give true"), (["neck"], "give true"), ("nek", "did you mean 'neck'"),
        ("slin", "did you mean 'slim'"),
        ("backbone", "nothing would be shared"), ("backbone[5]", "goes on to the end"),
        ("backbone[2:5]", "goes on to the end"), ("backbone[:5]", "goes on to the end"), ("head[0:]", "goes on"),
        ("", "give true"), ("slim[2:]", "goes on to the end"), ("backbone[0x5:]", "goes on to the end"),
    ],
)  # fmt: skip
def test_another_value_is_told(value, words):
    assert words in forks.check(value)


@pytest.mark.attack("arguments")
@pytest.mark.parametrize("value", ["backbone[11:]", "backbone[-12:]", "neck[12:]", "backbone[0:]", "backbone[-11:]"])
def test_a_layer_that_is_not_there_or_the_first_is_told(value):
    with pytest.raises(TintboxError, match=r"has 1[12] layers in yolo11n|nothing would be shared"):
        forks.find(value, GROUPS, "yolo11n")


def test_a_slim_branch_alone_has_a_limit():
    assert 0 < forks.room("slim") < 0.4
    assert [forks.room(value) for value in (True, "head", "neck", "backbone[5:]")] == [None] * 4


def test_words_alone_leave_the_levels_to_the_boxes():
    given = (True, "slim", "head", "neck", "backbone[5:]", "neck[3:]")
    assert [value in forks.BY_SIZE for value in given] == [True, True, False, False, False, False]
