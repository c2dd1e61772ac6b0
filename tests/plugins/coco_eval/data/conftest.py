"""Datasets with labels to build truth from, and the error message of an invalid one."""

import pytest
import yaml
from PIL import Image
from ultralytics.data.utils import check_det_dataset

from tintbox.errors import TintboxError

NAMES = {0: "cat", 1: "dog"}


@pytest.fixture
def dataset(tmp_path):
    """Write a dataset of images and labels by name; returns Ultralytics' `check_det_dataset` of its YAML."""

    def write(labels, names=NAMES, size=(40, 20), **keys):
        """``labels``: image path in images/val -> text of its label file, or None for no file."""
        for picture, text in labels.items():
            file = tmp_path / "images" / "val" / picture
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", size).save(file)
            if text is not None:
                label = (tmp_path / "labels" / "val" / picture).with_suffix(".txt")
                label.parent.mkdir(parents=True, exist_ok=True)
                label.write_text(text)
        file = tmp_path / "some.yaml"
        splits = {"train": "images/val", "val": "images/val"}
        file.write_text(yaml.safe_dump({"path": str(tmp_path), **splits, "names": names, **keys}))
        return check_det_dataset(str(file))

    return write


def message(call, *args):
    """Return the one-line message of the error that a call raises."""
    with pytest.raises(TintboxError) as error:
        call(*args)
    assert "\n" not in str(error.value)
    return str(error.value)
