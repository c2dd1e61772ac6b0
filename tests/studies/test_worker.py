"""The arguments by which a run of a study starts or resumes."""

import signal
import subprocess

import psutil
import pytest
import torch

from tintbox.run_arguments import HEADER
from tintbox.studies.outcome import Outcome, read
from tintbox.studies.worker import end, finish_polishing, stop, words

from .conftest import wait_for

ARGUMENTS = {"task": "detect", "model": "yolo11n.yaml", "epochs": 3}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run/weights").mkdir(parents=True)
    (tmp_path / "run/args.yaml").write_text("epochs: 3\n")
    return tmp_path / "run"


def save(folder, name, epoch, whole=True):
    file = folder / "weights" / name
    torch.save({"epoch": epoch}, file)
    if not whole:
        file.write_bytes(file.read_bytes()[:-50])
    return file


def fresh(folder):
    return [
        *("detect", "train", "model=yolo11n.yaml", "epochs=3"),
        *(f"project={folder.parent}", f"name={folder.name}", "exist_ok=True"),
    ]


def test_a_run_begins_and_leaves_nothing_of_an_earlier_one(folder):
    (folder / "results.csv").write_text("epoch\n")
    assert words(folder, ARGUMENTS) == fresh(folder)
    assert not (folder / "weights").exists() and not (folder / "results.csv").exists()


def test_it_goes_on_from_the_checkpoint_that_is_whole(folder):
    last = save(folder, "last.pt", 1)
    assert words(folder, ARGUMENTS) == ["train", f"model={last}", f"resume={last}", f"save_dir={folder}"]
    best, _ = save(folder, "best.pt", 0), save(folder, "last.pt", 1, whole=False)
    assert words(folder, ARGUMENTS) == ["train", f"model={best}", f"resume={best}", f"save_dir={folder}"]


def test_the_end_of_a_run_keeps_what_its_recipe_said(folder):
    Outcome("started", arguments=ARGUMENTS, recipe={"lr0": 0.1}).write(folder)
    assert end(folder, 0, ARGUMENTS) == read(folder) == Outcome("finished", "", ARGUMENTS, {"lr0": 0.1})


def test_nothing_is_left_to_train_after_the_last_epoch(folder):
    save(folder, "last.pt", 2)
    assert words(folder, ARGUMENTS) is None
    save(folder, "best.pt", 2)
    assert words(folder, ARGUMENTS) is None


def test_a_run_that_was_killed_in_its_coco_evaluation_gets_it(folder):
    """Asked for by an argument or the recipe, both are in its folder."""
    stock = "{epochs: 3, data: my.yaml, imgsz: 32, classes: [0, 2], save_json: false}"
    (folder / "args.yaml").write_text(HEADER + stock)
    (folder / "tintbox.yaml").write_text("coco_eval: {seed: 3}\n")
    save(folder, "last.pt", 2)
    best = save(folder, "best.pt", 0)
    asked = ["imgsz=32", "classes=[0, 2]", "data=my.yaml", "coco_eval={'seed': 3}", "save_json=False"]
    place = [f"project={folder.parent}", f"name={folder.name}", "exist_ok=True"]
    assert words(folder, ARGUMENTS) == ["val", f"model={best}", *asked, *place]
    (folder / "coco.json").touch()
    assert words(folder, ARGUMENTS) is None
    best.write_bytes(b"")
    assert words(folder, ARGUMENTS) == fresh(folder) and not (folder / "coco.json").exists()


@pytest.mark.parametrize(
    ("changes", "polished"),
    [
        ({}, True),
        ({"tintbox_polish": {}}, False),  # done
        ({"epoch": -1}, False),  # done, and nothing was better
        ({"last": 1}, False),  # it is to be resumed
        ({"asked": False}, False),
        ({"device": "[0, 1]"}, False),  # not on several devices
    ],
)
def test_a_run_that_was_killed_before_its_polishing_gets_it(folder, changes, polished, monkeypatch):
    from tintbox.plugins.polish import training

    calls = []
    monkeypatch.setattr(training, "replace_best", lambda *values: calls.append(values))
    content = {"epoch": 0, **changes}
    device = content.pop("device", "cpu")
    save(folder, "last.pt", content.pop("last", 2))
    if content.pop("asked", True):
        (folder / "args.yaml").write_text(HEADER + f"{{epochs: 3, device: {device}}}")
        (folder / "tintbox.yaml").write_text("polish: true\n")
    best = folder / "weights/best.pt"
    torch.save(content, best)
    finish_polishing(folder)
    assert [(file, device) for file, _, device in calls] == [(best, "cpu")] * polished


def test_without_its_best_weights_a_trained_run_begins_anew(folder):
    save(folder, "last.pt", 2)
    save(folder, "best.pt", 1, whole=False)
    assert words(folder, ARGUMENTS) == fresh(folder)


@pytest.mark.parametrize("killed", [False, True])
def test_child_processes_end_with_their_run(killed):
    """The last of them has a session of its own, as each process of a training on several GPUs has."""
    command = ["sh", "-c", "sh -c 'echo $$; setsid sleep 100 & echo $!; wait' & wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        children = [psutil.Process(int(process.stdout.readline())) for _ in range(2)]
        if killed:
            process.kill()
            assert process.wait() == -signal.SIGKILL and all(child.is_running() for child in children)
        stop(process)
    wait_for(lambda: not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE], 20)
