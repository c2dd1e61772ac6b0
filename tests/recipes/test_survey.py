"""What one split of a dataset holds."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from ultralytics.data.utils import verify_image_label

from tintbox import label_rows
from tintbox.errors import TintboxError
from tintbox.recipes import pictures, survey
from tintbox.recipes.advice import advise
from tintbox.recipes.survey import Split


def split(boxes=(), pictures=(), sizes=(), decoded=()):
    labels = SimpleNamespace(boxes=np.array(boxes, float).reshape(-1, 4), pictures=np.array(pictures, int))
    return Split([], np.array(sizes, int).reshape(-1, 2), labels, dict(enumerate(decoded)))


def test_the_side_of_a_box_is_a_share_of_its_pictures_longer_side():
    found = split([(0.5, 0.5, 0.25, 0.5), (0.5, 0.5, 1, 1)], [1, 0], [(10, 40), (200, 100)])
    assert found.sides == pytest.approx([50 / 200, (10 * 40) ** 0.5 / 40])


def test_a_picture_that_cannot_be_read_has_no_sides():
    assert split([(0.5, 0.5, 1, 1)], [0], [(0, 0)]).sides.tolist() == []
    assert split().sides.tolist() == []


def test_a_box_without_area_has_no_side():
    assert split([(0.5, 0.5, 0, 0.5), (0.5, 0.5, 0.5, 0.5)], [0, 0], [(100, 50)]).pixels.tolist() == [1250**0.5]


def test_the_share_of_grey_pictures():
    decoded = [SimpleNamespace(is_grey=grey) for grey in (True, False, False, True)]
    assert split(decoded=decoded).grey == 0.5 and split().grey == 0.0


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_file_that_is_no_picture_has_no_size(tmp_path, content):
    file = tmp_path / "a.png"
    if content is not None:
        file.write_bytes(content)
    assert survey.measure(str(file)) == (0, 0)


def test_a_picture_that_ultralytics_leaves_out_has_no_size(tmp_path):
    """By its own verdict: too small, cut off; what it restores counts."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
    for name, picture in (("small.png", pixels[:9]), ("whole.jpg", pixels), ("whole.png", pixels)):
        cv2.imwrite(str(tmp_path / name), picture)
    for kind in ("jpg", "png"):
        whole = (tmp_path / f"whole.{kind}").read_bytes()
        (tmp_path / f"half.{kind}").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "longer.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes() + b"\0\0")
    before = (tmp_path / "longer.jpg").read_bytes()
    found = {file.name: survey.measure(str(file)) for file in tmp_path.iterdir()}
    assert (tmp_path / "longer.jpg").read_bytes() == before
    for name, size in found.items():
        stock = verify_image_label((str(tmp_path / name), "", "", False, 1, 0, 0, False))
        assert size == (stock[2][::-1] if stock[2] else (0, 0)), name
    assert {name for name, size in found.items() if size == (0, 0)} == {"small.png", "half.jpg", "half.png"}


def test_a_survey_counts_what_ultralytics_trains_on(write_dataset):
    """By its own verdict on a split with each fault of an image or a label."""
    rng = np.random.default_rng(0)
    rows = ["0 .5 .5 .2 .2", "1 .3 .3 .1 .1"]
    faulty = ["7 .5 .5 .2 .2", "0 1.5 .5 .2 .2", "0 .5 .5 .2", "0 .5 .5 .2 .2", "0 .5 .5 0 .2", "0 .1 .1 .2 .2 .3 .3"]
    faulty += ["-1 .5 .5 .2 .2", "0 .5 .5 -.005 .2", "foo .5 .5 .2 .2", "0 1 .5 1 .2", "0 .5 .5 .2 .201"]
    contents = [*([*rows, row] for row in faulty), [], None, rows, rows, rows, rows]
    splits = {"train": [(rng.integers(0, 255, (40, 40, 3), np.uint8), content) for content in contents]}
    file = write_dataset("faulty", ["a", "b"], {**splits, "val": splits["train"][:1]})
    pictures = [file.parent / "images" / "train" / f"{i}.png" for i in range(len(contents))]
    pictures[-1].write_bytes(pictures[-1].read_bytes()[:300])
    pictures[-2].write_bytes(b"")
    cv2.imwrite(str(pictures[-3]), np.zeros((50, 9, 3), np.uint8))
    train = survey.take(file).splits["train"]
    labelled = [file.parent / "labels" / "train" / f"{i}.txt" for i in range(len(contents))]
    stock = [verify_image_label((*map(str, pair), "", False, 2, 0, 0, False)) for pair in zip(pictures, labelled)]
    kept = [one for one in stock if one[0]]
    assert train.used == len(kept) == 7
    assert (
        train.labels.counts(2).tolist() == np.bincount([c for one in kept for c in one[1][:, 0].astype(int)]).tolist()
    )
    assert train.labels.unlabelled == sum(one[5] for one in kept) == 1
    assert train.labels.empty == sum(one[7] for one in kept) == 1
    assert sorted(train.unreadable) == sorted(map(str, pictures[-3:]))
    told = advise(survey.take(file))
    assert "Ultralytics skips 7 of 17 images in train for faulty labels: fix them" in told


