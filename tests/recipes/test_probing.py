"""`tintbox recipe probe=true`: on training pictures alone, within the minutes, and gone on with where it was killed."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

from tintbox.errors import TintboxError
from tintbox.recipes import probing
from tintbox.studies import outcome

from ..tiny_models import YOLO11N

pytestmark = pytest.mark.attack("folds")

# The recipe's own policy and another on two folds: four runs.
SMALL = """
from tintbox.recipes import policies, probing
policies.CANDIDATES = {"frozen": policies.CANDIDATES["frozen"]}
policies.FOLDS = probing.FOLDS = 2
policies.LEAST_EPOCHS, policies.LEAST_STEPS = 2, 1
from tintbox.cli import app
app.main()
"""


def draw(i):
    """A picture of 64x64 with a bright square, and its label."""
    picture = np.full((64, 64, 3), 40, np.uint8)
    x, y = 4 + (7 * i) % 32, 3 + (11 * i) % 32
    picture[y : y + 20, x : x + 20] = (20, 200, 250) if i % 2 else (250, 40, 40)
    return picture, [f"{i % 2} {(x + 10) / 64} {(y + 10) / 64} {20 / 64} {20 / 64}"]


@pytest.fixture(scope="module")
def squares(write_dataset):
    return write_dataset("probed", ["blue", "gold"], {"train": [*map(draw, range(12))], "val": [*map(draw, range(4))]})


def wait_for(condition, process, seconds=240):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end and process.poll() is None, "it never came"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def probed(squares, tmp_path_factory):
    """A probe that was killed in its second run, and gone on with by the same command: where, and what it printed."""
    cwd = tmp_path_factory.mktemp("probe")
    (cwd / "groups.csv").write_text(
        "".join(f"{split}/{i}.png,{i // 3}\n" for split, n in (("train", 12), ("val", 4)) for i in range(n))
    )
    words = ["recipe", f"model={YOLO11N}", f"data={squares}", "imgsz=64", "epochs=2", "device=cpu", "minutes=60"]
    command = [sys.executable, "-c", SMALL, *words, "probe=true", "groups=groups.csv", "--json"]
    folder = cwd / "recipe-probe"
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: (folder / "cfg_recipe-fold_1" / "args.yaml").is_file(), process)
        process.send_signal(signal.SIGKILL)
    assert not (cwd / "recipe.yaml").exists()
    first = folder / "cfg_recipe-fold_0"
    times = {file: file.stat().st_mtime_ns for file in first.rglob("*") if file.is_file()}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {file: file.stat().st_mtime_ns for file in times} == times, "a finished run was trained again"
    return cwd, done


@pytest.mark.slow
def test_a_probe_that_has_moved_with_its_folder_is_kept(probed, tmp_path, forked):
    cwd, before = probed
    moved = shutil.copytree(cwd, tmp_path / "moved")
    done = forked(*before.args[1:], cwd=moved)
    assert done.returncode == 0 and "4 runs, 4 of them done" in done.stderr, done.stderr
    assert json.loads(done.stdout)["probe"] == json.loads(before.stdout)["probe"]


@pytest.mark.slow
def test_a_killed_probe_goes_on(probed):
    cwd, done = probed
    assert "4 runs, 1 of them done" in done.stderr
    told = json.loads(done.stdout)
    assert list(told["probe"]["policies"]) == ["recipe", "frozen"] and told["probe"]["pictures"] == 12
    arguments = yaml.safe_load((cwd / "recipe.yaml").read_text())
    assert json.loads(json.dumps(arguments)) == told["arguments"], "JSON has no keys but texts"
    assert arguments["epochs"] == 2
    text = (cwd / "recipe.yaml").read_text()
    assert "# probe: 4 runs of 2 epochs on 2 folds of the 12 training images, kept in recipe-probe" in text
    assert "# - frozen: AP " in text and "measured: " in text
    assert text.count(": chosen") == 1


@pytest.mark.slow
def test_neither_validation_nor_test_is_looked_at(probed, squares):
    cwd, _ = probed
    train = sorted(map(str, squares.parent.glob("images/train/*.png")))
    seen = set()
    for fold in range(2):
        for split in ("train", "val"):
            seen |= set((cwd / f"recipe-probe/folds/fold_{fold}-{split}.txt").read_text().split())
    assert sorted(seen) == train
    table = [line.split(",") for line in (cwd / "recipe-probe/folds/folds.csv").read_text().splitlines()[1:]]
    assert len({group for *_, group, _ in table}) == 4, "the file's groups of the training images"
    for run in sorted((cwd / "recipe-probe").glob("cfg_*-fold_*")):
        assert outcome.read(run).state == outcome.FINISHED
        assert sorted(json.loads((run / "image_ids.json").read_text())) == [
            file
            for file in train
            if file in (cwd / f"recipe-probe/folds/fold_{run.name[-1]}-val.txt").read_text().split()
        ]
    frozen = yaml.safe_load((cwd / "recipe-probe/policies/frozen.yaml").read_text())
    assert frozen["freeze"] == "backbone" and "lr_scale" not in frozen and frozen["epochs"] == 2


@pytest.mark.slow
def test_another_probe_in_its_place_is_refused(probed, squares, tmp_path):
    cwd, _ = probed
    copied = shutil.copytree(cwd / "recipe-probe", tmp_path / "recipe-probe")
    request = json.loads((copied / "probe.json").read_text())["request"]
    assert probing.resume(copied, request).imgsz == 64
    with pytest.raises(TintboxError, match="has a probe with minutes=60; remove it or give another out="):
        probing.resume(copied, {**request, "minutes": 61})


@pytest.mark.slow
def test_a_probe_of_another_recipe_is_refused(probed, tmp_path, forked):
    """The same command on data that have changed since would mix two recipes."""
    cwd, before = probed
    moved = shutil.copytree(cwd, tmp_path / "moved")
    file = moved / "recipe-probe/cfg_frozen-fold_1/run.json"
    began = json.loads(file.read_text())
    assert began["recipe"] == yaml.safe_load((moved / "recipe-probe/policies/frozen.yaml").read_text())
    file.write_text(json.dumps({**began, "recipe": {**began["recipe"], "fliplr": 0.0}}))
    done = forked(*before.args[1:], cwd=moved)
    *said, last = done.stderr.splitlines()
    assert done.returncode == 1 and all(line.startswith("reading the labels of ") for line in said)
    assert "frozen.yaml changed (fliplr); remove recipe-probe or give another out=" in last


@pytest.mark.parametrize(
    "text",
    [
        *["", "{}", "[]", "{" * 999],
        '{"pace": {"seconds": -1, "imgsz": 3, "device": "cpu", "saving": 1}, "request": {}}',
        '{"pace": {"seconds": 1, "imgsz": 3, "device": "cpu", "saving": -1}, "request": {}}',
    ],
)
def test_damaged_probes(tmp_path, text):
    (tmp_path / "probe.json").write_text(text)
    with pytest.raises(TintboxError, match=r"probe\.json"):
        probing.resume(tmp_path, {})


def test_a_folder_in_the_way(tmp_path):
    assert probing.resume(tmp_path / "nowhere", {}) is None
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(TintboxError, match="is there and is no probe; give another out="):
        probing.resume(tmp_path, {})


def test_too_few_minutes(squares, refused):
    words = [f"model={YOLO11N}", f"data={squares}", "imgsz=64", "device=cpu", "minutes=1", "probe=true"]
    line = refused("recipe", *words)
    assert line.startswith(
        "tintbox: minutes=1: too few to try 7 policies on 3 folds in 50% of them on cpu; give minutes="
    )
    assert int(line.split("give minutes=")[1].split(",")[0]) >= 7
