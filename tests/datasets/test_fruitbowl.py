"""The fruit bowl: same files from the same seed, correct labels, colours that follow from shape and texture."""

import hashlib
import importlib.resources
import os
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from tintbox.datasets import staging
from tintbox.datasets.fruit_shapes import FRUITS
from tintbox.datasets.fruitbowl import LEAST_VISIBLE, NAMES, SIZE, draw, generate
from tintbox.datasets.fruits import draw_fruit
from tintbox.datasets.grounds import GROUNDS
from tintbox.errors import TintboxError

YAML = Path(str(importlib.resources.files("tintbox.datasets") / "fruitbowl.yaml"))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("small") / "fruitbowl", train=6, val=3)


@pytest.fixture(scope="module")
def pictures():
    return [draw(i) for i in range(60)]


@pytest.mark.smoke
def test_same_seed_gives_the_same_files(small, tmp_path):
    assert digests(generate(tmp_path / "again", train=6, val=3)) == digests(small)


def test_another_seed_gives_other_pictures():
    assert not np.array_equal(draw(0, seed=0).image, draw(0, seed=1).image)
    assert not np.array_equal(draw(0, "train").image, draw(0, "val").image)


def test_a_picture_depends_on_nothing_drawn_before(small):
    written = cv2.imread(str(small / "images/train/00004.png"))[..., ::-1]
    assert np.array_equal(written, draw(4).image)


def test_layout_and_yolo_labels(small):
    for split, count in (("train", 6), ("val", 3)):
        images = sorted((small / "images" / split).iterdir())
        assert [p.name for p in images] == [f"{i:05d}.png" for i in range(count)]
        assert [p.stem for p in images] == sorted(p.stem for p in (small / "labels" / split).iterdir())
        for index, path in enumerate(images):
            assert cv2.imread(str(path)).shape == (SIZE, SIZE, 3)
            rows = np.loadtxt(small / "labels" / split / f"{path.stem}.txt", ndmin=2)
            assert np.allclose(rows, draw(index, split).labels, rtol=0, atol=1e-6)
            assert set(rows[:, 0]) <= set(range(len(NAMES)))
            low, high = rows[:, 1:3] - rows[:, 3:] / 2, rows[:, 1:3] + rows[:, 3:] / 2
            assert (rows[:, 3:] > 0).all() and low.min() >= -1e-6 and high.max() <= 1 + 1e-6


def test_boxes_are_tight_about_the_visible_fruit(pictures):
    for picture in pictures:
        assert set(np.unique(picture.instances)) - {0} == set(range(1, len(picture.labels) + 1))
        for number, (_, x, y, w, h) in enumerate(picture.labels, 1):
            bx, by, bw, bh = cv2.boundingRect((picture.instances == number).astype(np.uint8))
            side = picture.instances.shape[0]
            assert np.allclose([x - w / 2, y - h / 2, w, h], np.array([bx, by, bw, bh]) / side, rtol=0, atol=1e-9)


def test_fruits_overlap_and_none_is_nearly_hidden(pictures):
    assert 2 <= np.mean([len(p.labels) for p in pictures]) <= 7
    assert max(len(p.labels) for p in pictures) == 7
    smallest = dict.fromkeys(NAMES, np.inf)
    for picture in pictures:
        for number, row in enumerate(picture.labels, 1):
            area = float((picture.instances == number).sum())
            smallest[NAMES[int(row[0])]] = min(smallest[NAMES[int(row[0])]], area)
    rng = np.random.default_rng(0)
    for name, area in smallest.items():  # against the smallest whole fruit of the class: zoom 0.9, size 0.85
        whole = (draw_fruit(rng, name, FRUITS[name][1] * 2 * 0.9 * 0.85).cover > 0.5).sum()
        assert area >= 0.8 * LEAST_VISIBLE * whole, name


@pytest.mark.parametrize("ground", GROUNDS, ids=lambda g: g.__name__)
def test_every_ground_has_a_texture_in_grey(ground):
    grey = ground(np.random.default_rng(0), 128).mean(0)
    assert grey.shape == (128, 128) and (grey - cv2.GaussianBlur(grey, (0, 0), 6)).std() > 0.02


