"""A run's `args.yaml` is accepted by stock Ultralytics; tintbox's own arguments are in a file next to it."""

import numpy as np
import pytest
import yaml

from tintbox import run_arguments, run_folder
from tintbox.plugins import options

pytestmark = pytest.mark.attack("newcomer")

# Ultralytics writes the file before it trains.
BEGIN = """
import ast, sys
from pathlib import Path
from ultralytics.models.yolo.detect import DetectionTrainer
options = ast.literal_eval(sys.argv[2])
where = dict(project=str(Path("runs").resolve()), name="run", exist_ok=True, device="cpu", workers=0, plots=False)
trainer = DetectionTrainer(overrides=dict(model="yolo11n.yaml", data=Path(sys.argv[1]), epochs=1, imgsz=32,
                                          **where, **options))
print(type(trainer.args.data).__name__, getattr(trainer.args, "cls_focal", None))
"""
OURS = {"cls_focal": 1.5, "freeze": "backbone", "unfreeze": {0.5: "all"}, "freeze_bn": False}


def begin(forked, fruit, given, cwd, disable="0"):
    done = forked("-c", BEGIN, fruit, repr(given), cwd=cwd, env={"TINTBOX_DISABLE": disable})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1], cwd / "runs/run"


def test_a_run_without_options_leaves_the_stock_file(forked, fruit, tmp_path):
    said, folder = begin(forked, fruit, {}, tmp_path)
    ours = (folder / "args.yaml").read_bytes()
    assert not (folder / run_arguments.OWN).exists()
    stock, _ = begin(forked, fruit, {}, tmp_path, disable="1")
    assert (folder / "args.yaml").read_bytes() == ours
    assert said == stock == "str None", "stock makes texts of paths in place"


def test_options_are_beside_it_and_both_are_read_together(forked, fruit, tmp_path):
    from ultralytics.utils import YAML

    said, folder = begin(forked, fruit, OURS, tmp_path)
    assert said == "str 1.5"
    stock = yaml.safe_load((folder / "args.yaml").read_text())
    own = yaml.safe_load((folder / run_arguments.OWN).read_text())
    assert own == {key: value for key, value in OURS.items() if key != "freeze"}
    assert stock["freeze"] == "backbone" and not set(own) & set(stock)
    assert "are in tintbox.yaml beside this file" in (folder / "args.yaml").read_text().splitlines()[0]

    (folder / "results.csv").write_text("epoch,time\n1,1\n")
    assert run_folder.read(folder).arguments == {**stock, **own}
    assert YAML.load(folder / "args.yaml") == {**options.own_defaults(), **stock, **own}

    # A stock run in the same folder does not know of them; our next run removes them.
    begin(forked, fruit, {}, tmp_path, disable="1")
    assert (folder / run_arguments.OWN).exists() and not set(own) & set(run_arguments.read(folder))
    begin(forked, fruit, {}, tmp_path)
    assert not (folder / run_arguments.OWN).exists()


def test_results_of_an_earlier_run_in_the_folder_are_not_those_of_the_next(forked, fruit, tmp_path):
    _, folder = begin(forked, fruit, OURS, tmp_path)
    for left in (0, len(run_arguments.OWN_RESULTS)):  # after a run of ours, after a stock run
        for name in (*run_arguments.OWN_RESULTS, "notes.txt"):
            (folder / name).write_text("{}")
        begin(forked, fruit, {}, tmp_path)
        assert (
            sum((folder / name).exists() for name in run_arguments.OWN_RESULTS) == left
            and (folder / "notes.txt").exists()
        )


@pytest.mark.parametrize("given", [{}, OURS], ids=["plain", "options"])
def test_a_stock_ultralytics_takes_the_file(given, forked, fruit, tmp_path):
    _, folder = begin(forked, fruit, given, tmp_path)
    code = "import sys; from ultralytics.cfg import get_cfg; print(get_cfg(overrides=get_cfg(sys.argv[1])).epochs)"
    done = forked("-c", code, folder / "args.yaml", env={"TINTBOX_DISABLE": "1"})
    assert done.stdout.strip() == "1", done.stderr
    check = "import sys; from ultralytics.cfg import get_cfg; c = get_cfg(sys.argv[1]); print(c.cls_focal, c.freeze_bn)"
    done = forked("-c", check, folder / "args.yaml")
    assert done.stdout.strip() == f"{given.get('cls_focal')} {given.get('freeze_bn', 'auto')}", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("disable", ["0", "1"])
def test_yolo_trains_with_the_file_of_a_run(disable, forked, forked_yolo, fruit, tmp_path):
    _, folder = begin(forked, fruit, OURS, tmp_path)
    words = ["train", f"cfg={folder}/args.yaml", "freeze=None", *["unfreeze=None"] * (disable == "0")]
    done = forked_yolo(*words, env={"TINTBOX_DISABLE": disable})  # into the same folder, which the file names
    assert done.returncode == 0, done.stderr
    assert run_folder.read(folder).arguments.get("cls_focal") == (1.5 if disable == "0" else None)


def test_numpy_s_values_are_written_as_python_s(fruit, tmp_path):
    from ultralytics.models.yolo.detect import DetectionTrainer

    given = {
        "cls_smoothing": np.float64(0.1), "cls_pos_weight": np.array([1.0, 2.0]), "freeze": np.str_("backbone"),
        "unfreeze": {np.float64(0.5): np.str_("all")}, "lr_scale": {"backbone": np.float64(0.1)},
        "coco_eval": {"resamples": np.int64(40)},
    }  # fmt: skip
    where = {"project": str(tmp_path), "name": "run", "device": "cpu", "workers": 0}
    DetectionTrainer(overrides={"model": "yolo11n.yaml", "data": str(fruit), **where, **given})
    assert yaml.safe_load((tmp_path / "run/tintbox.yaml").read_text()) == {
        "cls_smoothing": 0.1, "cls_pos_weight": [1.0, 2.0], "unfreeze": {0.5: "all"}, "lr_scale": {"backbone": 0.1},
        "coco_eval": {"resamples": 40},
    }  # fmt: skip
    assert yaml.safe_load((tmp_path / "run/args.yaml").read_text())["freeze"] == "backbone"


def test_arguments_that_cannot_be_read_are_one_line(tmp_path):
    from tintbox.errors import TintboxError

    (tmp_path / "args.yaml").write_text(f"{run_arguments.HEADER}task: detect\n")
    (tmp_path / run_arguments.OWN).write_text("[" * 100)
    with pytest.raises(TintboxError, match=r"^.*tintbox\.yaml: lists and mappings are nested more than 50 deep$"):
        run_arguments.read(tmp_path)
    (tmp_path / run_arguments.OWN).write_text("1")
    with pytest.raises(TintboxError, match=r"tintbox\.yaml has no arguments$"):
        run_arguments.read(tmp_path)
    assert run_arguments.beside(tmp_path / "other.yaml") == {}
