"""CIFAR-10: pixel-exact pictures, reading an .npz, and one-line errors for whatever is wrong with it."""

import importlib.resources
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from tintbox.datasets.cifar10 import prepare
from tintbox.datasets.cifar10_archive import CLASSES, SOURCE
from tintbox.errors import TintboxError, TintboxFileError

from .conftest import Evil, load, one_line_error

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TINTBOX_DATA") or REPOSITORY.parent / "shared" / "data")
HORSES = DATA / "cifar10-horses.npz"
YAMLS = Path(str(importlib.resources.files("tintbox.datasets")))


def test_source_that_is_not_there(tmp_path, monkeypatch):
    for missing in (tmp_path / "none.npz", tmp_path):
        monkeypatch.setenv(SOURCE, str(missing))
        with pytest.raises(TintboxFileError, match=f"{missing}: no such file; let {SOURCE} name .* or unset it"):
            prepare(tmp_path / "out", ["horse"])


@pytest.mark.parametrize(
    ("classes", "message"),
    [(["hose"], "no class 'hose'.*did you mean 'horse'"), ([], "the list is empty"), (None, "the list is empty")],
)
def test_wrong_classes(tmp_path, classes, message):
    with pytest.raises(TintboxError, match=message):
        prepare(tmp_path / "out", classes)


def pictures(n: int, dtype=np.uint8) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, 32, 32, 3)).astype(dtype)


def test_npz_of_horses(tmp_path):
    path = tmp_path / "horses.npz"
    np.savez(path, train=pictures(12), test=pictures(3))
    folder = prepare(tmp_path / "out", ["horse"], source=path)
    assert [p.name for p in sorted((folder / "images/val").iterdir())] == [f"horse_{i:05d}.png" for i in range(3)]
    assert np.array_equal(load(folder, "images/train/*.png"), pictures(12))
    with pytest.raises(TintboxError, match=r"an \.npz holds the horses only, not airplane, .*truck; let"):
        prepare(tmp_path / "ten", source=path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train": pictures(2)}, "no array 'test' \\(found train\\)"),
        ({"train": pictures(2, np.float32), "test": pictures(2)}, "'train' is float32"),
        ({"train": pictures(2), "test": pictures(2)[..., :1]}, "'test' is uint8 \\(2, 32, 32, 1\\), not"),
        ({"train": pictures(2), "test": pictures(2)[:0]}, "'test' is uint8 \\(0, 32, 32, 3\\), not"),
        ({"train": np.array([Evil(os.mkdir, "x")]), "test": pictures(1)}, "damaged, or not an .npz of plain arrays"),
    ],
    ids=["missing", "dtype", "shape", "empty", "pickled"],
)
def test_wrong_npz(tmp_path, arrays, message):
    path = tmp_path / "horses.npz"
    np.savez(path, **arrays)
    with pytest.raises(TintboxError, match=message) as caught:
        prepare(tmp_path / "out", ["horse"], source=path)
    assert str(path) in one_line_error(caught)


def test_damaged_npz(tmp_path):
    path = tmp_path / "horses.npz"
    np.savez_compressed(path, train=pictures(12), test=pictures(3))
    whole = path.read_bytes()
    path.write_bytes(whole[:5000] + bytes(200) + whole[5200:])
    with pytest.raises(TintboxError, match=r"damaged, or not an \.npz"):
        prepare(tmp_path / "out", ["horse"], source=path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "no arrays")
    with pytest.raises(TintboxError, match="no array 'train'"):
        prepare(tmp_path / "out", ["horse"], source=path)


@pytest.mark.skipif(not HORSES.is_file(), reason=f"needs {HORSES.name} in the folder TINTBOX_DATA")
def test_real_horses_through_the_yaml_are_pixel_exact(tmp_path, monkeypatch):
    data = yaml.safe_load((YAMLS / "cifar10-horses.yaml").read_text(encoding="utf-8"))
    monkeypatch.setenv(SOURCE, str(HORSES))
    exec(data["download"], {"yaml": {**data, "path": tmp_path / data["path"]}})
    with np.load(HORSES) as arrays:
        for key, split in (("train", data["train"]), ("test", data["val"])):
            assert np.array_equal(load(tmp_path / data["path"], f"{split}/*.png"), arrays[key])


def test_yamls():
    horses, ten = (
        yaml.safe_load((YAMLS / f"{n}.yaml").read_text(encoding="utf-8")) for n in ("cifar10-horses", "cifar10")
    )
    assert horses["classes"] == ["horse"] == list(horses["names"].values()) and horses["palette"] == "horses24"
    assert tuple(ten["classes"]) == CLASSES == tuple(ten["names"].values()) and ten["palette"] == 24


@pytest.mark.attack("colorize inputs")
@pytest.mark.parametrize(
    ("shape", "message"),
    [((10**9, 32, 32, 3), "has 1,000,000,000 images"), ((2**40, 2**40), "not uint8"), ((-1, 32, 32, 3), "not uint8")],
)
def test_an_npz_that_claims_terabytes(tmp_path, shape, message):
    path = tmp_path / "horses.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for key in ("train", "test"):
            with file.open(f"{key}.npy", "w") as stream:
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(TintboxError, match=message) as caught:
        prepare(tmp_path / "out", ["horse"], source=path)
    one_line_error(caught)
    assert not (tmp_path / "out").exists()
