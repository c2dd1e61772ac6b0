"""The grid of a study, from arguments and YAML files."""

import pytest

from tintbox.errors import TintboxError
from tintbox.studies.grid import parse, run_name


def names(*words):
    return [run.name for run in parse(words).runs()]


@pytest.mark.smoke
def test_baseline_first_and_the_seeds_of_a_cell_together():
    assert names("seed=0,1", "batch=32,64") == [
        "batch_32-seed_0",
        "batch_32-seed_1",
        "batch_64-seed_0",
        "batch_64-seed_1",
    ]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("32", [32]),
        ("32,64", [32, 64]),
        (" 32 , 64", [32, 64]),
        ("1e-3,0.01", [0.001, 0.01]),
        ("True,none", [True, None]),
        ("[0,2]", [[0, 2]]),
        ("[0,2],[1]", [[0, 2], [1]]),
        ("(0,2),[1]", [[0, 2], [1]]),
        ("{0.5: backbone, 0.8: all},None", ["{0.5: backbone, 0.8: all}", None]),
        ("{0: 1},{0: 2}", [{0: 1}, {0: 2}]),
        ("'a,b',c", ["a,b", "c"]),
        ("'10','20'", [10, 20]),  # as `yolo` itself parses it
        ("/a b/x.yaml,/a b/y.yaml", ["/a b/x.yaml", "/a b/y.yaml"]),
        ("a=b.yaml", ["a=b.yaml"]),
    ],
)
def test_values_of_a_word(given, values):
    grid = parse([f"key={given}"])
    assert (list(grid.varied["key"]) if len(values) > 1 else [grid.fixed["key"]]) == values


def test_a_later_word_overrules_a_file(tmp_path):
    file = tmp_path / "my grid.yaml"
    file.write_text("batch: [4, 8]\nlr0: 1e-3\nclasses: [[0, 2]]\nfreeze: backbone\n")
    grid = parse([str(file), "lr0=0.5,0.1", "freeze=None"])
    assert grid.fixed == {"classes": [0, 2], "freeze": None}
    assert grid.varied == {"batch": [4, 8], "lr0": [0.5, 0.1]}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "run"),
        ({"batch": 32, "seed": 0}, "batch_32-seed_0"),
        ({"lr0": 1e-05}, "lr0_1e-05"),
        ({"unfreeze": "{0.5: backbone}"}, "unfreeze_0.5_backbone"),
        ({"model": "/a b/yolo11n.yaml"}, "model_yolo11n"),
        ({"name": "x" * 100}, "name_" + "x" * 55),
        ({"data": "../../etc"}, "data_etc"),
    ],
)
def test_names_of_folders(settings, name):
    assert run_name(settings) == name


def test_names_that_several_runs_have_are_numbered():
    assert names("data=a/x.yaml,b/x.yaml,b/y.yaml") == ["data_x-1", "data_x-2", "data_y"]
    assert names("freeze='a b',a_b,c") == ["freeze_a_b-1", "freeze_a_b-2", "freeze_c"]


@pytest.mark.parametrize(
    "words",
    [
        [f"{key}={key}{'木' * 39}.yaml,{key}{'水' * 39}.yaml" for key in ("cfg", "model")],
        [f"{key}={'x' * 60},{'y' * 60}" for key in ("model", "cfg", "optimizer", "freeze", "unfreeze")],
    ],
)
def test_a_long_name_keeps_its_fold(words):
    """Without it, a run would have the name of a folder in which folds are put together."""
    grid = parse([*words, "folds=12"])
    runs, pooled = ([run.name for run in one.runs()] for one in (grid, grid.pooled()))
    assert len({*runs, *pooled}) == grid.size + len(pooled)
    assert all("-fold_11" in name for name in runs[11::12])
    assert max(len(name.encode()) for name in runs) <= 255


def test_names_of_folds():
    assert names("folds=2") == ["fold_0", "fold_1"]
    assert names("freeze='a b',a_b", "folds=2") == [f"freeze_a_b-fold_{fold}-{n}" for n in (1, 2) for fold in (0, 1)]


@pytest.mark.parametrize(
    ("before", "after", "extends"),
    [
        (["batch=4,8", "seed=0,1"], ["batch=4,8", "seed=0,1,2"], True),
        (["batch=4,8", "seed=0,1"], ["batch=2,4,8", "seed=0,1"], True),
        (["batch=4,8", "seed=0,1"], ["batch=4,8", "seed=0"], False),
        (["batch=4,8", "seed=0,1"], ["batch=4,8", "seed=1,2"], False),
        (["batch=4,8", "epochs=1"], ["batch=4,8", "epochs=2"], False),
        (["batch=4,8"], ["batch=4,8", "seed=0,1"], False),  # names and arguments of the runs differ
    ],
)
def test_which_grid_goes_on_with_which(before, after, extends):
    assert parse(after).extends(parse(before)) is extends


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["batch="], "the list is empty"),
        (["batch=[]"], "the list is empty"),
        (["batch=4,,8"], "a value is missing beside a comma"),
        (["batch=[4,8"], "a ']' is missing"),
        (["batch='4"], "a ''' is missing"),
        (["batch=4,4.0"], "4.0 is there twice"),
        (["nothing.yaml"], "no such file"),
        (["colour"], "no folder of a study, no YAML file and no task; did you mean 'colorize'?"),
    ],
)
def test_mistakes(words, message):
    with pytest.raises(TintboxError, match=r"^.+$") as error:
        parse(words)
    assert message in str(error.value)


@pytest.mark.parametrize("content", ["", "- 1\n", "a: [1\n", "batch: []\n"])
def test_files_that_ask_for_nothing(tmp_path, content):
    file = tmp_path / "grid.yaml"
    file.write_text(content)
    with pytest.raises(TintboxError, match=r"grid\.yaml|list is empty"):
        parse([str(file)])
