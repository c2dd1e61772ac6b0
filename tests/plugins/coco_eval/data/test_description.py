"""The content of a dataset YAML."""

import numpy as np
import pytest
import yaml

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.description import describe, describe_without_validation, find, lacks_validation

BLANK = np.zeros((32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def dataset(write_dataset):
    rows = [(BLANK, ["0 .5 .5 .2 .2"])]
    return write_dataset("described", ["a", "b"], {"train": rows, "val": rows})


@pytest.fixture
def without(dataset, tmp_path):
    """The dataset's YAML without a validation split."""
    content = {key: value for key, value in yaml.safe_load(dataset.read_text()).items() if key != "val"}
    file = tmp_path / "without.yaml"
    file.write_text(yaml.safe_dump({**content, "path": str(dataset.parent)}))
    return file


def test_paths_are_resolved(dataset):
    found = describe(dataset)
    assert found["names"] == {0: "a", 1: "b"}
    assert str(found["val"]).startswith(str(dataset.parent))
    assert find(dataset) == dataset and find("bccd.yaml").name == "bccd.yaml" and find("nowhere.yaml") is None


def test_a_yaml_without_a_validation_split(dataset, without):
    assert lacks_validation(without) and not lacks_validation(dataset) and not lacks_validation("nowhere.yaml")
    found = describe_without_validation(without)
    assert found["val"] is None and found["yaml_file"] == str(without)
    assert found["train"] == describe(dataset)["train"]


@pytest.mark.attack("folds")
def test_what_is_no_dataset_is_a_line(tmp_path):
    with pytest.raises(TintboxError, match=r"^data=nowhere.yaml: no such file$"):
        describe("nowhere.yaml", download=False)
    file = tmp_path / "odd.yaml"
    file.write_text("train: images")
    with pytest.raises(TintboxError, match=r"^data=.*odd.yaml: "):
        describe(file)
    with pytest.raises(TintboxError, match=r"odd.yaml") as error:
        describe_without_validation(file)
    assert "tintbox-data-" not in str(error.value), "the copy that was tried is not the user's"
