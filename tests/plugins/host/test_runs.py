"""Patches of runs: callbacks, the check before a run, label caches, exports."""

from pathlib import Path

import pytest
from ultralytics.data import dataset
from ultralytics.engine import exporter

from tintbox.plugins import callbacks


def test_our_callbacks_are_among_the_defaults_once():
    from ultralytics.utils.callbacks.base import default_callbacks, get_default_callbacks

    for function in callbacks.CALLBACKS:
        assert default_callbacks[function.__name__].count(function) == 1
        assert function in get_default_callbacks()[function.__name__]


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [("a.onnx", 74_000, 0.1001), ("a.torchscript", 74_000, 0.1001), ("a.onnx", 0, 0.0), ("a.engine", 74_000, None),
     ("a.onnx", 300_000, None)],
)  # fmt: skip
def test_small_exports_are_whole(tmp_path, name, size, told):
    file = tmp_path / name
    file.write_bytes(bytes(size))
    assert exporter.file_size(file) == pytest.approx(size / 2**20 if told is None else told)


class Raced(type(Path())):
    """A path to a file that another run removes as soon as its existence has been checked."""

    def exists(self):
        there = super().exists()
        self.unlink(missing_ok=True)
        return there


def test_a_cache_of_labels_that_another_run_removed_ends_no_run(tmp_path):
    file = tmp_path / "train.cache"
    file.write_bytes(b"outdated")
    dataset.save_dataset_cache_file("", Raced(file), {}, "1")
    dataset.save_dataset_cache_file("", file, {"hash": "h"}, "1")
    assert dataset.load_dataset_cache_file(file) == {"hash": "h", "version": "1"}
