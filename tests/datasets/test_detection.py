"""Blood cells and aquarium: copied from a folder, converted from Pascal VOC, and one-line errors."""

import importlib.resources
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from tintbox.datasets import voc
from tintbox.datasets.detection import SOURCE, prepare
from tintbox.errors import TintboxError, TintboxFileError

from .conftest import annotation, one_line_error

YAMLS = Path(str(importlib.resources.files("tintbox.datasets")))
NAMES = {0: "RBC", 1: "WBC", 2: "Platelets"}
CLASSES = list(NAMES.values())
WIDTH, HEIGHT = 64, 48


@pytest.fixture(autouse=True)
def _no_data(monkeypatch):
    monkeypatch.delenv(SOURCE, raising=False)


OBJECTS = {
    "a": [("WBC", 16, 12, 48, 36), ("RBC", 0, 0, 32, 24)],
    "b": [("Platelets", -8, 24, 72, 60), ("RBC", 20, 20, 20, 20), ("RBC", 70, 0, 90, 10)],  # outside, no area, beyond
    "c": [],
    "d": [("RBC", 1, 1, 64, 48)],
}
LABELS = {
    "a": "1 0.500000 0.500000 0.500000 0.500000\n0 0.250000 0.250000 0.500000 0.500000\n",
    "b": "2 0.500000 0.750000 1.000000 0.500000\n",
    "c": "",
    "d": "0 0.507812 0.510417 0.984375 0.979167\n",
}
LISTS = {"train": "a\nc\n", "val": "b\n", "test": "d\n"}


@pytest.fixture
def tree(tmp_path):
    """A Pascal VOC tree two folders down, as in the repository's archive."""
    root = tmp_path / "archive" / "BCCD_Dataset-master" / "BCCD"
    for folder in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (root / folder).mkdir(parents=True)
    for split, names in LISTS.items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text(names)
    for stem, objects in OBJECTS.items():
        (root / "Annotations" / f"{stem}.xml").write_text(annotation(*objects))
        cv2.imwrite(str(root / "JPEGImages" / f"{stem}.jpg"), np.full((HEIGHT, WIDTH, 3), 99, np.uint8))
    return root


def zipped(tree: Path) -> Path:
    """The archive of the tree, as a file."""
    return Path(shutil.make_archive(str(tree.parents[2] / "master"), "zip", tree.parents[1]))


def assert_converted(folder: Path, tree: Path) -> None:
    for split, names in LISTS.items():
        stems = names.split()
        assert sorted(p.stem for p in (folder / "images" / split).iterdir()) == stems
        assert sorted(p.name for p in (folder / "labels" / split).iterdir()) == [f"{s}.txt" for s in stems]
        for stem in stems:
            assert (folder / "labels" / split / f"{stem}.txt").read_text() == LABELS[stem]
            picture = (folder / "images" / split / f"{stem}.jpg").read_bytes()
            assert picture == (tree / "JPEGImages" / f"{stem}.jpg").read_bytes()


def test_the_archive_is_downloaded_and_converted(tree, tmp_path):
    folder = prepare(tmp_path / "out", "bccd", NAMES, url=zipped(tree).as_uri())
    assert_converted(folder, tree)
    assert prepare(folder, "bccd", NAMES, url="file:///nowhere") == folder  # already there: nothing is downloaded
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_clone_in_the_data_folder_is_converted(tree, tmp_path, monkeypatch):
    shutil.copytree(tree.parent, tmp_path / "data" / "bccd")
    monkeypatch.setenv(SOURCE, str(tmp_path / "data"))
    assert_converted(prepare(tmp_path / "out", "bccd", NAMES), tree)


@pytest.fixture
def yolo_folder(tree, tmp_path):
    """A data folder with the dataset in Ultralytics' layout; its files are read-only."""
    folder = tmp_path / "data" / "bccd"
    folder.mkdir(parents=True)
    voc.convert(tree, folder, CLASSES)
    for file in folder.rglob("*.*"):
        file.chmod(0o444)
    return folder


def test_the_data_folder_is_copied(tree, yolo_folder, tmp_path, monkeypatch):
    monkeypatch.setenv(SOURCE, str(yolo_folder.parent))
    folder = prepare(tmp_path / "out", "bccd", NAMES)
    assert_converted(folder, tree)
    assert not any(p.is_symlink() for p in folder.rglob("*"))
    (folder / "labels" / "train" / "a.txt").write_text("")  # copies of read-only files are writable


def test_a_roboflow_export_is_copied(tree, yolo_folder, tmp_path, monkeypatch):
    export = tmp_path / "exports" / "bccd"
    for split, name in (("train", "train"), ("val", "valid"), ("test", "test")):
        for kind in ("images", "labels"):
            shutil.copytree(yolo_folder / kind / split, export / name / kind)
    (export / "data.yaml").write_text(f"names: {CLASSES}\n")
    monkeypatch.setenv(SOURCE, str(tmp_path / "exports"))
    assert_converted(prepare(tmp_path / "out", "bccd", NAMES), tree)
    (export / "data.yaml").write_text("names: [RBC, Platelets, WBC]\n")
    with pytest.raises(TintboxError, match=r"data\.yaml: its classes are RBC, Platelets, WBC, not RBC, WBC, Plat"):
        prepare(tmp_path / "other", "bccd", NAMES)