def test_equal_files_are_found_among_all_images_of_a_split(write_dataset, monkeypatch):
    """However few are decoded; a file that is no image is in no split."""
    monkeypatch.setattr(pictures, "MOST", 4)
    rng = np.random.default_rng(0)
    images = [(rng.integers(0, 255, (40, 40, 3), np.uint8), ["0 .5 .5 .2 .2"]) for _ in range(30)]
    file = write_dataset("shared", ["a"], {"train": images, "val": images[10:]})
    for split in ("train", "val"):
        (file.parent / "images" / split / "19.png").write_bytes(b"torn")
    held = survey.take(file)
    pairs = [[Path(path).name for path in pair] for pair in held.shared["train", "val"]]
    assert pairs == [[f"{i + 10}.png", f"{i}.png"] for i in sorted(range(19), key=lambda i: f"{i + 10}.png") if i != 9]
    told = next(line for line in advise(held) if "also in" in line)
    assert told.startswith("at least 18 of 20 images in val are also in train") and "remove them from train" in told


def test_a_training_split_of_faults_only(write_dataset):
    picture = np.zeros((32, 32, 3), np.uint8)
    file = write_dataset("wrong", ["a"], {"train": [(picture, ["3 .5 .5 .2 .2"])] * 2, "val": [(picture, [])]})
    with pytest.raises(TintboxError, match=r"skips all labelled images .*0.txt:1: unknown class; fix them$"):
        survey.take(file)


def test_a_training_split_of_files_too_large_to_check(write_dataset, monkeypatch):
    monkeypatch.setattr(label_rows, "LABEL_BYTES", 10)
    picture = np.zeros((32, 32, 3), np.uint8)
    file = write_dataset("large", ["a"], {"train": [(picture, ["0 .5 .5 .2 .2"])] * 2, "val": [(picture, [])]})
    with pytest.raises(TintboxError, match=r"no labels .* that could be checked, e.g. \S*0.txt: over 8 MiB, which"):
        survey.take(file)


def test_a_test_split_that_is_not_there_is_left_out_and_told(write_dataset):
    """Training needs none, and exports name one that was never made."""
    picture = np.zeros((32, 32, 3), np.uint8)
    file = write_dataset("told", ["a"], {"train": [(picture, ["0 .5 .5 .2 .2"])] * 2, "val": [(picture, [])]})
    file.write_text(f"{file.read_text()}test: images/test\n")
    held = survey.take(file)
    assert list(held.splits) == ["train", "val"]
    assert "no images in split 'test'" in advise(held)[0] and "ignored here" in advise(held)[0]


def test_pictures_that_are_nowhere_are_no_lack_of_labels(write_dataset):
    picture = np.zeros((32, 32, 3), np.uint8)
    file = write_dataset("list", ["a"], {"train": [(picture, ["0 .5 .5 .2 .2"])], "val": [(picture, [])]})
    (file.parent / "train.txt").write_text("images/train/0.png\n")  # from the working folder, as Ultralytics has it
    file.write_text(file.read_text().replace("train: images/train", "train: train.txt"))
    with pytest.raises(TintboxError, match=r"every image of its training split \(1\) .* images/train/0.png$"):
        survey.take(file)


def test_keypoints_that_make_no_sense_are_a_mistake_in_a_line(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"")
    data = tmp_path / "pose.yaml"
    data.write_text(f"path: {tmp_path}\ntrain: images\nval: images\nnames: [a]\nkpt_shape: [2, three]\n")
    with pytest.raises(TintboxError, match=r"pose.yaml: kpt_shape: \[2, 'three'\] is no"):
        survey.take(data)
