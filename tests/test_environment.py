"""``environment.json``: where a run was made."""

import json
from importlib import metadata
from types import SimpleNamespace

import torch

from tintbox import environment, run_folder


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


def test_a_colouriser_has_it(trained):
    found = run_folder.read(trained).environment
    assert found["versions"]["tintbox"] == metadata.version("tintbox")