def test_data_folder_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv(SOURCE, str(tmp_path / "none"))
    with pytest.raises(TintboxFileError, match=f"{SOURCE}={tmp_path}/none: no such folder; let it name .* or unset it"):
        prepare(tmp_path / "out", "bccd", NAMES)
    monkeypatch.setenv(SOURCE, str(tmp_path))
    with pytest.raises(TintboxFileError, match=f"{SOURCE}={tmp_path}: no folder 'bccd' in it; unset it to download"):
        prepare(tmp_path / "out", "bccd", NAMES)
    (tmp_path / "BCCD-data").mkdir()
    (tmp_path / "bcd").mkdir()
    with pytest.raises(TintboxFileError, match="no folder 'bccd' in it; did you mean 'bcd'"):
        prepare(tmp_path / "out", "bccd", NAMES)
    with pytest.raises(TintboxFileError, match=r"no folder 'aquarium' in it; get it from https://public\.robofl"):
        prepare(tmp_path / "out", "aquarium", {0: "fish"})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("lost", "message"),
    [("images/val", "no images in images/val"), ("labels/test", "no labels of the split 'test'")],
)
def test_incomplete_data_folder(yolo_folder, tmp_path, monkeypatch, lost, message):
    shutil.rmtree(yolo_folder / lost)
    monkeypatch.setenv(SOURCE, str(yolo_folder.parent))
    with pytest.raises(TintboxFileError, match=f"{yolo_folder}: {message}; it needs images/ and labels/") as caught:
        prepare(tmp_path / "out", "bccd", NAMES)
    one_line_error(caught)
    assert not (tmp_path / "out").exists()


def test_aquarium_is_not_downloaded(tmp_path):
    with pytest.raises(TintboxError, match=r"public\.roboflow\.com/object-detection/aquarium, .*let TINTBOX_DATA name"):
        prepare(tmp_path / "out", "aquarium", {0: "fish"})


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("Annotations/b.xml", "<annotation><object>", r"broken XML \(no element found.*\); get it again"),
        ("Annotations/b.xml", annotation(("RCB", 1, 1, 9, 9)), r"object 1 is of no known class: 'RCB'.*mean 'RBC'"),
        ("Annotations/b.xml", annotation(("RBC", 1, 1, 9, "wide")), "ymax of object 1 is no number \\('wide'\\)"),
        ("Annotations/b.xml", annotation(("RBC", 1, "nan", 9, 9)), "ymin of object 1 is no number \\('nan'\\)"),
        ("Annotations/b.xml", None, "no such file; get the dataset again"),
        ("JPEGImages/d.jpg", None, "no such file; get the dataset again"),
        ("JPEGImages/d.jpg", "no picture", "not a readable image"),
        ("ImageSets/Main/test.txt", None, "no such file"),
        ("ImageSets/Main/test.txt", "\n", "the list is empty"),
        ("ImageSets/Main/test.txt", "../../d", r"'\.\./\.\./d' is no file name"),
    ],
)
def test_damaged_tree(tree, tmp_path, file, content, message):
    if content is None:
        (tree / file).unlink()
    else:
        (tree / file).write_text(content)
    with pytest.raises(TintboxError, match=f"BCCD/{file}: {message}") as caught:
        prepare(tmp_path / "out", "bccd", NAMES, url=zipped(tree).as_uri())
    one_line_error(caught)
    assert not (tmp_path / "out").exists()


def test_download_of_something_else(tree, tmp_path):
    other = tmp_path / "master.zip"
    for content in (b"", b"<html>", zipped(tree).read_bytes()[:-99]):
        other.write_bytes(content)
        with pytest.raises(TintboxError, match=f"{other}: no zip file, or cut short .*let {SOURCE} name") as caught:
            prepare(tmp_path / "out", "bccd", NAMES, url=other.as_uri())
        one_line_error(caught)
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("readme.txt", "nothing")
    with pytest.raises(TintboxError, match="no Pascal VOC tree in it"):
        prepare(tmp_path / "out", "bccd", NAMES, url=other.as_uri())


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/master.zip", "file:///nowhere/master.zip"])
def test_offline(tmp_path, url):
    with pytest.raises(TintboxError, match=f"{url}: cannot download bccd .*let {SOURCE} name the folder") as caught:
        prepare(tmp_path / "out", "bccd", NAMES, url=url)
    one_line_error(caught)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "pictures", "boxes"),
    [
        ("bccd", (205, 87, 72), {"RBC": 4153, "WBC": 372, "Platelets": 361}),
        ("aquarium", (448, 127, 63), 4815),
        ("cards", (218, 73, 72), 670),
        ("boards", (90, 30, 29), 177),
        ("pcb", (300, 100, 100), 3348),
    ],
)
def test_real_data_through_the_yaml(shared_data, tmp_path, monkeypatch, name, pictures, boxes):
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    monkeypatch.setenv(SOURCE, str(shared_data))
    data = yaml.safe_load((YAMLS / f"{name}.yaml").read_text(encoding="utf-8"))
    file = tmp_path / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**data, "path": str(tmp_path / name)}))
    found = check_det_dataset(str(file))
    counts = Counter()
    for split, count in zip(("train", "val", "test"), pictures, strict=True):
        labels = YOLODataset(found[split], data=found, task="detect", augment=False).labels
        assert len(labels) == count
        for label in labels:
            counts.update(found["names"][int(c)] for c in label["cls"].reshape(-1))
    assert (dict(counts) if isinstance(boxes, dict) else counts.total()) == boxes
