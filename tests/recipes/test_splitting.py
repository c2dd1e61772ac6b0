"""`tintbox recipe split=`: a validation split for a dataset that has none."""

import numpy as np
import pytest
import yaml

from tintbox import atomic
from tintbox.datasets.reading.description import describe
from tintbox.datasets.reading.layout import split_pictures
from tintbox.errors import TintboxError
from tintbox.recipes import splitting

pytestmark = pytest.mark.attack("folds")


@pytest.fixture
def one_split(write_dataset):
    """A dataset YAML of 20 training and 3 test pictures, and no validation split."""
    blank = np.full((64, 64, 3), 90, np.uint8)
    rows = [["0 .5 .5 .25 .25", *["1 .2 .2 .1 .1"] * (i % 4 == 0)] for i in range(20)]
    file = write_dataset("one", ["a", "b"], {"train": [(blank, row) for row in rows], "test": [(blank, rows[0])] * 3})
    assert "val" not in yaml.safe_load(file.read_text())
    return file


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".cache"}


def test_a_fifth_is_kept_for_validation(one_split, tmp_path):
    before = content(one_split.parent)
    file, told = splitting.split(one_split, 0.2, tmp_path / "a" / "recipe.yaml")
    assert file == tmp_path / "a" / "recipe-split.yaml"
    assert told[0] == f"{file}: 16 images for training, 4 for validation"
    found = describe(file)
    train, val, test = (split_pictures(found, split) for split in ("train", "val", "test"))
    assert len(train) == 16 and len(val) == 4 and len(test) == 3 and not set(train) & set(val)
    assert sum("1 .2" in open(v.replace("images", "labels").replace("png", "txt")).read() for v in val) == 1  # noqa: SIM115, PTH123
    assert found["names"] == {0: "a", 1: "b"}
    assert content(one_split.parent) == before, "the user's own files are theirs"
    again, _ = splitting.split(one_split, 0.2, tmp_path / "a" / "recipe.yaml")
    assert again == file and split_pictures(describe(file), "val") == val
    assert len(split_pictures(describe(splitting.split(one_split, 0.5, tmp_path / "b.yaml")[0]), "val")) == 10


def test_groups_stay_together(one_split, tmp_path):
    table = tmp_path / "groups.csv"
    table.write_text("".join(f"{i}.png,{i // 5}\n" for i in range(20)))
    file, told = splitting.split(one_split, 0.25, tmp_path / "r.yaml", table)
    val = [int(path.rsplit("/", 1)[1][:-4]) for path in split_pictures(describe(file), "val")]
    assert len(val) == 5 and len({i // 5 for i in val}) == 1
    assert "4 of 5 images by groups.csv" in told[1]
    table.write_text("".join(f"{i}.png,all\n" for i in range(20)))
    with pytest.raises(TintboxError, match="1 group of images, too few for 2 splits"):
        splitting.split(one_split, 0.25, tmp_path / "r2.yaml", table)


def test_files_that_are_named_by_class_are_split_like_any(write_dataset, tmp_path):
    blank = np.full((32, 32, 3), 90, np.uint8)
    file = write_dataset("fruit", "abcd", {"train": [(blank, [f"{i // 10} .5 .5 .2 .2"]) for i in range(40)]})
    for kind in ("images", "labels"):
        for path in (file.parent / kind / "train").iterdir():
            path.rename(path.with_stem(f"{['apple', 'pear', 'kiwi', 'plum'][int(path.stem) // 10]}_{path.stem}"))
    made, _ = splitting.split(file, 0.2, tmp_path / "r.yaml")
    val = [path.rsplit("/", 1)[1].split("_")[0] for path in split_pictures(describe(made), "val")]
    assert sorted(val) == sorted(["apple", "pear", "kiwi", "plum"] * 2)
    with pytest.raises(TintboxError, match=r"40 images in 4 groups cannot .* give another share, or groups=none"):
        splitting.split(file, 0.2, tmp_path / "r.yaml", "names")
    told = splitting.split(file, 0.25, tmp_path / "r.yaml", "names")[1][-1]
    assert told.startswith("all objects of a, b, c, d are in one split") and told.endswith("or give groups=none")


def test_a_file_in_the_way_stays(one_split, tmp_path):
    for name in ("r-split.yaml", "r-split-val.txt"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(TintboxError, match=f"{name} is there and was not written by split="):
            splitting.split(one_split, 0.2, tmp_path / "r.yaml")
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()


@pytest.mark.parametrize("written", [0, 1, 2])
def test_what_a_killed_split_has_left_is_replaced(one_split, tmp_path, monkeypatch, written):
    left, stock = iter(range(written)), atomic.write_text

    def write(file, content):
        if next(left, None) is None:
            raise KeyboardInterrupt
        stock(file, content)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(atomic, "write_text", write)
        splitting.split(one_split, 0.2, tmp_path / "r.yaml")
    assert len(list(tmp_path.iterdir())) == written
    file, _ = splitting.split(one_split, 0.2, tmp_path / "r.yaml")
    assert len(split_pictures(describe(file), "val")) == 4


def test_a_dataset_with_a_validation_split_needs_none(fruit, tmp_path):
    with pytest.raises(TintboxError, match="has a validation split; leave split= out"):
        splitting.split(fruit, 0.2, tmp_path / "r.yaml")


def test_too_few_pictures(write_dataset, tmp_path):
    blank = np.zeros((32, 32, 3), np.uint8)
    data = write_dataset("single", ["a"], {"train": [(blank, ["0 .5 .5 .2 .2"])]})
    with pytest.raises(TintboxError, match="1 group of images, too few for 2 splits"):
        splitting.split(data, 0.2, tmp_path / "r.yaml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("share", ["0", "1", "-0.1", "2", "half", "true"])
def test_shares_that_are_none(one_split, share, refused):
    said = refused("recipe", "model=yolo11n.yaml", f"data={one_split}", f"split={share}")
    assert "give a number between 0 and 1" in said


def test_without_it_the_line_offers_it(one_split, refused):
    said = refused("recipe", "model=yolo11n.yaml", f"data={one_split}")
    line = "no val split, and training images cannot measure how good a model is; add split=0.2 "
    assert line in said


@pytest.mark.slow
def test_the_recipe_is_for_the_split(one_split, forked, tmp_path):
    done = forked(
        "-m", "tintbox", "recipe", "model=yolo11n.yaml", f"data={one_split}", "imgsz=64", "split=0.2", "minutes=5"
    )
    assert done.returncode == 0, done.stderr
    assert f"yolo train model=yolo11n.yaml data={'recipe-split.yaml'} cfg=recipe.yaml" in done.stdout
    made = ["recipe-split-train.txt", "recipe-split-val.txt", "recipe-split.yaml", "recipe.yaml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == made
