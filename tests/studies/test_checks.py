"""Mistakes: each gives one line on standard error and exit status 1, and nothing is created."""

import shutil
from functools import partial
from types import SimpleNamespace

import pytest

from tintbox.errors import TintboxError
from tintbox.studies import checks
from tintbox.studies.grid import parse

from .conftest import GOOD


@pytest.fixture
def refused(refused):
    """Run `tintbox study`, which must fail with one line; return that line."""
    return partial(refused, "study")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say what to train"),
        (["bacth=4,8"], "'bacth' is no argument of `yolo train`; did you mean 'batch'?"),
        (["=3"], "'' is no argument"),
        (["batch="], "the list is empty"),
        (["batch=4,abc"], "tintbox: 'batch=abc'"),
        (["seed=1.5"], "seed=1.5"),
        (["lr0=0.1,-1"], "tintbox: 'lr0=-1'"),
        (["name=a,b"], "a study has one name"),
        (["project=a,b"], "a study has one project"),
        (["mode=val"], "mode=val: a study trains"),
        (["resume=True"], "a study resumes its runs by itself"),
        (["exist_ok=True"], "exist_ok= is no argument of a study"),
        (["save_dir=x"], "use project= and name="),
        (["task=colourize"], "did you mean 'colorize'?"),
        (["model=colorize-conv.yaml"], "did you mean 'colorize-convt.yaml'?"),
        (["model=runs/best.pt"], "'runs/best.pt' does not exist"),
        (["data=nothing.yaml"], "'nothing.yaml' does not exist"),
        (["cfg=recipe-seed.yaml,recipe-sed.yaml"], "did you mean 'recipe-seed.yaml'?"),
        (["nowhere"], "'nowhere' is no key=value, no folder of a study"),
        (["palette=-1,4"], "palette"),
        (["amp=auto,atuo"], "tintbox: amp=atuo: give one of auto, bf16, fp16, fp32, true, false; did you mean 'auto'?"),
        ([f"seed={','.join(map(str, range(201)))}"], "201 runs (201 seed) are more than 200; give --yes"),
        (["--workers", "0"], "workers=0: give a whole number of 1 or more"),
        (["--ray", "nonsense"], "--ray nonsense: give host:port"),
    ],
)
def test_mistakes_are_one_line(refused, words, message):
    pytest.importorskip("ray", reason="the optional dependency of --ray") if "--ray" in words else None
    assert message in refused(*(GOOD if words else ()), *words)


def test_a_recipe_against_none():
    assert not checks.check_arguments(parse([*GOOD, "cfg=None,recipe-seed.yaml"]), many=False)


def test_a_dataset_against_the_default():
    others = [word for word in GOOD if not word.startswith("data=")]
    assert not checks.check_arguments(parse([*others, "data=None,fruitbowl.yaml"]), many=False)


def test_broken_files(refused, tmp_path):
    (tmp_path / "broken.yaml").write_text("nc: [1\n")
    (tmp_path / "empty").mkdir()
    assert "empty is no study: study.yaml is missing" in refused("empty")
    for key in ("model", "cfg"):
        assert "broken.yaml" in refused(*GOOD, f"{key}=broken.yaml")


def test_a_dataset_without_a_validation_split(refused, tmp_path):
    (tmp_path / "half.yaml").write_text("train: images\nnames: [a]\n")
    message = "data=half.yaml: no val split; give folds=5, or make one by `tintbox recipe ... split=0.2`"
    assert message in refused("model=yolo11n.yaml", "data=half.yaml", "seed=0,1")


def test_a_file_where_the_folder_should_be(refused, tmp_path):
    (tmp_path / "file").write_text("x")
    assert "file/study: cannot be written (Not a directory); give project=" in refused(*GOOD, "project=file")
    assert "file is there and is no study; give another name=" in refused(*GOOD, "project=.", "name=file")


def test_a_full_disk_is_told_before_training(refused, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2**20))
    assert "0.0 GiB are free, 2 runs may need 0.1 GiB; make room" in refused(*GOOD, "batch=4,8")


def test_the_folder_of_a_study_comes_first(refused, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/study.yaml").write_text("model: yolo11n.yaml\n")
    assert "'mine': a study's folder comes first, before what is changed in it" in refused("seed=0,1", "mine")


def test_a_folder_with_an_open_bracket_names_the_argument_that_chose_it(tmp_path):
    with pytest.raises(TintboxError, match="a bracket is not closed; give out="):
        checks.check_folder(tmp_path / "a[b", 1, "out")


def test_a_folder_whose_name_is_not_in_utf8(tmp_path):
    folder = tmp_path / "caf\udce9"
    with pytest.raises(TintboxError, match=r"caf\\udce9: the folder's path is not in UTF-8; give out="):
        checks.check_folder(folder, 1, "out")
    assert not folder.exists()


def test_the_folder_of_another_study(refused, tmp_path):
    folder = tmp_path / "runs/study/mine"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text("task: colorize\nbatch: [4, 8]\nepochs: 2\n")
    assert "has another study: epochs, model, data, imgsz differ; give another name=" in refused(
        *GOOD, "batch=4,8", "name=mine"
    )
    assert "has another study: epochs differs" in refused(str(folder), "epochs=3")


def test_a_study_that_was_edited(refused, tmp_path):
    from tintbox.studies.outcome import Outcome

    (tmp_path / "study.yaml").write_text("task: colorize\nmodel: colorize-convt.yaml\nepochs: 2\n")
    Outcome("finished", arguments={"task": "colorize", "model": "colorize-convt.yaml", "epochs": 1}).write(
        tmp_path / "run"
    )
    assert "run was trained with other arguments than study.yaml has" in refused(".")


def test_more_than_200_runs_when_meant():
    from tintbox.studies.grid import parse

    checks.check_arguments(parse([*GOOD, f"seed={','.join(map(str, range(201)))}"]), many=True)
