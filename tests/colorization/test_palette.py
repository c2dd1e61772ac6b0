import copy
import pickle

import cv2
import numpy as np
import pytest
import torch

from tintbox.colorization import nearest
from tintbox.colorization.palette import Palette

from .conftest import random_palette

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (250, 300, 3), dtype=np.uint8)  # more than MANY_PIXELS: cells, then a table are used
THREE = [[0.0, 0.0, 0.0], [0.5, 0.25, 1.0], [1.0, 1.0, 1.0]]


# --- encode ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "scale"), [(2, 255.0), (5, 256.0), (24, 255.0), (255, 255), (256, 255.0), (300, 256.0)])
def test_encode_bytes_equals_brute_force(assert_nearest, k, scale):
    assert_nearest(random_palette(k, seed=k, scale=scale), NOISE)


@pytest.mark.smoke
def test_ties_go_to_the_lower_index(assert_nearest):
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 5, dtype=np.uint8)] * 3, indexing="ij"), axis=-1)
    cube = np.array([[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)], float)
    for palette in (
        Palette(np.array([[60, 90, 30], [40, 90, 30], [40, 70, 30], [60, 70, 50]]) / 255),  # pixels half-way
        Palette(cube[::-1], scale=256.0),  # half-way at 128
    ):
        assert_nearest(palette, grid)
    middle = Palette(np.array([[60, 0, 0], [40, 0, 0]]) / 255)
    assert middle.encode(np.array([[50, 0, 0]], np.uint8)).tolist() == [0]
    assert middle.encode(np.array([[50, 0, 0]] * 70000, np.uint8)).max() == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_encode_floats(nearest_index, dtype):
    palette = random_palette(24)
    image = RNG.random((50, 60, 3)).astype(dtype)
    indices = palette.encode(image)
    assert indices.dtype == np.uint8
    np.testing.assert_array_equal(indices, nearest_index(image, palette.colours))
    tensor = palette.encode(torch.from_numpy(image))
    assert tensor.dtype == torch.uint8
    np.testing.assert_array_equal(tensor.numpy(), indices)


@pytest.mark.parametrize("k", [24, 300])
@pytest.mark.smoke
def test_encode_torch(k):
    palette = random_palette(k)
    indices = palette.encode(torch.from_numpy(NOISE))
    assert indices.dtype == (torch.uint8 if k <= 256 else torch.int32)
    np.testing.assert_array_equal(indices.numpy(), palette.encode(NOISE))
    bf16 = palette.encode(torch.full((2, 3), 0.5, dtype=torch.bfloat16))
    assert bf16.tolist() == palette.encode(np.full((2, 3), 0.5)).tolist()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_encode_and_decode_on_the_device():
    palette = random_palette(24)
    indices = palette.encode(torch.from_numpy(NOISE).cuda())
    assert indices.is_cuda
    assert indices.dtype == torch.uint8
    np.testing.assert_array_equal(indices.cpu().numpy(), palette.encode(NOISE))
    assert palette.decode(indices).is_cuda


@pytest.mark.parametrize("shape", [(3,), (7, 3), (2, 5, 6, 3), (0, 3), (0, 4, 3)])
def test_encode_shapes(shape):
    palette = random_palette(5)
    image = RNG.integers(0, 256, shape, dtype=np.uint8)
    for seen in (0, nearest.MANY_PIXELS):
        palette._nearest.seen = seen
        assert palette.encode(image).shape == shape[:-1]
        assert palette.encode(torch.from_numpy(image)).shape == shape[:-1]
    assert palette.encode(image / 255).shape == shape[:-1]


def test_encode_views_and_leaves_the_input_alone(nearest_index):
    palette = random_palette(24)
    for view in (NOISE[..., ::-1], NOISE[::2, ::-2], NOISE.transpose(1, 0, 2)):
        before = view.copy()
        for _ in range(3):  # direct first, then from the table
            np.testing.assert_array_equal(palette.encode(view), nearest_index(before, palette.colours * 255))
        np.testing.assert_array_equal(view, before)
    frozen = NOISE.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(palette.encode(frozen), palette.encode(NOISE))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8), np.zeros((3, 4, 4), np.uint8), np.zeros((4, 3), np.int64), np.zeros((4, 3), bool),
        np.zeros((4, 3), np.uint16), np.array(3, np.uint8), [[0, 0, 0]], None, torch.zeros(4, 3, dtype=torch.int64),
        torch.zeros(3, 4, 4, dtype=torch.uint8), np.zeros((4, 3), complex),
    ],
)  # fmt: skip
def test_encode_bad_shape_or_type(one_line_error, image):
    one_line_error(r"^image is .*give \(\.\.\., 3\) of uint8", random_palette(3).encode, image)


