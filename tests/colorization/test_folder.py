"""A plain image folder as a dataset."""

import shutil

import cv2
import numpy as np
import pytest
import yaml

from tintbox.colorization import folder
from tintbox.colorization.data import image_files
from tintbox.errors import TintboxError

SMALL = ("epochs=2", "batch=4", "imgsz=32", "plots=False", "palette=3")


def fill(place, names):
    for i, name in enumerate(names):
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.random.default_rng(i).integers(0, 256, (20, 24, 3), dtype=np.uint8))
    return place


@pytest.fixture
def photos(tmp_path):
    return fill(tmp_path / "photos", [f"{'deep/er/' * (i % 3)}{i}.png" for i in range(20)])


def names(files, place):
    return {file.relative_to(place).as_posix() for file in files}


def test_the_split_depends_on_names_alone(photos, tmp_path):
    train, val, _ = folder.split(photos)
    assert len(train) + len(val) == 20 and not set(train) & set(val)
    moved = shutil.copytree(photos, tmp_path / "moved")
    assert names(folder.split(moved)[1], moved) == names(val, photos)
    fill(photos, [f"more/{i}.jpg" for i in range(200)])
    train, more, _ = folder.split(photos)
    assert names(val, photos) <= names(more, photos), "an image changed sides because others came"
    assert 0.04 < len(more) / 220 < 0.18


def test_as_few_as_two_pictures(tmp_path):
    train, val, _ = folder.split(fill(tmp_path / "two", ["a.png", "b.png"]))
    assert len(train) == len(val) == 1


def test_its_own_subfolders_say_it(tmp_path):
    place = fill(tmp_path / "set", ["images/train/a.png", "images/train/b.png", "images/val/a.png"])
    train, val, how = folder.split(place)
    assert names(train, place) == {"images/train/a.png", "images/train/b.png"}
    assert names(val, place) == {"images/val/a.png"}
    assert how == "in its subfolders images/train and images/val"


def test_pictures_of_runs_are_left_out(photos):
    before = folder.split(photos)
    fill(photos, ["runs/train/samples/epoch001.png"])
    (photos / "runs/train/args.yaml").write_text("task: colorize\n")
    assert folder.split(photos) == before


@pytest.mark.parametrize("mark", ["args.yaml", folder.PAINTED])
def test_also_if_the_runs_are_behind_a_link(photos, tmp_path, mark):
    before = folder.split(photos)
    fill(tmp_path / "other", ["train/samples/epoch001.png"])
    (tmp_path / "other" / "train" / mark).write_text("")
    (photos / "runs").symlink_to(tmp_path / "other")
    assert folder.split(photos) == before


def test_so_are_those_of_validations_and_predictions(cli, photos, trained):
    before = folder.split(photos)
    for mode, given in (("predict", "source"), ("val", "data")):
        words = (
            f"model={trained}/weights/best.pt",
            f"{given}={photos}",
            "imgsz=32",
            f"project={photos}/runs",
            f"name={mode}",
        )
        code, text = cli("colorize", mode, *words, "save=True")
        assert code == 0, text
        assert list((photos / "runs" / mode).rglob("*.jpg"))
        assert folder.split(photos) == before


def test_images_that_were_there_before_are_not_hidden(cli, photos, trained):
    before = folder.split(photos)
    words = (f"source={photos / '0.png'}", f"project={photos.parent}", f"name={photos.name}", "exist_ok=True")
    code, text = cli("colorize", "predict", f"model={trained}/weights/best.pt", *words, "imgsz=32", "save=True")
    assert code == 0, text
    train, val, _ = folder.split(photos)
    assert {*before[0], *before[1]} <= {*train, *val}


@pytest.mark.attack("newcomer")
def test_train_and_validate(cli, photos, tmp_path):
    code, text = cli("colorize", "train", f"data={photos}", *SMALL, f"project={tmp_path}/runs", "name=run")
    assert code == 0, text
    said = [line for line in text.splitlines() if "images to train on" in line]
    assert len(said) == 1 and str(photos) in said[0]
    run = tmp_path / "runs/run"
    assert yaml.safe_load((run / "args.yaml").read_text())["data"] == str(photos)
    code, text = cli(
        "colorize", "val", f"model={run}/weights/best.pt", f"data={photos}", "imgsz=32", f"project={tmp_path}/v"
    )
    assert code == 0, text
    _, val, _ = folder.split(photos)
    assert f"{len(val)}" in next(line for line in text.splitlines() if line.split()[:1] == ["all"])
    assert not list(photos.glob("*.yaml"))


@pytest.mark.attack("newcomer")
def test_resume(cli, photos, tmp_path):
    from ultralytics import YOLO

    model = YOLO("colorize-unet.yaml")

    def stop(trainer):
        if trainer.epoch == 0:
            raise KeyboardInterrupt

    model.add_callback("on_model_save", stop)
    with pytest.raises(KeyboardInterrupt):
        model.train(
            data=str(photos), epochs=2, batch=4, imgsz=32, plots=False, palette=3, project=str(tmp_path), name="r"
        )
    code, text = cli("colorize", "train", "resume=True", f"model={tmp_path}/r/weights/last.pt")
    assert code == 0, text
    assert len((tmp_path / "r/results.csv").read_text().splitlines()) == 3


@pytest.mark.attack("newcomer")
@pytest.mark.parametrize(("count", "message"), [(0, "no images in"), (1, "1 image, '0.png'; it takes one to train")])
def test_too_few_pictures(cli, tmp_path, count, message):
    place = fill(tmp_path / "few", [f"{i}.png" for i in range(count)])
    place.mkdir(exist_ok=True)
    code, text = cli("colorize", "train", f"data={place}", *SMALL, f"project={tmp_path}/runs")
    assert code == 1
    assert message in text.splitlines()[-1]
    assert not (tmp_path / "runs").exists()


def test_a_stray_yaml_is_no_dataset(photos):
    (photos / "notes.yaml").write_text("camera: old\n")
    assert folder.is_plain(photos)
    for text in ("val: images\n", "{"):
        (photos / "data.yaml").write_text(text)
        assert not folder.is_plain(photos)


def test_other_splits_are_none(photos):
    with pytest.raises(TintboxError, match="split=test"):
        folder.describe(photos, "test")


@pytest.mark.attack("colorize inputs")
@pytest.mark.parametrize("all_odd", [False, True])
def test_a_validation_finds_names_that_are_no_line_of_text(photos, all_odd):
    """In UTF-8, without a line break: a list of paths has room for nothing else."""
    from ultralytics.data.utils import check_det_dataset

    for i, file in enumerate(sorted(photos.rglob("*.png"))):
        if i < 6 or all_odd:
            file.rename(file.with_name([f"{i}\nb.png", f"{i}\u2028.png", f"{i}bad\udcff.png"][i % 3]))
    expected = folder.describe(photos, "val")
    with folder.as_yaml(photos, "val") as file:
        found = check_det_dataset(str(file), split="val")
        for part in ("train", "val"):
            assert [str(file.resolve()) for file in image_files(found[part])] == expected[part]
