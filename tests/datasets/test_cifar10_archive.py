"""CIFAR-10's archive: pixel-exact pictures in order, allowed names only, one-line errors."""

import hashlib
import io
import os
import pickle
import struct
import tarfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tintbox.datasets import cifar10_archive
from tintbox.datasets.cifar10 import prepare
from tintbox.datasets.cifar10_archive import CLASSES, SOURCE, download
from tintbox.errors import TintboxError

from .conftest import Evil, load, one_line_error


class Python2Pickler(pickle._Pickler):
    """Writes pickles like the archive's: Python 2, protocol 2, byte strings, integers for numpy's flags."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, obj):
        self.write(pickle.BINSTRING + struct.pack("<i", len(obj)) + obj)
        self.memoize(obj)

    def save_str(self, obj):
        self.save_bytes(obj.encode())

    dispatch[bytes] = save_bytes
    dispatch[str] = save_str

    def reducer_override(self, obj):
        if isinstance(obj, np.dtype):
            return np.dtype, ("u1", 0, 1), (3, "|", None, None, None, -1, -1, 0)
        return NotImplemented


def python2_dumps(obj) -> bytes:
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(obj)
    return stream.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def batch(seed: int, n: int = 20) -> dict:
    rng = np.random.default_rng(seed)
    return {
        b"batch_label": b"a batch",
        b"labels": [(i * 3 + seed) % 10 for i in range(n)],
        b"data": rng.integers(0, 256, (n, 3072), dtype=np.uint8),
        b"filenames": [b"x.png"] * n,
    }


NAMES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


def archive(path: Path, members: dict[str, bytes]) -> tuple[Path, str]:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path, hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture(params=["python2", "protocol4"])
def official(request, tmp_path):
    dumps = python2_dumps if request.param == "python2" else lambda obj: pickle.dumps(obj, protocol=4)
    return archive(tmp_path / "cifar-10-python.tar.gz", {n: dumps(batch(i)) for i, n in enumerate(NAMES)})


def expected(seeds, name: str) -> np.ndarray:
    """The pictures of a class as CIFAR-10 describes them: 1,024 red values row by row, then green, then blue."""
    rows = [
        row
        for batch_ in map(batch, seeds)
        for row, label in zip(batch_[b"data"], batch_[b"labels"], strict=True)
        if label == CLASSES.index(name)
    ]
    return np.stack([np.dstack([row[k : k + 1024].reshape(32, 32) for k in (0, 1024, 2048)]) for row in rows])


@pytest.mark.filterwarnings("error")
def test_archive_gives_every_picture_in_order(official, tmp_path):
    path, md5 = official
    folder = prepare(tmp_path / "out", source=path, md5=md5)
    for name in CLASSES:
        assert np.array_equal(load(folder, f"images/train/{name}_*.png"), expected(range(5), name))
        assert np.array_equal(load(folder, f"images/val/{name}_*.png"), expected([5], name))
    assert len(list((folder / "images/train").iterdir())) == 100
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, "out"]


def test_one_class_of_the_archive(official, tmp_path, monkeypatch):
    path, md5 = official
    monkeypatch.setenv(SOURCE, str(path))
    folder = prepare(tmp_path / "out", ["dog"], md5=md5)
    assert {p.name[:4] for p in folder.glob("images/*/*")} == {"dog_"}
    assert (folder / "images/train/dog_00000.png").is_file()
    monkeypatch.setenv(SOURCE, "nowhere")
    assert prepare(folder, ["dog"]) == folder  # already there: no source is needed
    with pytest.raises(TintboxError, match="holds another dataset"):
        prepare(folder, ["cat"], source=path, md5=md5)


@pytest.mark.parametrize("dumps", [python2_dumps, pickle.dumps], ids=["python2", "python3"])
def test_a_pickle_runs_nothing(tmp_path, dumps):
    mark = tmp_path / "created"
    evil = dumps({b"data": Evil(os.mkdir, str(mark)), b"labels": []})
    path, md5 = archive(tmp_path / "evil.tar.gz", dict.fromkeys(NAMES, evil))
    with pytest.raises(TintboxError, match=r"'cifar-10-batches-py/data_batch_1' names '\w+.mkdir'") as caught:
        prepare(tmp_path / "out", source=path, md5=md5)
    one_line_error(caught)
    assert not mark.exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["load", "fromfile", "memmap", "core.multiarray.fromfile", "testing.run_module_suite"])
def test_other_names_of_numpy_are_refused(tmp_path, name):
    module, _, attribute = f"numpy.{name}".rpartition(".")
    evil = f"c{module}\n{attribute}\n.".encode()
    path, md5 = archive(tmp_path / "evil.tar.gz", dict.fromkeys(NAMES, evil))
    with pytest.raises(TintboxError, match=f"names '{module}.{attribute}'"):
        prepare(tmp_path / "out", source=path, md5=md5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        pickle.dumps([1, 2]),
        pickle.dumps({b"data": 3, b"labels": [1]}),
        pickle.dumps({b"labels": [1]}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}),
        pickle.dumps({b"data": np.zeros((2, 3072)), b"labels": [1, 2]}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [[1], [2, 3]]}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": ["a", "b"]}),
        pickle.dumps(batch(0), protocol=4)[:-400],
    ],
    ids=["empty", "noise", "list", "number", "no data", "lengths", "dtype", "ragged", "words", "cut"],
)
def test_broken_batches(tmp_path, content):
    path, md5 = archive(tmp_path / "broken.tar.gz", dict.fromkeys(NAMES, content))
    with pytest.raises(TintboxError, match=r"is not a CIFAR-10 batch .*fetch it again from https") as caught:
        prepare(tmp_path / "out", source=path, md5=md5)
    assert str(path) in one_line_error(caught)


def test_wrong_md5(official, tmp_path):
    path, md5 = official
    with pytest.raises(TintboxError, match=f"MD5 {md5}, not c58f30108f718f92721af3b95e74349a.*fetch it from") as caught:
        prepare(tmp_path / "out", source=path)
    assert str(path) in one_line_error(caught)


def test_missing_member_and_corrupt_tar(tmp_path):
    path, md5 = archive(tmp_path / "few.tar.gz", {"data_batch_1": pickle.dumps(batch(0))})
    with pytest.raises(TintboxError, match="no file 'cifar-10-batches-py/data_batch_2' in it"):
        prepare(tmp_path / "out", source=path, md5=md5)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"x" * 99, b"", whole[:200] + bytes(99) + whole[299:]):
        path.write_bytes(content)
        with pytest.raises(TintboxError, match="fetch it again from") as caught:
            prepare(tmp_path / "out", source=path, md5=hashlib.md5(content).hexdigest())
        assert str(path) in one_line_error(caught)


def test_download_is_checked_and_kept(official, tmp_path):
    path, md5 = official
    cache = tmp_path / "datasets"
    folder = prepare(cache / "cifar10-horses", ["horse"], url=path.as_uri(), md5=md5)
    assert sorted(p.name for p in cache.iterdir()) == ["cifar-10-python.tar.gz", "cifar10-horses"]
    assert np.array_equal(load(folder, "images/val/*.png"), expected([5], "horse"))
    gone = (tmp_path / "gone").as_uri()
    assert download(cache, url=gone, md5=md5) == cache / path.name  # the kept archive is used
    (cache / path.name).write_bytes(b"cut")
    assert download(cache, url=path.as_uri(), md5=md5).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/cifar.tar.gz", "file:///nowhere/cifar.tar.gz"])
def test_offline(tmp_path, url):
    with pytest.raises(
        TintboxError, match=f"{url}: cannot download CIFAR-10 .*; fetch {url} .* set {SOURCE}"
    ) as caught:
        prepare(tmp_path / "datasets" / "out", url=url)
    one_line_error(caught)
    assert not any((tmp_path / "datasets").iterdir())


def test_download_of_another_file(official, tmp_path):
    path, md5 = official
    with pytest.raises(TintboxError, match=f"has MD5 {md5}, not {cifar10_archive.MD5}") as caught:
        prepare(tmp_path / "datasets" / "out", url=path.as_uri())
    one_line_error(caught)
    assert not any((tmp_path / "datasets").iterdir())
