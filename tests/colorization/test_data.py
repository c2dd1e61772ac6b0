"""Pictures, their order and their batches."""

import os
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from tintbox.colorization import data, decoding
from tintbox.colorization.data import Pictures, image_files
from tintbox.colorization.loader import Order, PictureLoader
from tintbox.errors import TintboxError, TintboxFileError


def test_image_files_of_folder_list_text_file_and_single_image(folder):
    names = [f"{i}.png" for i in range(5)]
    (folder / "notes.md").write_text("no image")
    assert [f.name for f in image_files(folder)] == names
    (folder / "list.txt").write_text("./1.png\n" + str(folder / "0.png") + "\n\n")
    assert [f.name for f in image_files(str(folder / "list.txt"))] == ["1.png", "0.png"]
    assert [f.name for f in image_files([folder, folder / "2.png"])] == [*names, "2.png"]


def test_image_files_missing_or_empty(tmp_path):
    for name in ("nowhere", "x" * 300):
        with pytest.raises(TintboxFileError, match="not found"):
            image_files(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TintboxFileError, match="no images in"):
        image_files(tmp_path / "empty")
    with pytest.raises(TintboxFileError, match="not found"):
        image_files("x" * 300)
    with pytest.raises(TintboxFileError, match=r"images '\[\]' not found"):
        image_files([])


@pytest.mark.parametrize("cache", ["ram", "disk"])
def test_bad_files_are_skipped_with_a_line_each(folder, cache):
    good = (folder / "4.png").read_bytes()
    (folder / "5.jpg").write_text("not an image at all")
    (folder / "6.png").write_bytes(good[: len(good) // 2])
    (folder / "7.png").write_bytes(b"")
    pictures = Pictures([*image_files(folder), folder / "8.png"], 16, cache)
    assert [f.name for f in pictures.files] == [f"{i}.png" for i in range(5)]
    reasons = {line.split("'")[1].rsplit("/", 1)[-1]: line.rsplit(": ", 1)[-1] for line in pictures.skipped}
    assert reasons["6.png"] == "truncated"
    assert reasons["7.png"] == "not an image"
    assert reasons["8.png"] == "no such file"
    assert reasons["5.jpg"] == "not an image"
    assert pictures.read(torch.arange(len(pictures))).shape == (len(pictures), 16, 16, 3)


@pytest.mark.parametrize("cache", ["ram", "disk"])
def test_too_many_pixels_are_found_in_the_header(folder, cache, monkeypatch):
    monkeypatch.setattr(decoding, "PICTURE_PIXELS", 2_000_000)
    cv2.imwrite(str(folder / "5.png"), np.zeros((2001, 1000), np.uint8))
    assert Pictures(image_files(folder), 16, cache).skipped == [
        f"skipped '{folder / '5.png'}': more than 2 million pixels"
    ]


def test_a_split_larger_than_the_memory_is_not_held(folder, monkeypatch):
    monkeypatch.setattr(data.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    assert Pictures(image_files(folder), 16).memory is None
    with pytest.raises(TintboxError, match=r"cache=ram: 5 images of 16x16 pixels are 0 MiB, more than the free memory"):
        Pictures(image_files(folder), 16, "ram")


def test_no_usable_file_is_an_error(tmp_path):
    (tmp_path / "a.jpg").write_text("nothing")
    with pytest.raises(TintboxError, match="none of 1 image files can be read"):
        Pictures([tmp_path / "a.jpg"], 16)


def test_memory_and_disk_agree(folder):
    files = image_files(folder)
    held, lazy = Pictures(files, 16, "ram"), Pictures(files, 16, "disk")
    assert held.memory is not None
    assert lazy.memory is None
    index = torch.tensor([4, 0, 2])
    assert torch.equal(held.read(index), lazy.read(index))
    batches = [list(PictureLoader(p, 2, Order(5, "epoch"), flip=0.5, crop=0.2)) for p in (held, lazy)]
    for a, b in zip(*batches, strict=True):
        assert torch.equal(a["img"], b["img"])
        assert a["im_file"] == b["im_file"]


def test_a_sample_is_read_block_by_block(folder):
    pictures = Pictures(image_files(folder) * 8, 16, "disk")
    seen = []
    pictures.read = lambda indices: seen.append(len(indices)) or Pictures.read(pictures, indices)
    first, *rest = map(len, pictures.sample(39))
    assert [first, *rest] == seen == [16, 16, 7]
    next(pictures.sample(39))
    assert len(seen) == 4


def test_a_file_that_goes_bad_later_is_replaced_with_one_warning(folder, monkeypatch):
    pictures, said = Pictures(image_files(folder), 16, "disk"), []
    monkeypatch.setattr(data.LOGGER, "warning", said.append)
    (folder / "1.png").unlink()
    for _ in range(2):
        assert torch.equal(pictures.read(torch.tensor([1])), pictures.read(torch.tensor([2])))
    assert said == [f"replaced '{folder / '1.png'}' by the next good image: no such file"]
    shutil.rmtree(folder)
    with pytest.raises(TintboxError, match="can be read any more"):
        pictures.read(torch.tensor([1]))


def test_pictures_in_linked_folders_count(tmp_path):
    """As in Ultralytics; hidden files are skipped: macOS makes some that are named like pictures."""
    for file in ("elsewhere/cam/a.jpg", "images/b.jpg", "images/._b.jpg"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"")
    (tmp_path / "images" / "cam").symlink_to(tmp_path / "elsewhere" / "cam")
    found = image_files(tmp_path / "images")
    assert found == [tmp_path / "images" / name for name in ("b.jpg", "cam/a.jpg")]


def test_a_list_from_windows_is_read_as_ultralytics_reads_it(tmp_path):
    (tmp_path / "train.txt").write_bytes(b"\xef\xbb\xbf./a.jpg\r\n./b.jpg\r\n")
    assert image_files(tmp_path / "train.txt") == [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    (tmp_path / "train.txt").write_bytes("./ä.jpg".encode("latin-1"))
    with pytest.raises(TintboxFileError, match=r"train.txt: cannot be read \('utf-8' codec"):
        image_files(tmp_path / "train.txt")


@pytest.mark.attack("files that eat the machine")
def test_a_folder_that_contains_itself_is_not_searched(folder):
    for name in "xy":
        (folder / name).symlink_to(".")
    with pytest.raises(TintboxError, match="a link back to the folder it is in"):
        image_files(folder)


@pytest.mark.attack("files that eat the machine")
@pytest.mark.parametrize("cache", ["ram", "disk"])
def test_what_has_no_end_is_no_picture(folder, cache, tmp_path):
    """A list may name a pipe, which waits for a writer, and a device; a file of zeros takes its size in memory."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with (tmp_path / "large.png").open("wb") as stream:
        stream.truncate(1 << 40)
    names = ["pipe.png", "zero.png", "large.png"]
    pictures = Pictures([*image_files(folder), *(tmp_path / name for name in names)], 16, cache)
    lines = [line.split("': ")[1] for line in pictures.skipped if line.split("'")[1].startswith(str(tmp_path))]
    assert lines[-len(names) :] == [*["a pipe or device, no file"] * 2, "larger than 256 MiB"]
