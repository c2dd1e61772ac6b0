"""Mapping of one head's classes to another's."""

import pytest

from tintbox.plugins.anchor.transfer import matching_rows


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [
        ({0: "cat", 1: "dog"}, {0: " DOG", 1: "cow", 2: "cat"}, {0: 1, 2: 0}),
        ({0: "cat", 1: "dog"}, {0: "cat", 1: "dog"}, None),  # equal
        ({0: "cat", 1: "dog"}, {0: "dog", 1: "cat"}, {0: 1, 1: 0}),
        ({0: "0", 1: "1"}, {0: "cat", 1: "dog"}, None),  # equally many, and the old ones have no names
        (None, {0: "cat", 1: "dog", 2: "cow"}, {}),
    ],
)
def test_rows_go_by_the_names_of_the_classes(old, new, rows):
    assert matching_rows(old, new, 2, len(new)) == rows
