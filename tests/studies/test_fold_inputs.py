"""Inputs of `tintbox study ... folds=` that are rejected in one line, creating nothing."""

import numpy as np
import pytest

from tintbox.studies import command

from .conftest import FOLDED

pytestmark = pytest.mark.attack("folds")


@pytest.fixture
def attempt(monkeypatch, refused, clips):
    """Run `tintbox study` with arguments that must be rejected in one line, creating nothing; return the line."""
    monkeypatch.setattr(command, "LocalRuns", lambda *_: pytest.fail("it trains"))

    def run(*words, data=clips):
        return refused("study", *FOLDED, *([f"data={data}"] if data else []), *words)

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["folds=19"], "folds=19: {data} has 18 images for training and validation; give fewer"),
        (["folds=1"], "folds=1: give a whole number of 2 or more"),
        (["folds=0"], "folds=0: give a whole number"),
        (["folds=-3"], "folds=-3: give a whole number"),
        (["folds=many"], "folds=many: give a whole number"),
        (["folds=2.5"], "folds=2.5: give a whole number"),
        (["folds=True"], "folds=True: give a whole number"),
        (["folds=None"], "folds=None: give a whole number"),
        (["folds=999999999999"], "folds=999999999999: {data} has 18 images"),
        (["folds=2,3"], "folds=2,3: a study has one folds"),
        (["folds=2", "fold_seed=-1"], "fold_seed=-1: give a whole number of 0 or more"),
        (["folds=2", "groups=nowhere.csv"], "groups=nowhere.csv: no such file"),
        (["folds=2", "groups={a: 1}"], ": no such file"),
        (["folds=7", "groups=names"], "groups=names: 6 groups of images, too few for 7 folds"),
        (["groups=none"], "groups=None: it says how folds are made; give folds=5"),
        (["folds=2", "val=True"], "val= does not go with folds=2: a fold is looked at once"),
        (["folds=2", "split=test"], "split= does not go with folds=2"),
        (["folds=2", "fold=1"], "'fold' is no argument"),
        (["folds=2", "data={data},coco8.yaml"], "folds= splits one dataset; give one"),
        (["folds=2", "model=yolo11n-cls.yaml"], "pooled for detect and segment, not for classify"),
        (["folds=2", "model=yolo11n-pose.yaml"], "pooled for detect and segment, not for pose"),
        (["folds=2", "data=nowhere.yaml"], "nowhere.yaml"),
        (["folds=2", "data=**.yaml"], "data=**.yaml"),
        (["folds=2", f"data={'x' * 5000}.yaml"], "data=xxx"),
        (["folds=2", "data=http://nowhere.invalid/a.yaml"], "nowhere.invalid"),
        (["folds=2", "data=3"], "data=3"),
        (["folds=15", "groups=none", "seed=" + ",".join(map(str, range(20)))], "300 runs (20 seed x 15 folds)"),
    ],
)  # fmt: skip
def test_what_is_refused(attempt, clips, words, said):
    assert said.format(data=clips) in attempt(*(word.replace("{data}", str(clips)) for word in words))


def test_no_data_and_no_labels(attempt, write_dataset):
    assert "data= is missing: folds=2 needs a dataset to split" in attempt("folds=2", data=None)
    blank = np.zeros((32, 32, 3), np.uint8)
    said = {
        None: "no label file for any of the 4 images in split 'train'",
        (): "no labels for its images (train, val)",
    }
    for lines, line in said.items():
        data = write_dataset("blank", ["a"], {"train": [(blank, lines)] * 4, "val": [(blank, lines)] * 2})
        assert line in attempt("folds=2", data=data)
    data = write_dataset("wrong", ["a"], {"train": [(blank, ["1 .5 .5 .1 .1"])] * 4, "val": [(blank, [])] * 2})
    assert "class 1 is not among the dataset's 1 classes" in attempt("folds=2", data=data)


def test_a_group_file_that_lacks_a_picture(attempt, clips, tmp_path):
    names = sorted(path.name for path in clips.parent.glob("images/*/*.png"))
    (tmp_path / "groups.csv").write_text("".join(f"{name},{name[:5]}\n" for name in names[1:]))
    assert f"1 of 18 images are not in it: {names[0]}; add them" in attempt("folds=2", "groups=groups.csv")
