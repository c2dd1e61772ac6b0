"""Pictures, their order and their batches."""

import shutil

import cv2
import numpy as np
import pytest
import torch

from tintbox.colorization.data import Pictures, decode, image_files, wrong_bytes
from tintbox.colorization.grey import grey_input
from tintbox.colorization.loader import Order, PictureLoader, reflect, shift
from tintbox.errors import TintboxError, TintboxFileError


@pytest.fixture
def folder(tmp_path):
    """Five PNGs of different shapes, each of one colour."""
    for i, shape in enumerate([(32, 32), (40, 60), (90, 30), (16, 16), (33, 31)]):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((*shape, 3), (i, 10 * i, 20 * i), np.uint8))
    return tmp_path


def test_image_files_of_folder_list_text_file_and_single_image(folder):
    names = [f"{i}.png" for i in range(5)]
    (folder / "notes.md").write_text("no image")
    assert [f.name for f in image_files(folder)] == names
    (folder / "list.txt").write_text("./1.png\n" + str(folder / "0.png") + "\n\n")
    assert [f.name for f in image_files(str(folder / "list.txt"))] == ["1.png", "0.png"]
    assert [f.name for f in image_files([folder, folder / "2.png"])] == [*names, "2.png"]


def test_image_files_missing_or_empty(tmp_path):
    with pytest.raises(TintboxFileError, match="not found"):
        image_files(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TintboxFileError, match="no images in"):
        image_files(tmp_path / "empty")
    with pytest.raises(TintboxFileError, match=r"images '\[\]' not found"):
        image_files([])


def test_decode_is_rgb_and_exact_at_its_own_size(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture[..., ::-1])
    assert np.array_equal(decode(tmp_path / "a.png", (24, 24)), picture)


def test_decode_keeps_the_middle_of_the_longer_side(tmp_path):
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 255
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    assert decode(tmp_path / "a.png", (10, 10)).min() == 255


@pytest.mark.parametrize("shape", [(8, 8), (64, 64), (16, 48)])
def test_decode_covers_any_shape(folder, shape):
    for file in image_files(folder):
        assert decode(file, shape).shape == (*shape, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_files_are_found(tmp_path, suffix):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    file = tmp_path / f"a{suffix}"
    cv2.imwrite(str(file), picture)
    assert wrong_bytes(np.fromfile(file, np.uint8)) is None
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match="truncated"):
        decode(file, (64, 64))


@pytest.mark.parametrize("cache", ["ram", "disk"])
def test_bad_files_are_skipped_with_a_line_each(folder, cache):
    good = (folder / "4.png").read_bytes()
    (folder / "5.jpg").write_text("not an image at all")
    (folder / "6.png").write_bytes(good[: len(good) // 2])
    (folder / "7.png").write_bytes(b"")
    pictures = Pictures([*image_files(folder), folder / "8.png"], 16, cache)
    assert [f.name for f in pictures.files if f.name != "5.jpg"] == [f"{i}.png" for i in range(5)]
    reasons = {line.split("'")[1].rsplit("/", 1)[-1]: line.rsplit(": ", 1)[-1] for line in pictures.skipped}
    assert reasons["6.png"] == "truncated"
    assert reasons["7.png"] == "not an image"
    assert reasons["8.png"] == "no such file"
    if cache == "ram":
        assert reasons["5.jpg"] == "not an image"
    assert pictures.read(torch.arange(len(pictures))).shape == (len(pictures), 16, 16, 3)


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


def test_a_file_that_goes_bad_later_is_replaced(folder):
    pictures = Pictures(image_files(folder), 16, "disk")
    (folder / "1.png").unlink()
    assert torch.equal(pictures.read(torch.tensor([1])), pictures.read(torch.tensor([2])))
    shutil.rmtree(folder)
    with pytest.raises(TintboxError, match="can be read any more"):
        pictures.read(torch.tensor([1]))


def test_order_is_a_function_of_seed_and_epoch():
    def drawn(epoch, **kwargs):
        order = Order(100, **kwargs)
        order.set_epoch(epoch)
        return order.indices().tolist()

    assert drawn(3) == list(range(100))
    assert sorted(drawn(3, shuffle="epoch")) == list(range(100))
    assert drawn(3, shuffle="epoch") == drawn(3, shuffle="epoch") != drawn(4, shuffle="epoch")
    assert drawn(3, shuffle="once") == drawn(4, shuffle="once") != drawn(4, shuffle="once", seed=1)


@pytest.mark.parametrize(("n", "world"), [(10, 3), (2, 4), (8, 4)])
def test_ranks_share_the_samples_evenly(n, world):
    parts = [Order(n, "epoch", rank=r, world=world).indices() for r in range(world)]
    assert {len(p) for p in parts} == {-(-n // world)}
    assert set(torch.cat(parts).tolist()) == set(range(n))


def test_batches_cover_the_epoch_once(folder):
    loader = PictureLoader(Pictures(image_files(folder), 16), 2, Order(5, "epoch"))
    batches = list(loader)
    assert len(batches) == len(loader) == 3
    assert sorted(f for b in batches for f in b["im_file"]) == sorted(str(f) for f in image_files(folder))
    assert batches[0]["img"].shape == (2, 3, 16, 16)
    assert batches[0]["img"].dtype == torch.uint8


def test_flip_all_and_none():
    pictures = torch.randint(0, 256, (3, 8, 8, 3), dtype=torch.uint8)

    class Held:
        memory = pictures
        files = ("a", "b", "c")

        def read(self, index):
            return pictures[index]

    flipped = next(iter(PictureLoader(Held(), 3, Order(3), flip=1.0)))["img"]
    assert torch.equal(flipped, pictures.flip(2).permute(0, 3, 1, 2))
    assert torch.equal(next(iter(PictureLoader(Held(), 3, Order(3))))["img"], pictures.permute(0, 3, 1, 2))


def test_shift_equals_reflection_padding_and_cropping():
    pictures = torch.randint(0, 256, (64, 8, 8, 3), dtype=torch.uint8)
    moved = shift(pictures, 0.25, torch.Generator().manual_seed(0))
    padded = np.pad(pictures.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    places = set()
    for i in range(64):
        here = [
            (r, c)
            for r in range(5)
            for c in range(5)
            if np.array_equal(padded[i, r : r + 8, c : c + 8], moved[i].numpy())
        ]
        assert here, "not a crop of the padded picture"
        places.update(here)
    assert len(places) > 15, "the shifts hardly vary"
    assert reflect(torch.tensor([-2, -1, 0, 7, 8, 9]), 8).tolist() == [2, 1, 0, 7, 6, 5]


def test_grey_is_the_mean_of_the_three_divided_by_the_scale():
    pictures = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    expected = pictures.double().mean(1, keepdim=True) / 256
    assert torch.allclose(grey_input(pictures, 1, 256.0).double(), expected, atol=1e-7)
    three = grey_input(pictures, 3, 256.0)
    assert three.shape == (2, 3, 4, 5)
    assert torch.equal(three[:, :1], three[:, 2:])
    joined = torch.cat(
        (torch.rand(2, 4, 4, 5).to(memory_format=torch.channels_last), grey_input(pictures, 1, 255.0)), 1
    )
    assert joined.is_contiguous(memory_format=torch.channels_last), "the input breaks channels_last"
