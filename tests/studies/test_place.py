"""The folder of a study, and which study it contains."""

from pathlib import Path

import pytest
import yaml

from tintbox.errors import TintboxError
from tintbox.studies import files, place
from tintbox.studies.grid import from_values, parse
from tintbox.studies.outcome import Outcome


def test_study_yaml_reads_as_what_was_written(tmp_path):
    words = ["colorize", "train", "batch=4,8", "seed=0,1", "lr0=1e-5,1e-3", "classes=[0,2]", "model=/a b/m.yaml"]
    words += ["unfreeze={0.5: backbone},None", "freeze=[0,1],[2]", "cache='ram'", "val=False", "name='10'"]
    grid = parse(words)
    place.write(tmp_path, grid)
    assert place.read(tmp_path) == grid
    assert list(yaml.safe_load((tmp_path / "study.yaml").read_text()))[:2] == ["task", "classes"]
    assert [run.name for run in place.read(tmp_path).runs()] == [run.name for run in grid.runs()]


@pytest.mark.parametrize("value", ["0", "0,1", "cpu", "None", "1e-3", Path("7"), "{0: 1}"])
def test_the_same_text_from_python_is_the_same_study(tmp_path, value):
    """In ``study.yaml`` it is read as `yolo` reads it."""
    values = {"model": ["yolo11n.yaml"], "device": [value], "project": [tmp_path], "name": ["2024_05"]}
    folder, own = place.choose(from_values(values))
    assert folder == tmp_path / "2024_05", "a folder's name is the very text"
    folder.mkdir()
    place.write(folder, own)
    (run,) = own.runs()
    Outcome("finished", "", run.arguments).write(folder / run.name)
    assert place.read(folder) == own
    assert place.choose(from_values(values)) == (folder, own)


def test_folders_and_files_whose_names_look_like_numbers_keep_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder, own = place.choose(parse(["model=m.yaml", "data=2024_05", "project=1e3", "name=2026_11_30"]))
    assert (str(folder), own.fixed["data"]) == ("1e3/2026_11_30", "2024_05")
    folder.mkdir(parents=True)
    place.write(folder, own)
    assert place.read(folder) == own


def grid(*words):
    return parse(["epochs=1", *words])


def test_the_next_free_folder(tmp_path):
    project = f"project={tmp_path}"
    first, own = place.choose(grid("batch=4,8", project))
    assert first == tmp_path / "study" and own.fixed == {"epochs": 1} and own.varied == {"batch": [4, 8]}
    first.mkdir()
    assert place.choose(grid("batch=4,8", project))[0] == first, "an empty one is free"
    place.write(first, own)
    assert place.choose(grid("batch=4,8", project))[0] == first, "and so is one that has this study"
    assert place.choose(grid("batch=4,8,16", project))[0] == first, "or a part of it"
    assert place.choose(grid("batch=2", project))[0] == tmp_path / "study-2"
    (tmp_path / "study-2").mkdir()
    (tmp_path / "study-2" / "mine.txt").touch()
    assert place.choose(grid("batch=2", project))[0] == tmp_path / "study-3"


def test_an_equals_sign_in_the_path(tmp_path):
    project = tmp_path / "lr=0.1"
    folder, own = place.choose(grid("batch=4,8", f"project={project}"))
    folder.mkdir(parents=True)
    place.write(folder, own)
    assert place.choose(grid("batch=4,8", f"project={project}")) == (folder, own)
    assert place.read(folder, ["batch=4,8,16"]).varied == {"batch": [4, 8, 16]}
    assert parse([str(folder / "study.yaml"), "epochs=2"]).fixed == {"epochs": 2}


def test_a_name_that_is_given_is_that_folder_and_no_other(tmp_path):
    words = (f"project={tmp_path}", "name=mine")
    folder, own = place.choose(grid("batch=4,8", *words))
    assert folder == tmp_path / "mine"
    folder.mkdir()
    (folder / "x").touch()
    with pytest.raises(TintboxError, match="mine is there and is no study; give another name="):
        place.choose(grid("batch=4,8", *words))
    place.write(folder, own)
    with pytest.raises(TintboxError, match="mine has another study: epochs differs; give another name="):
        place.choose(parse(["epochs=2", "batch=4,8", *words]))
    with pytest.raises(TintboxError, match="has another study: batch, seed differ; give another"):
        place.choose(grid("batch=4", "seed=0,1", *words))


