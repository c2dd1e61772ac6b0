"""The checkpoint of a run with our loss, used in an Ultralytics without tintbox."""

import pytest

from .conftest import ALL


@pytest.fixture(scope="module")
def interrupted(train, stop_at):
    """The last.pt of a run that was stopped after the first of two epochs."""
    return stop_at(train, "on_model_save", epochs=2, **ALL).last


WITHOUT = """
import sys
from ultralytics import YOLO
{}
stub = {{"tintbox", "tintbox.threads", "tintbox.plugins", "tintbox.plugins.autoload"}}
assert not [name for name in sys.modules if name.split(".")[0] == "tintbox" and name not in stub], "tintbox was loaded"
"""


def test_ultralytics_without_tintbox_predicts_and_validates(interrupted, run, squares, forked):
    lines = "".join(
        f"YOLO({str(file)!r}).predict({str(squares.parent / 'images' / 'val')!r}, imgsz=64, verbose=False)\n"
        f"YOLO({str(file)!r}).val(data={str(squares)!r}, imgsz=64, plots=False, workers=0, verbose=False)\n"
        for file in (interrupted, run.best)
    )
    done = forked("-c", WITHOUT.format(lines), env={"TINTBOX_DISABLE": "1"})
    assert done.returncode == 0, done.stderr[-2000:]


def test_ultralytics_without_tintbox_resumes(interrupted, forked):
    code = WITHOUT.format(f"YOLO({str(interrupted)!r}).train(resume=True)")
    done = forked("-c", code, env={"TINTBOX_DISABLE": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    assert len((interrupted.parent.parent / "results.csv").read_text().splitlines()) == 3


def test_checkpoint_names_nothing_of_tintbox(run):
    import zipfile

    for file in (run.last, run.best):
        with zipfile.ZipFile(file) as archive:
            (pickle,) = (name for name in archive.namelist() if name.endswith("data.pkl"))
            assert b"tintbox." not in archive.read(pickle)
