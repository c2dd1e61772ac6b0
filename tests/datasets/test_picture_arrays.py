"""Pictures in an .npz file, whose headers may claim anything."""

import zipfile

import numpy as np
import pytest

from tintbox.datasets import picture_arrays
from tintbox.errors import TintboxError

GOOD = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)


def test_arrays_are_read_as_they_are(tmp_path):
    np.savez(tmp_path / "a.npz", train=GOOD, other=1)
    assert np.array_equal(picture_arrays.read(tmp_path / "a.npz", ["train"], 4)["train"], GOOD)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"test": GOOD}, r"no array 'train' \(found test\)"),
        ({"train": GOOD.astype(float)}, "'train' is float64"),
        ({"train": GOOD[:, :3]}, r"not uint8 \(n, 4, 4, 3\)"),
        ({"train": GOOD[:0]}, "not uint8"),
        ({"train": np.array([None])}, "holds Python objects"),
    ],
)
def test_other_arrays_are_refused(arrays, message, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(TintboxError, match=message):
        picture_arrays.read(tmp_path / "a.npz", ["train"], 4)


def test_a_header_that_claims_more_than_there_may_be_is_not_believed(tmp_path):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (10000000000, 4, 4, 3), }".ljust(118) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("train.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(TintboxError, match="10,000,000,000 images, more than"):
        picture_arrays.read(tmp_path / "a.npz", ["train"], 4)