def test_what_differs_where_the_values_do_not(tmp_path):
    place.write(tmp_path, grid("model=yolo11n.pt,a/best.pt", "batch=4,8"))
    told = f"{tmp_path} has another study: the "
    named = grid("model=yolo11n.pt,a/best.pt,b/best.pt", "batch=4,8")
    assert place.explain_difference(tmp_path, named) == f"{told}naming of its runs differs"
    ordered = grid("batch=4,8", "model=yolo11n.pt,a/best.pt")
    assert place.explain_difference(tmp_path, ordered) == f"{told}order of its arguments differs"


def test_a_folder_whose_study_cannot_be_read_is_left_alone(tmp_path):
    (tmp_path / "study.yaml").write_text("a: [\n")
    assert not place.is_free_for(tmp_path, grid("batch=4"))
    assert not place.is_free_for(tmp_path / "study.yaml", grid("batch=4")), "a file is no folder"
    assert place.is_free_for(tmp_path / "nowhere", grid("batch=4"))


def test_what_a_lock_leaves_behind_is_no_study(tmp_path):
    for name in (place.LOCK, place.HOLDER):
        (tmp_path / name).touch()
    assert place.is_free_for(tmp_path, grid("batch=4"))


def test_a_word_is_a_folder_unless_a_task_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("detect", "train", "mine"):
        (tmp_path / name).mkdir()
    assert place.is_folder("mine") and not place.is_folder("nothing") and not place.is_folder("a\x00")
    assert not place.is_folder("detect") and not place.is_folder("train")
    (tmp_path / "detect" / "study.yaml").touch()
    assert place.is_folder("detect")


def test_a_folder_without_a_study(tmp_path):
    with pytest.raises(TintboxError, match=r"is no study: study\.yaml is missing"):
        place.read(tmp_path)
    place.write(tmp_path, grid("batch=4,8"))
    assert place.read(tmp_path, ["batch=4,8,16"]).varied == {"batch": [4, 8, 16]}
    assert f"# Use: tintbox study {tmp_path}\n" in (tmp_path / "study.yaml").read_text()


@pytest.mark.attack("study inputs")
def test_a_recipe_that_has_changed_since_a_run_was_trained(tmp_path):
    """Its runs would be averaged with those of the new one."""
    recipe, folder = tmp_path / "recipe.yaml", tmp_path / "study"
    recipe.write_text("lr0: 0.001\nunfreeze: {0.1: backbone}\nbatch: 8\n")
    own = grid(f"cfg={recipe}", "batch=4", "seed=0,1")
    folder.mkdir()
    place.write(folder, own)
    run, _ = own.runs()
    Outcome("finished", "", run.arguments, files.contents(run.arguments.get("cfg"))).write(folder / run.name)
    assert place.explain_difference(folder, own) is None
    recipe.write_text("unfreeze: {0.1: backbone}\nbatch: 2\nlr0: 0.001\n")
    assert place.explain_difference(folder, own) is None, "the order, or what the study sets itself"
    recipe.write_text("unfreeze: {0.2: backbone}\nlr0: 0.001\ncos_lr: true\n")
    said = f"{folder / run.name} was trained before {recipe} changed (unfreeze, cos_lr)"
    assert place.explain_difference(folder, own) == said
    assert place.choose(grid(f"cfg={recipe}", "batch=4", "seed=0,1", f"project={tmp_path}"))[0].name == "study-2"
    Outcome("failed", "why", run.arguments, {"lr0": 0.002}).write(folder / run.name)
    assert place.explain_difference(folder, own) is None, "a run that failed at once may be tried with another"
    (folder / run.name / "weights").mkdir()
    (folder / run.name / "weights/last.pt").touch()
    assert place.explain_difference(folder, own), "but it would go on from its weights"
    Outcome("finished", "", run.arguments).write(folder / run.name)
    assert place.explain_difference(folder, own) is None, "unknown: by an earlier version"
