"""`tintbox assignment`, from the command line to the report."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from tintbox import run_folder
from tintbox.assignment.command import assignment
from tintbox.errors import TintboxError

TINTBOX = Path(sys.executable).with_name("tintbox")


@pytest.mark.slow
def test_a_report_has_its_figures_and_the_runs_own_numbers(tiny_data, tmp_path):
    out = tmp_path / "with space"
    page = assignment(data=str(tiny_data), epochs=2, parts="ac", out=out)
    text = page.read_text()
    for figure in re.findall(r"\((figures/.*?)\)", text):
        assert (out / figure).stat().st_size > 5000
    assert text.count("![") == 4
    for network, name in (("pool", "PoolUpsampleNet"), ("unet", "UNet")):
        found = run_folder.read(out / "networks" / f"model_colorize-{network}")
        assert f"| {name} | {found.loss[-1]:.3f} | {100 * found.curves['metrics/accuracy'][-1]:.1f} |" in text
        protocol = {"optimizer": "Adam", "lr0": 0.001, "lrf": 1.0, "shuffle": "once", "input_scale": 256.0}
        assert protocol.items() <= found.arguments.items()
    assert "do not stand beside" in text
    assert "Part B" not in text
    # again: nothing is trained, the same page
    csv = out / "networks" / "model_colorize-unet" / "results.csv"
    before = csv.stat().st_mtime_ns
    assert assignment(data=str(tiny_data), epochs=2, parts="AC", out=out).read_text() == text
    assert csv.stat().st_mtime_ns == before


@pytest.mark.slow
def test_part_d_fine_tunes_and_draws(forked, tmp_path):
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / "boxes" / folder).mkdir(parents=True)
    for i in range(4):
        picture = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "boxes" / "images" / f"{i}.png"), picture)
        (tmp_path / "boxes" / "labels" / f"{i}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    described = {"path": str(tmp_path / "boxes"), "train": "images", "val": "images", "names": {0: "square"}}
    (tmp_path / "boxes.yaml").write_text(yaml.safe_dump(described))
    done = forked(TINTBOX, "assignment", "--quick", "parts=D", "detection=boxes.yaml", "imgsz=64", "out=out")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "out" / "assignment.md").read_text()
    assert "| mAP50 / mAP50-95 | before | epoch 1 | epoch 2 | epoch 3 | epoch 4 | epoch 5 |" in text
    assert (tmp_path / "out" / "figures" / "detector.jpg").stat().st_size > 5000
    tuned = run_folder.read(tmp_path / "out" / "detector" / "run")
    assert tuned.arguments["freeze"] == 10
    assert tuned.arguments["cls_pos_weight"] == 1.0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["weights=nowhere.pt"], "weights=nowhere.pt: no such file"),
        (["partz=A"], "'partz' is no argument here"),
        (["parts=AE"], "parts=AE: give some of ABCD"),
        (["parts="], "parts=: give some of ABCD"),
        (["parts=[A, B]"], "parts=['A', 'B']: give some of ABCD"),
        (["parts=A", "data=nowhere.yaml"], "nowhere.yaml"),
        (["parts=A", "epochs=none"], "epochs=none"),
        (["parts=A", "imgsz=abc"], "imgsz=abc: give a whole number of 1 or more"),
        (["parts=A", "data=fruitbowl.yaml", "out=/proc/locked"], "give out="),
    ],
)
def test_mistakes_are_a_line_and_leave_nothing_behind(refused, words, told):
    assert told in refused("assignment", *words)


def test_another_study_in_the_folder_is_told_before_anything_is_trained(tmp_path, tiny_data):
    place = tmp_path / "out/detector"
    place.mkdir(parents=True)
    (place / "study.yaml").write_text("task: detect\nmodel: other.pt\n")
    (tmp_path / "a.weights").touch()
    given = {"data": str(tiny_data), "detection": str(tiny_data), "parts": "AD", "out": tmp_path / "out"}
    with pytest.raises(TintboxError, match=r"detector has another study: .*model.* differ; give another out=$"):
        assignment(quick=True, **given)
    with pytest.raises(TintboxError, match=r"a\.weights: give weights that can be trained"):
        assignment(quick=True, **given, weights=str(tmp_path / "a.weights"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["detector"]
