"""The runs of a study with folds: their arguments, how they are judged, and the folds in the study's folder."""

import json
import shutil

import pytest
import yaml

from tintbox.errors import TintboxError
from tintbox.folds import files as fold_files
from tintbox.studies import checks, crossing, worker
from tintbox.studies.grid import parse

from .conftest import FOLDED


def test_a_grid_with_folds(clips):
    grid = parse([*FOLDED, f"data={clips}", "folds=3", "freeze=None,backbone", "seed=0,1"])
    assert grid.size == len(grid.runs()) == 12 and grid.pooled().size == 4
    names = [run.name for run in grid.runs()]
    assert names[:4] == [*(f"freeze_None-seed_0-fold_{fold}" for fold in range(3)), "freeze_None-seed_1-fold_0"]
    assert grid.pooled().runs()[0].name == "freeze_None-seed_0"
    assert len({run.cell for run in grid.runs()}) == 2
    notes = checks.check_arguments(grid, many=False)
    assert notes[0] == "3 folds of 6 images, from 12 of train and 6 of val; the test split is not touched"
    assert notes[1].startswith("groups: 6 of 3 images by their names, e.g. trainclip0 (")


def test_what_a_run_of_a_fold_is_given(clips, tmp_path):
    run = parse([*FOLDED, f"data={clips}", "folds=3", "groups=none", "coco_eval={seed: 3, examples: 2}"]).runs()[2]
    words = worker.words(tmp_path / "study" / run.name, run.arguments)
    assert f"data={tmp_path / 'study/folds/fold_2.yaml'}" in words
    assert {"val=False", "save_json=True"} <= set(words)
    assert "coco_eval={'seed': 3, 'examples': 2, 'resamples': 0, 'explain': False}" in words
    assert not any(word.startswith(("folds=", "groups=", "fold=", "fold_seed=")) for word in words)
    assert crossing.evaluation_settings(run.arguments).seed == 3


def test_how_a_trained_run_is_judged(tmp_path):
    """`args.yaml` of a run without ``device=`` has an empty text there."""
    run = tmp_path / "freeze_None-fold_0"
    run.mkdir()
    (run / "args.yaml").write_text(
        "{device: '', imgsz: 32, batch: 3, conf: null, plots: false, lr0: 0.01, agnostic_nms: true}"
    )
    judged = {"data": "fold_0.yaml", "coco_eval": {"seed": 3}, "save_json": True}
    words = crossing.validation(run, run / "weights/best.pt", judged)
    assert words[:2] == ["val", f"model={run / 'weights/best.pt'}"]
    assert {"imgsz=32", "batch=3", "plots=False", "agnostic_nms=True", "data=fold_0.yaml", "save_json=True"} <= set(
        words
    )
    assert not any(word.startswith(("device=", "conf=", "lr0=")) for word in words)


@pytest.mark.attack("folds")
def test_folds_of_pictures_that_have_changed(clips, tmp_path):
    copied = shutil.copytree(clips.parent, tmp_path / "data") / clips.name
    content = yaml.safe_load(copied.read_text())
    copied.write_text(yaml.safe_dump({**content, "path": str(copied.parent)}))
    grid = parse([*FOLDED, f"data={copied}", "folds=3"])
    first = crossing.prepare(tmp_path / "study", grid)
    times = {file: file.stat().st_mtime_ns for file in (tmp_path / "study/folds").iterdir()}
    assert crossing.prepare(tmp_path / "study", grid) == first
    assert {file: file.stat().st_mtime_ns for file in times} == times, "they were written again"
    for name in ("fold_1.yaml", "fold_2-val.txt"):
        (tmp_path / "study/folds" / name).unlink()
        crossing.prepare(tmp_path / "study", grid)
        assert (tmp_path / "study/folds" / name).is_file()
    for gone in copied.parent.glob("*/train/trainclip0_000.*"):
        gone.unlink()
    crossing.split.cache_clear()
    with pytest.raises(TintboxError, match="0 more images and 1 fewer than when its folds were made"):
        crossing.prepare(tmp_path / "study", grid)


@pytest.fixture
def own(clips, tmp_path):
    """A copy of the clips whose folds are in a study's folder: its YAML, the grid and the folder."""
    copied = shutil.copytree(clips.parent, tmp_path / "data") / clips.name
    copied.write_text(yaml.safe_dump({**yaml.safe_load(copied.read_text()), "path": str(copied.parent)}))
    grid = parse([*FOLDED, f"data={copied}", "folds=3"])
    crossing.split.cache_clear()
    crossing.prepare(tmp_path / "study", grid)
    return copied, grid, tmp_path / "study"


