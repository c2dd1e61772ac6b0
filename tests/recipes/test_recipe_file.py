"""A recipe as YAML: values in a line each, and names of any kind in its comments."""

import pytest
import yaml

from tintbox.recipes import recipe_file
from tintbox.recipes.recipe_file import as_yaml
from tintbox.recipes.rules import Recipe, Setting


@pytest.mark.parametrize(
    "value", [3, 1e-05, True, None, "auto", "a: b # c", "", [0, 1], {0.5: "backbone"}, "x" * 2000, [["a"] * 300]]
)
def test_a_value_reads_as_what_was_written(value):
    text = as_yaml(value)
    assert "\n" not in text and yaml.safe_load(text) == value


def test_a_file_name_that_is_not_utf8_is_escaped(tmp_path):
    """The file is UTF-8, as YAML has to be, and known as unedited."""
    recipe = Recipe([Setting("epochs", 3, "caf\udce9")], ["1 label in train: without area, e.g. caf\udce9.txt:1"])
    file = recipe_file.write(tmp_path / "r.yaml", recipe, "m\udce9.pt", "d\udce9.yaml", 30)
    text = file.read_text(encoding="utf-8")
    assert "# 1 label in train: without area, e.g. caf\\udce9.txt:1\n" in text and text.count("\\udce9") == 6
    assert yaml.safe_load(text) == {"epochs": 3}
    recipe_file.check(file)
