"""Ultralytics' own functions on a dataset's files."""

import logging
import os
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from ultralytics.utils import LOGGER

from tintbox.datasets.reading import dataset_files
from tintbox.errors import TintboxError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.jpg", "c.txt", "sub/d.bmp"):
        file = tmp_path / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    return tmp_path / "images"


def test_pictures_are_sorted_and_nothing_else_changes(folder):
    level, state = LOGGER.level, random.getstate()
    found = dataset_files.picture_files(str(folder))
    assert found == [str(folder / name) for name in ("a.jpg", "b.png", "sub/d.bmp")]
    assert (LOGGER.level, random.getstate()) == (level, state)
    (folder.parent / "some.txt").write_text("./images/b.png\n")
    assert dataset_files.picture_files(str(folder.parent / "some.txt")) == [str(folder / "b.png")]
    assert [len(dataset_files.picture_files(str(folder), share)) for share in (0.4, 0.67, 2, 1.0)] == [1, 2, 2, 3]
    both = dataset_files.picture_files([str(folder / "sub"), str(folder.parent / "some.txt")])
    assert sorted(both) == [str(folder / "b.png"), str(folder / "sub" / "d.bmp")]


@pytest.mark.attack("files that eat the machine")
def test_a_folder_that_contains_itself_is_not_searched(folder):
    for name in "xy":
        (folder / name).symlink_to(".")
    for path in (str(folder), [str(folder / "sub"), str(folder)]):
        with pytest.raises(TintboxError, match="a link back to the folder it is in"):
            dataset_files.picture_files(path)


def test_the_level_comes_back_after_an_error(tmp_path):
    LOGGER.setLevel(logging.INFO)
    with pytest.raises(FileNotFoundError):
        dataset_files.picture_files(str(tmp_path / "nowhere"))
    assert LOGGER.level == logging.INFO


def test_labels_lie_beside_the_pictures():
    found = dataset_files.label_files(str(Path("a", "images", "x", f"{name}.jpeg")) for name in "pq")
    assert found == [str(Path("a", "labels", "x", f"{name}.txt")) for name in "pq"]
    assert dataset_files.label_files([]) == []


@pytest.mark.parametrize(("orientation", "size"), [(None, (30, 20)), (1, (30, 20)), (6, (20, 30)), (8, (20, 30)),
                                                   (3, (30, 20))])  # fmt: skip
def test_the_size_is_that_of_the_decoded_picture(tmp_path, orientation, size):
    picture, exif = Image.new("RGB", (30, 20)), Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert dataset_files.picture_size(str(tmp_path / "a.jpg")) == size
    assert cv2.imread(str(tmp_path / "a.jpg")).shape[1::-1] == size


def test_what_is_no_picture(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    Image.new("1", (20_000, 10_000)).save(tmp_path / "huge.png")
    for name in ("a.png", "b.png", "huge.png"):
        with pytest.raises(OSError, match=name):
            dataset_files.picture_size(str(tmp_path / name))


def test_nothing_is_installed_for_what_is_no_picture(tmp_path, monkeypatch, capfd):
    """Ultralytics takes it for HEIC, which needs a package; its notice would go to where JSON goes."""
    monkeypatch.setattr("ultralytics.utils.checks.check_requirements", lambda *_, **__: pytest.fail("an installation"))
    (tmp_path / "a.png").write_bytes(b"no picture")
    for look in (dataset_files.picture_size, dataset_files.check_whole):
        with pytest.raises(OSError, match=r"a\.png"):
            look(str(tmp_path / "a.png"))
    assert capfd.readouterr() == ("", "")


def test_a_picture_that_is_cut_off(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
    for name in ("a.png", "a.jpg"):
        file = tmp_path / name
        cv2.imwrite(str(file), pixels)
        dataset_files.check_whole(str(file))
        file.write_bytes(file.read_bytes()[:-200])
        with pytest.raises((OSError, SyntaxError)):
            dataset_files.check_whole(str(file))


@pytest.mark.parametrize(
    ("path", "own"),
    [
        (f"/x/coco{os.sep}val2017.txt", True),
        (f"coco{os.sep}test-dev2017.txt", True),
        (f"/x/coc{os.sep}val2017.txt", False),
        (f"/x/coco{os.sep}images", False),
        ("cocoval2017.txt", False),
        ([f"/x/coco{os.sep}val2017.txt"], False),
        (None, False),
    ],
)
def test_cocos_own_splits(path, own):
    assert dataset_files.is_coco(path) is own


def test_cocos_category_ids_rise_and_leave_out_ten():
    ids = dataset_files.coco_category_ids()
    assert len(ids) == 80 and ids == sorted(set(ids)) and (ids[0], ids[-1]) == (1, 90)
    assert set(range(1, 91)) - set(ids) == {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    assert np.diff(ids).min() == 1


@pytest.mark.parametrize(("fraction", "share"), [(0.5, 0.5), (20, 20), ([0.25, 1.0], 0.25), (None, 1.0), (1, 1.0)])
def test_the_share_of_the_images_that_a_run_trains_on(fraction, share):
    assert dataset_files.training_share(fraction) == share
    assert isinstance(dataset_files.training_share(fraction), type(share))


@pytest.mark.parametrize("fraction", ["half", [], -1, float("nan"), True])
def test_a_share_that_ultralytics_will_refuse_is_all_images(fraction):
    assert dataset_files.training_share(fraction) == 1.0
