"""How models with an anchor head and classic files are built, named and loaded."""

import pickle

import pytest
import torch


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