def test_an_existing_dataset_is_left_alone(small):
    before = {p: p.stat().st_mtime_ns for p in small.rglob("*")}
    generate(small, train=6, val=3)
    assert before == {p: p.stat().st_mtime_ns for p in small.rglob("*")}


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"train": -3}, {"val": 1.5}, {"train": True}])
def test_numbers_that_are_not_whole_or_below_zero_are_refused(tmp_path, wrong):
    (name,) = wrong
    with pytest.raises(TintboxError, match=f"^{name}={wrong[name]}: give a whole number of 0 or more"):
        generate(tmp_path / "fruitbowl", **{"train": 1, "val": 1, **wrong})
    assert not list(tmp_path.iterdir())


def test_another_seed_is_not_mixed_in(small):
    with pytest.raises(TintboxError, match=r"holds another dataset.*seed 0.*not.*seed 5.*delete the folder") as caught:
        generate(small, train=6, val=3, seed=5)
    assert "\n" not in str(caught.value)


def test_the_folder_may_be_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # on Windows
    assert generate("~/fruitbowl", train=1, val=0) == tmp_path / "fruitbowl"


def test_a_killed_run_leaves_nothing(tmp_path, monkeypatch):
    def killed(index, split, seed):
        if (split, index) == ("val", 1):
            raise KeyboardInterrupt
        return draw(index, split, seed)

    monkeypatch.setattr("tintbox.datasets.fruitbowl.draw", killed)
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "fruitbowl", train=2, val=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["images/val", "images/val/00001.png", "labels/train", "tintbox.json"])
def test_a_half_dataset_is_mended(small, tmp_path, lost):
    whole = digests(small)
    half = generate(tmp_path / "fruitbowl", train=6, val=3)
    (half / "mine.txt").write_text("kept")
    gone = half / lost
    for path in sorted(gone.iterdir()) if gone.is_dir() else [gone]:
        path.unlink()
    if gone.is_dir():
        gone.rmdir()
    generate(half, train=6, val=3)
    assert (half / "mine.txt").read_text() == "kept"
    (half / "mine.txt").unlink()
    assert digests(half) == whole and [p.name for p in tmp_path.iterdir()] == ["fruitbowl"]


def test_abandoned_staging_folders_are_swept(tmp_path, monkeypatch):
    (tmp_path / ".fruitbowl.staging-0123").mkdir()
    generate(tmp_path / "fruitbowl", train=1, val=1)
    assert len(list(tmp_path.iterdir())) == 2  # recent: it may belong to another run
    old = time.time() - 2 * staging.STALE_AFTER
    os.utime(tmp_path / ".fruitbowl.staging-0123", (old, old))
    (tmp_path / "fruitbowl" / "tintbox.json").unlink()
    generate(tmp_path / "fruitbowl", train=1, val=1)
    assert [p.name for p in tmp_path.iterdir()] == ["fruitbowl"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TintboxError, match=r"cannot write the dataset .*; free the disk or give another 'path'$"):
        generate(tmp_path / "file" / "fruitbowl", train=1, val=1)


def test_yaml_agrees_with_the_code_and_with_its_counts(tmp_path):
    data = yaml.safe_load(YAML.read_text(encoding="utf-8"))
    assert list(data["names"].values()) == list(NAMES) and data["palette"] == 24
    exec(data["download"], {"yaml": {"path": tmp_path / "fruitbowl"}})
    boxes = {}
    for split, count in (("train", 400), ("val", 100)):
        files = list((tmp_path / "fruitbowl" / "labels" / split).iterdir())
        assert len(files) == count
        boxes[split] = Counter(int(line.split()[0]) for f in files for line in f.read_text().splitlines())
    assert 15 <= boxes["train"][0] / boxes["train"][7] <= 27
    assert all(boxes["val"][c] >= 2 for c in range(len(NAMES)))
    header = " ".join(
        line.lstrip("# ") for line in YAML.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    )
    for c, name in enumerate(NAMES):
        assert f"{name} {boxes['train'][c]} / {boxes['val'][c]}" in header
