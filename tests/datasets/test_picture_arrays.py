"""Pictures in an .npz file, whose headers may claim anything."""

import io
import tracemalloc
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


def write(path, content, compression=zipfile.ZIP_DEFLATED):
    """Write a zip of one array, whose pieces of content may be any."""
    with zipfile.ZipFile(path, "w", compression) as archive, archive.open("train.npy", "w") as stream:
        for piece in content:
            stream.write(piece)


@pytest.mark.attack("files that eat the machine")
def test_a_header_that_unpacks_to_a_gigabyte_is_not_read(tmp_path):
    size = 1 << 30
    start = b"\x93NUMPY\x02\x00" + size.to_bytes(4, "little")
    write(tmp_path / "a.npz", [start, *[b" " * (1 << 24)] * (size >> 24)])
    assert (tmp_path / "a.npz").stat().st_size < 2 << 20
    tracemalloc.start()
    try:
        with pytest.raises(TintboxError, match="damaged, or not an"):
            picture_arrays.read(tmp_path / "a.npz", ["train"], 4)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.attack("colorize inputs")
@pytest.mark.parametrize("header", [b"(" * 3000, b"-" * 3500 + b"1", b"{'descr': '''", b" {\n ]]", b"9" * 3000, b"\0"])
def test_a_header_that_is_no_python(header, tmp_path):
    write(tmp_path / "a.npz", [b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header])
    with pytest.raises(TintboxError, match=r"a\.npz: damaged, or not an") as caught:
        picture_arrays.read(tmp_path / "a.npz", ["train"], 4)
    assert len(str(caught.value)) < 500


@pytest.mark.attack("colorize inputs")
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_flipped_bits(compression, tmp_path):
    path = tmp_path / "a.npz"
    stream = io.BytesIO()
    np.save(stream, GOOD)
    write(path, [stream.getvalue()], compression)
    whole = path.read_bytes()
    for start in range(0, len(whole), 20):
        path.write_bytes(whole[:start] + bytes(255 - byte for byte in whole[start : start + 20]) + whole[start + 20 :])
        try:
            picture_arrays.read(path, ["train"], 4)
        except TintboxError as error:
            assert str(error).startswith(f"{path}: ")


def test_of_many_arrays_the_first_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for i in range(1000):
            archive.writestr(f"{i}\x1b.npy", b"")
    with pytest.raises(TintboxError, match=r"\(found 0.x1b, .*7.x1b, \.\.\.\)$"):
        picture_arrays.read(tmp_path / "a.npz", ["train"], 4)
