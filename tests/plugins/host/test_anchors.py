"""Building, naming and loading of models with an anchor head and of classic files."""

import pickle

import pytest
import torch
from ultralytics import YOLO
from ultralytics.nn.modules import block

from tintbox.plugins.host import anchors

from ...tiny_models import YOLO11N


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1, 2]), "neither a current checkpoint nor a classic"),
        (b"\xff\xd8\xff picture", "neither a current checkpoint nor a classic"),
        ({"weights": torch.ones(3)}, "neither a current checkpoint nor a classic"),
        ([torch.ones(3)], "neither a current checkpoint nor a classic"),
    ],
    ids=["pickle", "picture", "dict", "list"],
)
def test_what_is_no_checkpoint_is_told_in_one_line(refusal, tmp_path, content, message):
    if isinstance(content, bytes):
        (tmp_path / "x.pt").write_bytes(content)
    else:
        torch.save(content, tmp_path / "x.pt")
    assert message in refusal("detect", "val", "model=x.pt", "data=coco8.yaml")


def test_a_checkpoint_of_another_ultralytics_has_the_errors_of_stock(tmp_path, monkeypatch):
    class NewBlock(torch.nn.Identity):
        pass

    NewBlock.__module__, NewBlock.__qualname__ = block.__name__, "NewBlock"
    monkeypatch.setattr(block, "NewBlock", NewBlock, raising=False)
    yolo = YOLO(YOLO11N)
    yolo.model.new = NewBlock()
    yolo.save(tmp_path / "new.pt")
    monkeypatch.undo()
    with pytest.raises(AttributeError, match="Can't get attribute 'NewBlock'"):
        YOLO(tmp_path / "new.pt")


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ({"backbone": [[-1, 1, "Conv", []]], "head": [[[0], 1, "AnchorDetect", []]]}, "AnchorDetect"),
        ({"backbone": [[-1, 1, "Conv", []]], "head": []}, "Conv"),
        ({"backbone": [], "head": [[[0], 1, 7, []]]}, "7"),
        ({"backbone": [], "head": []}, ""),
        ({"backbone": []}, ""),
        ({"backbone": None, "head": [[1]]}, ""),
        ({"backbone": [], "head": [3]}, ""),
        (YOLO11N, ""),
        (None, ""),
    ],
)
def test_the_last_layer_of_a_description(description, name):
    assert anchors.name_head(description) == name


def test_errors_of_pytorchs_reader_are_told_from_others(tmp_path):
    (tmp_path / "x.pt").write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(RuntimeError, match="archive") as ours:
        torch.load(tmp_path / "x.pt", weights_only=False)
    assert anchors.from_reader(ours.value)
    (tmp_path / "x.pt").write_text("root:x:0:0:root:/root:/bin/bash")
    with pytest.raises(IndexError) as restricted:  # as ULTRALYTICS_SAFE_LOAD=1 loads
        torch.load(tmp_path / "x.pt", weights_only=True)
    assert anchors.from_reader(restricted.value)
    with pytest.raises(ValueError, match="mine") as other:
        raise ValueError("mine")
    assert not anchors.from_reader(other.value) and not anchors.from_reader(ValueError())


def test_a_full_memory_is_no_fault_of_the_file(monkeypatch, tmp_path):
    from ultralytics.nn import tasks

    def full(*args, **kwargs):
        raise MemoryError

    torch.save({}, tmp_path / "x.pt")
    monkeypatch.setattr(tasks, "torch_safe_load", full)
    with pytest.raises(MemoryError):
        tasks.load_checkpoint(tmp_path / "x.pt")
