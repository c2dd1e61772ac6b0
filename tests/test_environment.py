"""``environment.json``: where a run was made."""

import json
from importlib import metadata
from types import SimpleNamespace

import pytest
import torch

from tintbox import environment, run_folder
from tintbox.plugins import callbacks


def test_versions_and_hardware():
    found = environment.describe(torch.device("cpu"))
    assert found["versions"]["torch"] == metadata.version("torch")
    assert found["versions"]["ultralytics"] == metadata.version("ultralytics")
    assert found["device"] == "cpu"
    assert found["cores"] >= 1
    assert found["processor"]
    assert json.loads(json.dumps(found)) == found


def test_a_resumed_run_keeps_the_file_of_its_beginning(tmp_path):
    trainer = SimpleNamespace(save_dir=tmp_path / "run", device=torch.device("cpu"))
    environment.on_pretrain_routine_start(trainer)
    file = tmp_path / "run" / run_folder.ENVIRONMENT
    assert run_folder.read_environment(tmp_path / "run")["device"] == "cpu"
    file.write_text('{"device": "an older one"}')
    environment.on_pretrain_routine_start(trainer)
    assert run_folder.read_environment(tmp_path / "run") == {"device": "an older one"}


@pytest.mark.parametrize(
    ("arguments", "asked", "written"),
    [({}, "", False), ({"freeze": 3}, "0", False), ({}, "1", True), ({"freeze": "backbone"}, "", True),
     ({"coco_eval": True}, "", True), ({"task": "colorize"}, "", True)],
)  # fmt: skip
def test_a_plain_run_leaves_the_folder_of_stock(tmp_path, monkeypatch, arguments, asked, written):
    monkeypatch.setenv("TINTBOX_ENVIRONMENT", asked)
    monkeypatch.setattr(callbacks, "begin", lambda *_: None)
    args = SimpleNamespace(**{"task": "detect", **arguments})
    callbacks.on_pretrain_routine_start(SimpleNamespace(save_dir=tmp_path, device=torch.device("cpu"), args=args))
    assert [file.name for file in tmp_path.iterdir()] == [run_folder.ENVIRONMENT] * written


def test_a_colouriser_has_it(trained):
    found = run_folder.read(trained).environment
    assert found["versions"]["tintbox"] == metadata.version("tintbox")
