"""Values of a recipe as YAML, each in a line."""

import pytest
import yaml

from tintbox.recipes.recipe_file import as_yaml


@pytest.mark.parametrize(
    "value", [3, 1e-05, True, None, "auto", "a: b # c", "", [0, 1], {0.5: "backbone"}, "x" * 2000, [["a"] * 300]]
)
def test_a_value_reads_as_what_was_written(value):
    text = as_yaml(value)
    assert "\n" not in text and yaml.safe_load(text) == value
