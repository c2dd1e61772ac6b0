"""Which classes are new, and how classes are matched by name."""

import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.extend.classes import NewClasses, listed, match

OLD = {0: "person", 1: "Cat", 2: "dog"}


def test_known_classes_are_left_out_by_name():
    added = NewClasses.of(OLD, {0: "ace", 1: " cat", 2: "king", 3: "dog"})
    assert added.names == ("ace", "king")
    assert added.indices == (0, -1, 1, -1)
    assert added.known == (" cat", "dog")


def test_classes_that_are_not_chosen_are_left_out():
    added = NewClasses.of(OLD, ["ace", "king", "queen", "cat"], chosen=[2, 3])
    assert (added.names, added.indices, added.known) == (("queen",), (-1, -1, 0, -1), ("cat",))
    assert NewClasses.of(OLD, ["ace", "king"], chosen=1).names == ("king",)


@pytest.mark.attack("arguments")
@pytest.mark.parametrize(
    ("names", "chosen", "words"),
    [
        (["dog", "person"], None, "the model knows dog, person"),
        (["ace", "dog"], [1], "the model knows dog already; give a dataset with others, or"),
        (["ace", "king"], [7], "classes=.7.: no class 7 in data=cards.yaml; its classes are numbered 0 to 1"),
        (["ace", "king"], [], "classes=.. chooses none; its classes are numbered 0 to 1"),
        (["ace", "king", "Ace "], None, "'ace' is the name of two classes"),
    ],
)
def test_nothing_new_and_a_name_twice_are_told(names, chosen, words):
    with pytest.raises(TintboxError, match=words):
        NewClasses.of(OLD, names, chosen, "cards.yaml")


def test_names_match_without_regard_to_case_and_the_first_of_two_counts():
    assert match({0: "Ace", 5: "dog", 6: "new"}, ["dog", "ace", "DOG"]) == {0: 1, 5: 0}


def test_many_names_are_listed_in_short():
    assert listed("abcdef") == "a, b, c, d, e, f"
    assert listed("abcdefg") == "a, b, c, d, e, 2 more"
