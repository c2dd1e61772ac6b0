"""Batch conversion, compared to plain loops."""

import numpy as np
import torch

from tintbox.colorization import batch
from tintbox.colorization.palette import Palette

PALETTE = Palette([[0, 0, 0], [1, 0, 0], [1, 1, 1]], 255)
PICTURES = torch.tensor(np.random.default_rng(0).integers(0, 256, (2, 3, 8, 12), dtype=np.uint8))


def test_reduced_pictures_are_rounded_means_of_squares():
    small = batch.reduce(PICTURES, 4)
    squares = PICTURES.double().reshape(2, 3, 2, 4, 3, 4).mean((3, 5))
    assert torch.equal(small, squares.round().to(torch.uint8))
    assert batch.reduce(PICTURES, 1) is PICTURES


def test_what_network_and_loss_need():
    found = batch.prepare(
        {"img": PICTURES, "extra": 1}, PALETTE.replace(weights=[1, 2, 3]), 3, torch.device("cpu"), torch.float16
    )
    grey = PICTURES.double().mean(1, keepdim=True) / 255
    assert found["img"].dtype == torch.float16 and (found["img"].double() - grey).abs().max() < 1e-3
    assert found["label"].dtype == torch.int64
    assert torch.equal(found["label"].to(torch.uint8), PALETTE.encode(PICTURES.permute(0, 2, 3, 1)))
    assert found["weights"].tolist() == [1, 2, 3] and found["extra"] == 1 and torch.equal(found["rgb"], PICTURES)


def test_targets_are_found_in_full_precision(ab313):
    """Ultralytics prepares batches under autocast."""
    device = torch.device("cpu")
    expected = batch.prepare({"img": PICTURES}, ab313, 1, device)
    with torch.autocast("cpu", torch.bfloat16):
        found = batch.prepare({"img": PICTURES}, ab313, 1, device)
    assert all(torch.equal(found[name], expected[name]) for name in ("label", "near", "share"))


def test_painted_pictures_have_the_likeliest_colour_at_the_size_of_the_input():
    scores = torch.full((1, 3, 2, 2), -1.0)
    scores[:, 1] = 1
    painted = batch.paint(PALETTE, scores, torch.zeros(1, 4, 4, 3, dtype=torch.uint8))
    assert painted.shape == (1, 4, 4, 3) and (painted == torch.tensor([255, 0, 0], dtype=torch.uint8)).all()


def test_the_likeliest_colour_is_argmax_in_every_type_and_layout():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(3, 24, 20, 32, generator=generator)
    scores[:, ::5] = scores[:, 1:2]  # ties: the lower index
    scores[0] -= 9  # all of them below zero
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        expected = torch.tensor(scores.to(dtype).float().numpy().argmax(1))
        for layout in (torch.contiguous_format, torch.channels_last):
            found = batch.likeliest(scores.to(dtype).to(memory_format=layout))
            assert found.dtype == torch.int64 and torch.equal(found, expected)
    assert batch.likeliest(scores[:0].bfloat16()).shape == (0, 20, 32)
    extremes = torch.tensor([-torch.inf, -3e38, 3e38, torch.inf]).bfloat16().view(1, 4, 1, 1)
    assert batch.likeliest(extremes) == 3 and batch.likeliest(extremes[:, :2]) == 1