@pytest.mark.parametrize("value", [255.0, -0.5, np.nan, np.inf])
def test_encode_floats_out_of_range(one_line_error, value):
    image = np.full((4, 3), value)
    one_line_error(r"^image has floats from .* give floats in \[0, 1\]", random_palette(3).encode, image)
    one_line_error(r"^image has floats from", random_palette(3).encode, torch.from_numpy(image))


# --- the class ------------------------------------------------------------------------------------------------------


def test_class_basics():
    palette = Palette(THREE)
    assert len(palette) == 3
    assert palette == Palette(np.array(THREE))
    assert hash(palette) == hash(Palette(THREE))
    assert palette != Palette(THREE, 256.0)
    assert palette != Palette(THREE[::-1])
    assert palette != "THREE"
    assert repr(palette) == "Palette(3 colours, scale=255)"
    assert palette.names == {0: "#000000", 1: "#8040ff", 2: "#ffffff"}
    assert palette.as_dict() == {"colours": THREE, "scale": 255.0}
    assert Palette.from_dict(palette.as_dict()) == palette
    assert palette.colours.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        palette.colours[0, 0] = 1.0


@pytest.mark.parametrize("name", ["horses24", "ab313"])
def test_a_palette_does_not_change(name):
    palette = Palette.load(name)
    with pytest.raises(AttributeError, match="cannot assign to field 'scale'"):
        palette.scale = 2.0
    other = palette.replace(temperature=1.5)
    assert type(other) is type(palette)
    assert other.replace(temperature=palette.temperature) == palette != other


def test_the_colours_are_copied():
    mine = np.array(THREE)
    palette = Palette(mine)
    mine[0] = 1.0
    assert palette == Palette(THREE)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_leave_the_table_behind(clone):
    palette = random_palette(24)
    palette.encode(NOISE)
    twin = clone(palette)
    assert twin == palette
    assert twin._nearest.table is None
    assert not twin.colours.flags.writeable
    assert len(pickle.dumps(palette)) < 2000
    np.testing.assert_array_equal(twin.encode(NOISE), palette.encode(NOISE))


BAD_COLOURS = [
    ([[0, 0, 0]], "a palette of 1 colours"),
    ([[0, 0, 0], [0, 0, float("nan")]], "colour 1 is"),
    ([[1, 1, 1], [0, 0, 0], [0.5, 0, 0], [0, 0, 0]], "^colours 1 and 3 are the same; give each once$"),
    ([[0, 0, 0], [0, 0, 255]], r"colour 1 is \[0.0, 0.0, 255.0\]"),
    ([[0, -0.1, 0], [0, 0, 1]], "colour 0 is"),
    ([[0, 0], [1, 1]], r"colours have shape \(2, 2\)"),
    ([0, 0, 0], "colours have shape"),
    ([[0, 0, 0], [1, 1]], "colours are not K x 3 numbers"),
    ([["red", 0, 0], [1, 1, 1]], "colours are not K x 3 numbers"),
    (None, "colours have shape"),
    ([], "colours have shape"),
    ({"a": 1}, "colours are not K x 3 numbers"),
]


@pytest.mark.parametrize(("colours", "match"), BAD_COLOURS)
def test_bad_colours(one_line_error, colours, match):
    one_line_error(f"^{match}", Palette, colours)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), "255", None, True])
def test_bad_scale(one_line_error, scale):
    one_line_error("^scale=", Palette, THREE, scale)


def test_photo_like_picture_equals_brute_force(assert_nearest):
    smooth = cv2.GaussianBlur(RNG.integers(0, 256, (400, 400, 3), dtype=np.uint8), (0, 0), 3)
    smooth = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)
    palette = Palette.load("horses24")
    assert_nearest(palette, smooth)
