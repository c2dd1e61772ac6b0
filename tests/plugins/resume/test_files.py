"""Advice for a damaged checkpoint."""

import pytest
import torch

from tintbox.plugins.resume.files import explain_damage


@pytest.fixture
def folder(tmp_path):
    for name in ("last.pt", "best.pt"):
        torch.save({"epoch": 1}, tmp_path / name)
    return tmp_path


def tear(file):
    file.write_bytes(file.read_bytes()[:-100])


def test_the_whole_one_is_named(folder):
    assert explain_damage(folder / "last.pt") is None
    tear(folder / "last.pt")
    told = explain_damage(folder / "last.pt")
    assert f"{folder / 'last.pt'} is damaged; best.pt beside it is whole" in told
    assert f"yolo train resume model={folder / 'best.pt'}" in told


def test_nothing_is_said_where_none_is_whole_or_it_is_no_runs_checkpoint(folder):
    for name in ("last.pt", "best.pt"):
        tear(folder / name)
    assert explain_damage(folder / "last.pt") is None
    assert explain_damage(folder / "yolo11n.pt") is None and explain_damage(None) is None
