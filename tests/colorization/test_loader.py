"""The order of pictures, and their batches."""

import numpy as np
import pytest
import torch

from tintbox.colorization.data import Pictures, image_files
from tintbox.colorization.loader import Order, PictureLoader, reflect, shift
from tintbox.colorization.palette import Palette


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


def test_validation_counts_each_image_once_on_all_processes():
    orders = [Order(5, rank=rank, world=2) for rank in (0, 1)]
    assert [order.indices().tolist() for order in orders] == [[0, 2, 4], [1, 3]]
    assert [len(order) for order in orders] == [3, 2]
    assert [Order(1, rank=rank, world=2).indices().tolist() for rank in (0, 1)] == [[0], [0]]


def test_processes_augment_differently():
    class Held:
        memory = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
        files = ("a", "b")

        def read(self, index):
            return self.memory[[0] * len(index)]

    first, second = (
        next(iter(PictureLoader(Held(), 1, Order(2, "epoch", rank=rank, world=2), crop=0.4)))["img"] for rank in (0, 1)
    )
    assert not torch.equal(first, second)


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


def test_labels_are_augmented_like_their_images(folder):
    pictures, palette = Pictures(image_files(folder), 16), Palette.load("horses24")
    labels = palette.targets(pictures.memory)["label"]
    for batch in PictureLoader(pictures, 2, Order(5, "epoch"), flip=0.5, crop=0.2, labels=labels):
        assert torch.equal(batch["label"], palette.targets(batch["img"].permute(0, 2, 3, 1))["label"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_on_a_gpu_are_the_same(folder):
    here, there = (Pictures(image_files(folder), 16) for _ in range(2))
    there.move(torch.device("cuda"))
    for a, b in zip(*(PictureLoader(p, 2, Order(5, "epoch"), flip=0.5, crop=0.2) for p in (here, there))):
        assert b["img"].is_cuda and torch.equal(a["img"], b["img"].cpu())
        assert a["im_file"] == b["im_file"]
    assert torch.equal(next(here.sample(3)), next(there.sample(3)))


def test_shift_equals_reflection_padding_and_cropping():
    pictures = torch.randint(0, 256, (64, 8, 8, 3), dtype=torch.uint8)
    moved = pictures[shift(pictures.shape[:3], 0.25, torch.Generator().manual_seed(0), pictures.device)]
    padded = np.pad(pictures.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    places = set()
    for i in range(64):
        here = [
            (r, c)
            for r in range(5)
            for c in range(5)
            if np.array_equal(padded[i, r : r + 8, c : c + 8], moved[i].numpy())
        ]
        assert here, "not a crop of the padded image"
        places.update(here)
    assert len(places) > 15, "the shifts hardly vary"
    assert reflect(torch.tensor([-2, -1, 0, 7, 8, 9]), 8).tolist() == [2, 1, 0, 7, 6, 5]
