"""Reading of Pascal VOC trees."""

import zipfile

import numpy as np
import pytest

from tintbox.datasets import voc
from tintbox.errors import TintboxError, TintboxFileError

from .conftest import annotation

CLASSES = ["RBC", "WBC", "Platelets"]


def test_the_conversion_agrees_with_an_annotation_of_the_real_dataset():
    # Two boxes of BloodImage_00338: one without area, as in the original file, and one at the lower edge.
    text = annotation(("RBC", 504, 337, 504, 337), ("WBC", 244, 327, 509, 480), ("RBC", 453, 81, 555, 182)).encode()
    labels = voc.parse(text, (640, 480), CLASSES, where="x")
    assert [label[0] for label in labels] == [1, 0]
    expected = [(0.588281, 0.840625, 0.414062, 0.318750), (0.787500, 0.273958, 0.159375, 0.210417)]
    assert np.allclose([label[1:] for label in labels], expected, atol=1e-6)


def test_boxes_are_clipped_and_those_without_area_left_out():
    text = annotation(
        ("RBC", -10, -10, 20, 10),  # half outside
        ("WBC", 30, 30, 90, 90),  # beyond the far corner
        ("RBC", 20, 20, 20, 40),  # no width
        ("RBC", 40, 10, 30, 20),  # inverted
        ("Platelets", 70, 5, 80, 9),  # wholly outside
    ).encode()
    labels = voc.parse(text, (64, 48), CLASSES, where="x")
    assert [label[0] for label in labels] == [0, 1]
    assert np.allclose(labels[0][1:], [10 / 64, 5 / 48, 20 / 64, 10 / 48])
    assert np.allclose(labels[1][1:], [47 / 64, 39 / 48, 34 / 64, 18 / 48])


def test_an_annotation_without_objects():
    assert voc.parse(annotation().encode(), (64, 48), CLASSES, where="x") == []


@pytest.mark.parametrize("lost", ["xmin", "ymax", "bndbox", "name"])
def test_what_an_object_lacks_is_named(lost):
    text = annotation(("RBC", 1, 2, 3, 4)).replace(f"<{lost}>", "<other>").replace(f"</{lost}>", "</other>")
    wrong = {"name": "object 1 is of no known class: ''", "bndbox": "xmin of object 1 is no number"}
    with pytest.raises(TintboxError, match=wrong.get(lost, f"{lost} of object 1 is no number")) as caught:
        voc.parse(text.encode(), (64, 48), CLASSES, where="a.xml")
    assert str(caught.value).startswith("a.xml: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_a_tree_is_found_up_to_two_folders_down(tmp_path, depth):
    tree = tmp_path.joinpath(*"abc"[:depth])
    (tree / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "file.txt").touch()
    assert voc.find(tmp_path) == (tree if depth < 3 else None)


def test_a_tree_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("master/BCCD/ImageSets/Main/train.txt", "a")
    found = voc.find(zipfile.Path(tmp_path / "a.zip"))
    assert found is not None and found.name == "BCCD"
    with pytest.raises(TintboxFileError, match=r"val\.txt: no such file; get the dataset again"):
        voc._read(found.joinpath("ImageSets", "Main", "val.txt"))