@pytest.mark.attack("folds")
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("fold_1-val.txt", lambda text: "\n".join(text.splitlines()[1:])),
        ("fold_2-train.txt", lambda text: text + text),
        ("fold_0.yaml", lambda text: text.replace("val: fold_0-val.txt", "val: fold_0-train.txt")),
        ("fold_0.yaml", lambda text: ":::"),
        ("fold_2.yaml", lambda text: ""),
    ],
)
def test_folds_that_were_edited(name, change, own):
    """A run might learn from the images it is judged on."""
    _, grid, folder = own
    file = folder / "folds" / name
    file.write_text(change(file.read_text()))
    with pytest.raises(TintboxError, match=f"{name} has been changed since it was written; give the study another"):
        crossing.prepare(folder, grid)
    with pytest.raises(TintboxError, match="written; remove it"):
        crossing.prepare(folder, grid, "remove it")


@pytest.mark.attack("folds")
def test_a_damaged_table_is_told_with_what_to_do_here(own):
    _, grid, folder = own
    (folder / "folds" / "folds.csv").write_text("picture,fold")
    with pytest.raises(TintboxError, match=r"folds.csv: cannot be read \(.*\); give the study another name="):
        crossing.prepare(folder, grid)
    with pytest.raises(TintboxError, match=r"folds.csv: cannot be read \(.*\); remove it"):
        crossing.prepare(folder, grid, "remove it")


@pytest.mark.attack("folds")
def test_folds_of_classes_that_have_changed(own):
    data, grid, folder = own
    content = yaml.safe_load(data.read_text())
    data.write_text(yaml.safe_dump({**content, "names": [*(f"new{i}" for i in range(len(content["names"]))), "more"]}))
    crossing.split.cache_clear()
    with pytest.raises(TintboxError, match=r"fold_0\.yaml: .* has other classes than when its folds were made; give"):
        crossing.prepare(folder, grid)


@pytest.mark.attack("folds")
def test_folds_of_groups_that_have_changed(own, tmp_path):
    data, grid, _ = own
    names = [file.name for file in data.parent.glob("images/*/*.png")]
    table, folder = tmp_path / "groups.csv", tmp_path / "grouped"
    grid = parse([*FOLDED, f"data={data}", "folds=3", f"groups={table}"])

    def prepare(*groups):
        table.write_text("".join(f"{name},{groups[i % len(groups)]}\n" for i, name in enumerate(names)))
        crossing.split.cache_clear()
        return crossing.prepare(folder, grid)

    first = prepare("a", "b", "c", "d")
    assert prepare("d", "c", "b", "a") == first, "other names for the same groups"
    said = r"groups=.*groups\.csv keeps other images together than when its folds were made"
    with pytest.raises(TintboxError, match=said):
        prepare("a", "b", "c", "c")


@pytest.mark.attack("folds")
def test_folds_of_pictures_that_have_moved(clips, tmp_path):
    """The folds stay, with the new paths; so do the image ids of the runs that are there."""

    def place(folder):
        content = yaml.safe_load(clips.read_text())
        (folder / clips.name).write_text(yaml.safe_dump({**content, "path": str(folder)}))
        crossing.split.cache_clear()
        return parse([*FOLDED, f"data={folder / clips.name}", "folds=3", "fold_seed=1"])

    old = shutil.copytree(clips.parent, tmp_path / "data")
    first = crossing.prepare(tmp_path / "study", place(old))
    run = tmp_path / "study" / "fold_0"
    run.mkdir()
    (run / "image_ids.json").write_text(json.dumps({file: i for i, file in enumerate(first.files)}))

    new = shutil.copytree(old, tmp_path / "elsewhere")
    with pytest.raises(TintboxError, match="18 more images and 18 fewer than when its folds were made"):
        crossing.prepare(tmp_path / "study", place(new))  # the first are still there: these may be others
    shutil.rmtree(old)
    second = crossing.prepare(tmp_path / "study", place(new))
    files = [file.replace(str(old), str(new)) for file in first.files]
    assert second.files == files and second == fold_files.read(tmp_path / "study/folds")
    assert (second.folds, second.splits) == (first.folds, first.splits)
    assert json.loads((run / "image_ids.json").read_text()) == {file: i for i, file in enumerate(files)}
    listed = (tmp_path / "study/folds/fold_1-val.txt").read_text().split()
    assert listed == [file for file, fold in zip(files, first.folds) if fold == 1]
