"""Commands in adverse environments: terminals, pipes, disks and folders with problems."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tintbox import terminal
from tintbox.plugins.coco_eval import tables
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.settings import Settings

pytestmark = pytest.mark.attack("output")


@pytest.fixture
def pair(tmp_path, synthetic):
    """Two folders of truth and predictions, with a class name outside ASCII and one that would clear a screen."""
    truth, detections = synthetic.case(2, images=6, many=False)
    truth.categories[0]["name"], truth.categories[1]["name"] = "é…", "\x1b[2J\n"
    for name in ("one", "two"):
        truth.save(tmp_path / name / "annotations.json")
        detections.save(tmp_path / name / "predictions.json")
    return tmp_path / "one", tmp_path / "two"


@pytest.fixture
def shell(pair, tmp_path):
    """Run a line of bash in which $EVALUATE and $COMPARE are replaced by the commands."""
    python = f"{sys.executable} -m tintbox"
    words = {
        "EVALUATE": f"{python} coco-eval predictions={pair[0]}/predictions.json annotations={pair[0]}/annotations.json",
        "COMPARE": f"{python} compare {pair[0]} {pair[1]}",
    }

    def run(line):
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{line}"], env={**os.environ, **words}, cwd=tmp_path, capture_output=True
        )

    return run


@pytest.mark.parametrize("command", ["EVALUATE", "COMPARE"])
def test_files_are_evaluated_without_what_takes_seconds_to_import(command, shell):
    done = shell(f"PYTHONPROFILEIMPORTTIME=1 ${command} resamples=40 out=o")
    imported = {line.rsplit("|")[-1].strip() for line in done.stderr.decode().splitlines()}
    assert done.returncode == 0
    assert "numpy" in imported
    assert not imported & {"torch", "ultralytics", "pandas", "plotly", "scipy", "sklearn", "hotcoco"}


COMPLETE = {
    "EVALUATE": {"coco.json", "coco.csv", "coco_pr.png", "coco_classes.png", "coco_sizes.png", "coco_errors.png"},
    "COMPARE": {"compare.json", "compare.csv", "compare.png"},
}


@pytest.mark.parametrize(
    ("command", "line", "status", "told"),
    [
        ("EVALUATE", "PYTHONIOENCODING=ascii ${} resamples=40 out=o", 0, ""),
        ("COMPARE", "PYTHONIOENCODING=ascii ${} resamples=40 out=o", 0, ""),
        ("EVALUATE", "${} resamples=40 out=o >&-", 0, ""),
        ("COMPARE", "${} resamples=40 out=o | head -0", 0, ""),
        ("EVALUATE", "${} resamples=40 out=o > /dev/full", 1, "the standard output cannot be written (No space left"),
        ("EVALUATE", "ulimit -f 4; ${} resamples=40 out=o", 1, "out=o: cannot be written (File too large)"),
    ],
)
def test_results_are_whole_whatever_the_output_is(command, line, status, told, shell, tmp_path):
    done = shell(line.replace("${}", f"${command}"))
    errors = done.stderr.decode()
    assert done.returncode == status, errors
    lines = [text for text in errors.splitlines() if text.startswith("tintbox: ")]
    assert "Traceback" not in errors and len(lines) == bool(told) and told in errors
    if "ulimit" in line:
        assert not (tmp_path / "o").exists(), "what is not whole is not there"
        return
    assert {file.name for file in (tmp_path / "o").iterdir()} == COMPLETE[command]
    json.loads(next((tmp_path / "o").glob("*.json")).read_text())
    if "ascii" in line:
        shown = done.stdout.decode("ascii")
        assert r"\xe9..." in shown and "-----" in shown and r"\x1b[2J\n" in shown


def test_plain_signs_for_what_an_encoding_lacks():
    assert "─…é".encode("ascii", terminal.LEGIBLE) == b"-...\\xe9"
    assert "\ud800".encode("utf-8", terminal.LEGIBLE) == b"\\ud800"


@pytest.mark.parametrize("out", ["/proc/nothing/here", "/dev/null", "x" * 300])
def test_where_nothing_can_be_written(out, tintbox, pair, tmp_path):
    for words in (
        ("coco-eval", f"predictions={pair[0]}/predictions.json", f"annotations={pair[0]}/annotations.json"),
        ("compare", *pair),
    ):
        status, _, errors = tintbox(*words, "resamples=40", f"out={out}")
        assert status == 1 and len(errors.splitlines()) == 1
        assert errors.startswith("tintbox: out=") and "cannot be written" in errors


def test_a_comparison_that_fails_leaves_no_folder(tintbox, pair, tmp_path):
    (pair[1] / "predictions.json").write_text("")
    for out in ("runs/a/b", None):
        status, _, errors = tintbox("compare", *pair, *([f"out={out}"] if out else []))
        assert status == 1 and "empty" in errors
        assert not any((tmp_path / "here").iterdir())
    (tmp_path / "here" / "mine").mkdir()
    assert tintbox("compare", *pair, "out=mine")[0] == 1
    assert (tmp_path / "here" / "mine").is_dir(), "what was there stays"


@pytest.mark.parametrize("name", ["missing", "x" * 300, "a\0b", "closed", "one/predictions.json/x"])
def test_a_folder_that_is_no_run(name, tintbox, pair, tmp_path):
    folder = tmp_path / name
    root = os.geteuid() == 0
    if name == "closed":
        folder.mkdir(mode=0o000)
        for place in (tmp_path, *tmp_path.parents[:2]):
            place.chmod(0o755)
    try:
        if root and name == "closed":
            os.seteuid(65534)
        status, _, errors = tintbox("compare", pair[0], folder)
    finally:
        if root:
            os.seteuid(0)
        if name == "closed":
            folder.chmod(0o755)
    assert status == 1 and len(errors.splitlines()) == 1 and "Traceback" not in errors
    assert "no such run" in errors or "cannot be read" in errors


# What is printed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "shown"),
    [
        ((-0.007, -0.0004), "[-0.0070, -0.0004]"),
        ((0.0000021, 0.5), "[+0.000002, +0.500000]"),
        ((-0.007, 0.0004), "[-0.007, +0.000]"),
        ((-0.0004, 0.007), "[+0.000, +0.007]"),
        ((0.01, 0.02), "[+0.010, +0.020]"),
    ],
)
def test_a_sure_difference_has_no_bound_that_looks_like_zero(bounds, shown):
    bounds = np.array(bounds)
    assert tables.span(bounds, "+", tables.digits_of(bounds)) == shown


@pytest.mark.attack("newcomer")
def test_in_a_notebook_tables_stay_below_their_headings(synthetic, monkeypatch):
    """In a notebook, rich displays its output immediately through a separate channel."""
    import rich.console

    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    found = {"bbox": evaluate(*synthetic.case(2, images=6, many=False), settings=Settings(resamples=5))}
    shown = tables.text(found)
    assert shown.index("COCO evaluation of boxes") < shown.index("AP75") < shown.index("class 0")


@pytest.mark.attack("newcomer")
def test_html_is_escaped(synthetic):
    truth, detections = synthetic.case(2, images=6, many=False)
    truth.categories[0]["name"] = "<script>"
    evaluation = evaluate(truth, detections, settings=Settings(resamples=5))
    shown = evaluation._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert shown.count("<table>") == 3 and shown.index("COCO evaluation of boxes") < shown.index("<table>")
    assert repr(evaluation) == f"<boxes of 6 images: {', '.join(f'{k}={evaluation[k]:.3f}' for k in NAMED)}>"


NAMED = ("AP", "AP50", "AP75", "AR100")
