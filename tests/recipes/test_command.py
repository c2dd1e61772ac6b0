"""`tintbox recipe` from the command line, and what it writes in a stock command."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from tintbox.errors import TintboxError
from tintbox.recipes import command, recipe_file
from tintbox.recipes import survey as surveys
from tintbox.recipes.labels import Labels
from tintbox.recipes.pace import Pace
from tintbox.recipes.policies import POLICY
from tintbox.recipes.rules import Recipe, Setting

from ..tiny_models import YOLO11N


@pytest.fixture
def refused(refused):
    """Run `tintbox recipe`, which must fail with one line and write nothing; returns the line."""
    return partial(refused, "recipe")


@pytest.fixture(scope="module")
def squares(write_dataset):
    rng = np.random.default_rng(0)

    def pictures(count, lines):
        return [(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8), lines) for _ in range(count)]

    rows = ["0 .5 .5 .25 .25", "1 .2 .2 .1 .1"]
    return write_dataset("squares", ["a", "b"], {"train": pictures(8, rows), "val": pictures(4, rows[:1])})


def test_survey(squares):
    held = surveys.take(squares)
    assert held.names == ["a", "b"]
    assert held.counts("train").tolist() == [8, 8] and held.counts("val").tolist() == [4, 0]
    train = held.splits["train"]
    assert train.sizes.tolist() == [[64, 64]] * 8 and len(train.decoded) == 8
    assert sorted(set(np.round(train.sides, 6))) == [0.1, 0.25]
    assert held.shared == {("train", "val"): []}


def test_steps_are_timed_with_everything_awake_as_in_most_epochs(squares, monkeypatch):
    settings = {}
    monkeypatch.setattr("tintbox.recipes.pace.measure", lambda model, data, given, limit: settings.update(given))
    command.time_steps(surveys.take(squares), YOLO11N, str(squares), 64, None)
    assert settings["batch"] == settings["nbs"] == 2 and settings["imgsz"] == 64 and settings["optimizer"] == "AdamW"
    assert not settings.keys() & set(POLICY), "a sleeping backbone takes two thirds of the time"


def test_the_image_size_is_the_one_that_is_trained(squares, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "time_steps", lambda *_: Pace(0.01, 128, "cpu"))
    written = command.recipe(YOLO11N, squares, imgsz=100, out=tmp_path / "recipe.yaml")
    assert written.recipe.arguments()["imgsz"] == 128


@pytest.mark.slow
def test_the_recipe_is_one_for_the_stock_command(squares, forked, forked_yolo, tmp_path):
    words = [
        "recipe",
        "model=yolo11n.yaml",
        f"data={squares}",
        "minutes=5",
        "imgsz=32",
        "out=made/recipe.yaml",
        "--json",
    ]
    done = forked("-m", "tintbox", *words)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout[done.stdout.index("{") :])
    file = tmp_path / "made" / "recipe.yaml"
    assert json.loads(json.dumps(yaml.safe_load(file.read_text()))) == told["arguments"]  # JSON's keys are text
    assert told["arguments"]["imgsz"] == 32 and "lr_scale" not in told["arguments"]  # weights are random
    assert told["splits"]["val"]["boxes"] == {"a": 4, "b": 0}
    assert told["splits"]["val"]["small_box"] > 0 and 0 <= told["splits"]["val"]["at_border"] <= 1
    assert told["splits"]["train"]["damaged"] == []
    assert told["pace"]["seconds_per_picture"] > 0 and 0 < told["pace"]["seconds_to_save"] < 60
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made"], "nothing else is left behind"
    words = ["model=yolo11n.yaml", f"data={squares}", f"cfg={file}", "epochs=1", "plots=False"]
    done = forked_yolo("detect", "train", *words)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"val": None}, "no val split, and training images cannot measure"),
        ({"train": "images/none"}, "no images in split 'train'"),
        ({"names": []}, "data="),
    ],
)
def test_bad_datasets(squares, refused, tmp_path, change, said):
    content = {**yaml.safe_load(squares.read_text()), **change}
    file = tmp_path / "other.yaml"
    file.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    assert said in refused("model=yolo11n.yaml", f"data={file}")


def test_a_dataset_without_labels(write_dataset, refused):
    blank = np.zeros((32, 32, 3), np.uint8)
    file = write_dataset("blank", ["a"], {"train": [(blank, None)] * 4, "val": [(blank, None)] * 2})
    assert "no labels in its training split" in refused("model=yolo11n.yaml", f"data={file}")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("minutes=0", "minutes=0: give a number from 0.01 to 1000000"),
        ("minutes=soon", "minutes=soon: give a number from 0.01 to 1000000"),
        ("out=", "out=: give a .yaml file"),
        ("out=recipe.txt", "out=recipe.txt: a recipe is YAML; give a file that ends in .yaml or .yml"),
        (
            "groups=clips.csv",
            "groups=clips.csv: it says what stays together in a fold or split; give probe=true or split=",
        ),
        ("imgsz=8", "imgsz=8: give a whole number of 32 or more"),
        ("minutes=2 epochs=3", "minutes=2: epochs=3 says how long the training is; leave one of them out"),
        ("minuts=3", "'minuts' is no argument here"),
    ],
)
def test_bad_words(squares, refused, word, said):
    assert said in refused("model=yolo11n.yaml", f"data={squares}", *word.split())


def test_what_is_missing(refused):
    assert "data= is missing" in refused("model=yolo11n.yaml")
    assert "data=nowhere.yaml" in refused("model=yolo11n.yaml", "data=nowhere.yaml")
    assert "model=nowhere.pt: 'nowhere.pt' does not exist" in refused("model=nowhere.pt", "data=bccd.yaml")
    said = refused("model=colorize-pool.yaml", "data=bccd.yaml")
    assert (
        said
        == "tintbox: model=colorize-pool.yaml: recipes are for detect, segment, pose, obb; this is a model to colorize"
    )


def test_a_recipe_as_a_file(tmp_path):
    settings = [
        Setting("epochs", 3, "why"),
        Setting("lr_scale", {"backbone": 0.1}, "slow"),
        Setting("fliplr", None, "if", instead=0.0),
    ]
    file = recipe_file.write(tmp_path / "a" / "r.yaml", Recipe(settings, ["label\nmore"]), "m.pt", "d.yaml", 30)
    lines = file.read_text().splitlines()
    assert lines[0].startswith("# Recipe for m.pt on d.yaml in 30 minutes, by tintbox ")
    assert lines[2:] == ["# label more", "epochs: 3 # why", "lr_scale: {backbone: 0.1} # slow", "# fliplr: 0.0 # if"]
    assert yaml.safe_load(file.read_text()) == {"epochs": 3, "lr_scale": {"backbone": 0.1}}
    command.recipe_file.check(file)  # a recipe gives way to another, unless it was edited
    edited = tmp_path / "edited.yaml"
    edited.write_text(file.read_text().replace("epochs: 3", "epochs: 4"))
    with pytest.raises(TintboxError, match="was edited since tintbox wrote it; give another out=, or remove it"):
        recipe_file.check(edited)
    edited.write_text(file.read_text().splitlines()[0].partition(" (checksum")[0] + "\nepochs: 4\n")
    recipe_file.check(edited)  # by an earlier version
    recipe_file.write(file, Recipe(settings, []), "m.pt", "d.yaml", None)
    assert file.read_text().startswith("# Recipe for m.pt on d.yaml for the requested epochs, by tintbox ")
    assert (
        recipe_file.command("m.pt", "my data/d.yaml", "r.yaml")
        == "yolo train model=m.pt 'data=my data/d.yaml' cfg=r.yaml"
    )


def test_an_extended_model(squares, refused, tmp_path_factory):
    from ultralytics import YOLO

    from tintbox.plugins.extend import network

    file, yolo = tmp_path_factory.mktemp("extended") / "best.pt", YOLO(YOLO11N)
    yolo.model = network.extend(yolo.model, 11, ["new"])
    yolo.save(file)
    said = refused(f"model={file}", f"data={squares}")
    assert f"model={file} is an extended model; take the recipe for the model that it extends" in said


def test_what_is_in_a_recipes_place_is_found_before_the_work(squares, refused, tmp_path):
    words = "model=yolo11n.yaml", f"data={squares}"
    (tmp_path / "folder.yaml").mkdir()
    assert "out=folder.yaml: cannot be written (Is a directory)" in refused(*words, "out=folder.yaml")
    (tmp_path / "my.yaml").write_text("train: images\n")
    assert "out=my.yaml exists and is not a recipe by tintbox" in refused(*words, "out=my.yaml")
    assert "out=my.yaml/recipe.yaml: cannot be written" in refused(*words, "out=my.yaml/recipe.yaml")
    assert "out=/proc/none/recipe.yaml: cannot be written" in refused(*words, "out=/proc/none/recipe.yaml")


def test_pictures_that_cannot_be_read_say_nothing_of_sizes(write_dataset):
    picture = np.zeros((64, 64, 3), np.uint8)
    file = write_dataset("torn", ["a"], {"train": [(picture, ["0 .5 .5 .25 .25"])] * 4, "val": [(picture, [])]})
    torn = sorted((file.parent / "images" / "train").iterdir())[1]
    torn.write_bytes(b"torn")
    held = surveys.take(file)
    assert held.splits["train"].sides.tolist() == [0.25] * 3
    assert held.splits["train"].unreadable == [str(torn)]


def test_small_boxes_are_measured_in_the_pixels_of_their_own_images():
    """Half of the images are large: no box is as wide as a tenth of the boxes would be in a median image."""
    sizes = np.array([(320, 240)] * 10 + [(4000, 3000)] * 10)
    boxes = np.array([(0.5, 0.5, 16 / w, 16 / h) if w == 320 else (0.5, 0.5, 400 / w, 400 / h) for w, h in sizes])
    labels = Labels(np.zeros(20, int), boxes, np.arange(20))
    assert command.small_box(surveys.Split([""] * 20, sizes, labels, {})) == pytest.approx(16)


def test_classes_of_one_name_are_told_by_their_index(survey):
    held = survey(("bolt", "nut", "bolt"), counts=(3, 2, 1))
    written = command.Written(held, Recipe([], []), Pace(1, 64, "cpu"), [], None, "d.yaml", Path("r.yaml"), "yolo")
    boxes = json.loads(command.as_json(written))["splits"]["train"]["boxes"]
    assert boxes == {"bolt (0)": 3, "nut": 2, "bolt (2)": 1}


def test_many_classes_are_shown_by_the_ends(survey):
    rows = command.class_rows(survey([f"class {i}" for i in range(40)], counts=tuple(range(40))))
    assert len(rows) == 31 and rows[0] == ["class 39", "39", "30"] and rows[-1] == ["class 0", "0", "30"]
    assert rows[15] == ["... 10 others", str(sum(range(15, 25))), "300"]
