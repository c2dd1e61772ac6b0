"""The content of a dataset YAML."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from tintbox.datasets.reading.description import describe, describe_without_validation, find, lacks_validation
from tintbox.errors import TintboxError, TintboxFileError

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
    assert find(dataset) == find(dataset.with_suffix("")) == dataset and find(dataset.parent) is None
    assert find("bccd.yaml").name == "bccd.yaml" and find("nowhere") is None


def test_a_yaml_without_a_validation_split(dataset, without):
    assert lacks_validation(without) and not lacks_validation(dataset) and not lacks_validation("nowhere")
    found = describe_without_validation(without)
    assert found["val"] is None and found["yaml_file"] == str(without)
    assert found["train"] == describe(dataset)["train"]


def test_a_split_without_which_it_is_no_use(dataset):
    assert describe(dataset, "train")["names"] == {0: "a", 1: "b"}
    with pytest.raises(TintboxFileError, match=r"^data=.*: .* 'test:' images not found"):
        describe(dataset, "test")


def test_nothing_is_downloaded_or_unpacked(tmp_path):
    (tmp_path / "a.zip").touch()
    for data, message in (
        ("http://x.org/a.yaml", "^data=http://x.org/a.yaml would have to be downloaded$"),
        ("imagenet", "^data=imagenet: 'imagenet' does not exist; give a dataset's YAML"),
        (tmp_path, "No YAML file found in '.*'; give a dataset's YAML"),
        (tmp_path / "a.zip", "a.zip: no dataset's YAML$"),
        (tmp_path / "a.yaml", "a.yaml' does not exist$"),
    ):
        with pytest.raises(TintboxError, match=message):
            describe(data, download=False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("mien.yaml", "data=mien.yaml: 'mien.yaml' does not exist; did you mean 'mine.yaml'?"),
        ("mien", "data=mien: 'mien' does not exist; give a dataset's YAML, which names its images"),
        ("train.jsn", "data=train.jsn: 'train.jsn' does not exist; did you mean 'train.json'?"),
        ("seg", "data=seg: No YAML file found in '{}/seg'; did you mean 'seg.yaml'?"),
        ("train.json", "data=train.json: Not a YAML file: train.json; give a dataset's YAML, which names its images"),
        ("cards", "data=cards: No YAML file found in '{}/cards'; give a dataset's YAML, which names its images"),
        (".", "data=.: Expected 1 YAML file in '{}'"),
    ],
)
def test_what_to_give_instead(tmp_path, monkeypatch, data, message):
    monkeypatch.chdir(tmp_path)
    for name in ("mine.yaml", "seg.yaml", "train.json"):
        Path(name).write_text("{}")
    for name in ("seg", "cards"):
        Path(name).mkdir()
    with pytest.raises(TintboxError) as error:
        describe(data)
    assert str(error.value).startswith(message.format(tmp_path))


def test_names_without_a_suffix(without, monkeypatch):
    monkeypatch.chdir(without.parent)
    assert lacks_validation("without") and describe_without_validation("without")["val"] is None


@pytest.mark.attack("folds")
def test_what_is_no_dataset_is_a_line(tmp_path):
    with pytest.raises(TintboxError, match=r"^data=nowhere.yaml: 'nowhere.yaml' does not exist$"):
        lacks_validation("nowhere.yaml")
    file = tmp_path / "odd.yaml"
    file.write_text("- images")
    with pytest.raises(TintboxError, match=r"^data=.*odd.yaml: a YAML file of key: value lines is wanted$"):
        describe(file)
    file.write_text("train: images")
    with pytest.raises(TintboxError, match=r"^data=.*odd.yaml: "):
        describe(file)
    with pytest.raises(TintboxError, match=r"odd.yaml") as error:
        describe_without_validation(file)
    assert "tintbox-data-" not in str(error.value), "the copy that was tried is not the user's"
