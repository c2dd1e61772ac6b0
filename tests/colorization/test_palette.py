import copy
import pickle

import cv2
import numpy as np
import pytest
import torch
import yaml
from sklearn.cluster import KMeans

from tintbox.colorization import nearest, palette_fit
from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError, TintboxFileError

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (250, 300, 3), dtype=np.uint8)  # more than MANY_PIXELS: cells, then a table are used
THREE = [[0.0, 0.0, 0.0], [0.5, 0.25, 1.0], [1.0, 1.0, 1.0]]


def nearest_index(values, colours):
    """Brute force in float64, by chunks: the lowest index of the smallest sum of squares."""
    flat = np.asarray(values, np.float64).reshape(-1, 3)
    parts = [((flat[i : i + 2000, None] - colours) ** 2).sum(-1).argmin(-1) for i in range(0, len(flat), 2000)]
    return np.concatenate(parts).reshape(np.shape(values)[:-1])


def assert_nearest(palette, image):
    """By cells, from a table that computes what it meets and from one that has met all, encoding is brute force."""
    reference = nearest_index(image, palette.colours * palette.scale)
    assert image[..., 0].size >= nearest.MANY_PIXELS
    for _ in range(3):
        indices = palette.encode(image)
        np.testing.assert_array_equal(indices, reference)
    assert palette._nearest.table is not None
    assert indices.dtype == (np.uint8 if len(palette) <= 256 else np.int32)


def one_line_error(match, function, *args, kind=TintboxError, **kwargs):
    with pytest.raises(kind, match=match) as error:
        function(*args, **kwargs)
    assert "\n" not in str(error.value)


def random_palette(k, seed=0, scale=255.0):
    return Palette(np.random.default_rng(seed).random((k, 3)), scale)


# --- encode ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "scale"), [(2, 255.0), (5, 256.0), (24, 255.0), (255, 255), (256, 255.0), (300, 256.0)])
def test_encode_bytes_equals_brute_force(k, scale):
    assert_nearest(random_palette(k, seed=k, scale=scale), NOISE)


def test_encode_every_pixel_value_along_the_axes_and_borders():
    """Each cell of the table is entered at its corners, where a wrong bound would show."""
    palette = Palette.load("horses24")
    side = np.concatenate([np.arange(0, 256, 8), np.arange(7, 256, 8)]).astype(np.uint8)
    corners = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    assert_nearest(palette, corners)


@pytest.mark.smoke
def test_ties_go_to_the_lower_index():
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 5, dtype=np.uint8)] * 3, indexing="ij"), axis=-1)
    cube = np.array([[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)], float)
    for palette in (
        Palette(np.concatenate([cube, cube])),  # each colour twice
        Palette(np.array([[60, 90, 30], [40, 90, 30], [40, 70, 30], [60, 70, 50]]) / 255),  # pixels half-way
        Palette(cube[::-1], scale=256.0),  # half-way at 128
    ):
        assert_nearest(palette, grid)
    middle = Palette(np.array([[60, 0, 0], [40, 0, 0]]) / 255)
    assert middle.encode(np.array([[50, 0, 0]], np.uint8)).tolist() == [0]
    assert middle.encode(np.array([[50, 0, 0]] * 70000, np.uint8)).max() == 0


def test_close_colours_and_many_in_one_cell():
    palette = Palette((100 + RNG.random((40, 3)) * 6) / 255)
    image = RNG.integers(90, 120, (400, 400, 3), dtype=np.uint8)
    assert_nearest(palette, image)


def test_small_and_large_pictures_agree():
    palette = random_palette(24)
    small = palette.encode(NOISE[:20])  # too few pixels for cells
    assert palette._nearest.cells is None
    np.testing.assert_array_equal(palette.encode(NOISE)[:20], small)
    assert palette._nearest.table is None
    np.testing.assert_array_equal(palette.encode(NOISE[:20]), small)
    assert palette._nearest.table is not None


def test_more_colours_than_cells_take():
    palette = random_palette(nearest.CELL_COLOURS + 1)
    image = NOISE[:20]
    palette._nearest.seen = nearest.MANY_PIXELS
    np.testing.assert_array_equal(palette.encode(image), nearest_index(image, palette.colours * 255))
    assert palette._nearest.cells is None


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_encode_floats(dtype):
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


def test_encode_views_and_leaves_the_input_alone():
    palette = random_palette(24)
    for view in (NOISE[..., ::-1], NOISE[::2, ::-2], NOISE.transpose(1, 0, 2)):
        before = view.copy()
        for _ in range(3):  # direct first, then from the table
            np.testing.assert_array_equal(palette.encode(view), nearest_index(before, palette.colours * 255))
        np.testing.assert_array_equal(view, before)
    frozen = NOISE.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(palette.encode(frozen), palette.encode(NOISE))


def test_encode_longer_than_a_block(monkeypatch):
    monkeypatch.setattr(nearest, "BLOCK", 24 * 1000 + 7)
    palette = random_palette(24)
    reference = nearest_index(NOISE, palette.colours * 255)
    np.testing.assert_array_equal(palette.encode(NOISE[:100]), reference[:100])
    np.testing.assert_array_equal(palette.encode(NOISE), reference)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8), np.zeros((3, 4, 4), np.uint8), np.zeros((4, 3), np.int64), np.zeros((4, 3), bool),
        np.zeros((4, 3), np.uint16), np.array(3, np.uint8), [[0, 0, 0]], None, torch.zeros(4, 3, dtype=torch.int64),
        torch.zeros(3, 4, 4, dtype=torch.uint8), np.zeros((4, 3), complex),
    ],
)  # fmt: skip
def test_encode_bad_shape_or_type(image):
    one_line_error(r"^image is .*give \(\.\.\., 3\) of uint8", random_palette(3).encode, image)


@pytest.mark.parametrize("value", [255.0, -0.5, np.nan, np.inf])
def test_encode_floats_out_of_range(value):
    image = np.full((4, 3), value)
    one_line_error(r"^image has floats from .* give floats in \[0, 1\]", random_palette(3).encode, image)
    one_line_error(r"^image has floats from", random_palette(3).encode, torch.from_numpy(image))


# --- decode ---------------------------------------------------------------------------------------------------------


def test_decode_indices():
    palette = random_palette(24)
    pixels = np.rint(palette.colours * 255).astype(np.uint8)
    for dtype in (np.uint8, np.int32, np.int64):
        indices = RNG.integers(0, 24, (2, 5, 6)).astype(dtype)
        image = palette.decode(indices)
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, pixels[indices])
        tensor = palette.decode(torch.from_numpy(indices))
        assert tensor.dtype == torch.uint8
        np.testing.assert_array_equal(tensor.numpy(), image)
    assert palette.decode(np.zeros((0, 4), np.uint8)).shape == (0, 4, 3)


def test_decode_logits():
    palette = random_palette(24)
    logits = RNG.standard_normal((2, 24, 5, 6)).astype(np.float32)
    logits[0, [3, 7], 0, 0] = 99.0  # a tie
    expected = palette.decode(logits.argmax(1))
    np.testing.assert_array_equal(palette.decode(logits), expected)
    np.testing.assert_array_equal(palette.decode(torch.from_numpy(logits)).numpy(), expected)
    np.testing.assert_array_equal(expected[0, 0, 0], palette.decode(np.array([[3]]))[0, 0])
    assert palette.decode(logits[0]).shape == (5, 6, 3)


@pytest.mark.smoke
def test_decode_inverts_encode_on_the_colours():
    palette = Palette(RNG.choice(2**16, (24, 3), replace=False) % 256 / 255)
    image = palette.decode(np.arange(24))
    np.testing.assert_array_equal(palette.encode(image), np.arange(24))
    np.testing.assert_array_equal(palette.decode(palette.encode(image)), image)


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor])
def test_decode_errors(make):
    palette = Palette(THREE)
    one_line_error("^indices from 0 to 3; the palette has 0 to 2", palette.decode, make([[0, 3]]))
    one_line_error("^indices from -1 to 0", palette.decode, make([[0, -1]]))
    one_line_error(r"^scores are .* give \(\.\.\., 3, H, W\)", palette.decode, make(np.zeros((4, 5, 5))))
    one_line_error("^scores are", palette.decode, make(np.zeros((3, 3))))
    one_line_error("^x is", palette.decode, make([[True, False]]))


def test_decode_other_types():
    one_line_error("^x is of type list", Palette(THREE).decode, [[0, 1]])


# --- pixels and values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [255.0, 256.0])
def test_normalise_and_back(scale):
    palette = Palette(THREE, scale)
    pixels = np.arange(256, dtype=np.uint8)
    values = palette.normalise(pixels)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, (pixels / np.float32(scale)).astype(np.float32))
    tensor = palette.normalise(torch.from_numpy(pixels))
    assert tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor.numpy(), values, rtol=1e-7)
    np.testing.assert_array_equal(palette.to_pixels(values), pixels)
    np.testing.assert_array_equal(palette.to_pixels(tensor).numpy(), pixels)
    for dtype in (np.float16, np.float64):
        np.testing.assert_array_equal(palette.to_pixels((pixels / scale).astype(dtype)), pixels)
    assert palette.to_pixels(np.array([-1.0, 2.0])).tolist() == [0, 255]
    assert palette.to_pixels(torch.tensor([-1.0, 2.0])).tolist() == [0, 255]


def test_normalise_and_to_pixels_errors():
    palette = Palette(THREE)
    for wrong in (np.zeros(3), torch.zeros(3), [0, 1], np.zeros(3, np.int64)):
        one_line_error("^pixels are", palette.normalise, wrong)
    for wrong in (np.zeros(3, np.uint8), torch.zeros(3, dtype=torch.uint8), 0.5):
        one_line_error("^values are", palette.to_pixels, wrong)


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
    with pytest.raises(AttributeError, match=r"keeps its scale; palette.but\(scale=...\) makes another"):
        palette.scale = 2.0
    other = palette.but(temperature=1.5)
    assert type(other) is type(palette)
    assert other.but(temperature=palette.temperature) == palette != other


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
def test_bad_colours(colours, match):
    one_line_error(f"^{match}", Palette, colours)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), "255", None, True])
def test_bad_scale(scale):
    one_line_error("^scale=", Palette, THREE, scale)


# --- fit ------------------------------------------------------------------------------------------------------------


def blobs(k, n=400, seed=0):
    """Pixels in k tight groups, and the mean of each group."""
    rng = np.random.default_rng(seed)
    centres = np.stack(np.unravel_index(rng.choice(27, k, replace=False), (3, 3, 3)), axis=-1) * 100 + 25
    pixels = (centres[:, None] + rng.integers(-4, 5, (k, n, 3))).clip(0, 255).astype(np.uint8)
    return pixels, pixels.mean(axis=1)


@pytest.mark.parametrize("scale", [255.0, 256.0])
def test_fit_finds_groups_from_dark_to_light(scale):
    pixels, means = blobs(6)
    palette = Palette.fit(pixels, 6, scale=scale)
    expected = means[np.argsort(means @ (0.299, 0.587, 0.114))] / scale
    np.testing.assert_allclose(palette.colours, expected, rtol=0, atol=1e-8)
    assert palette.scale == scale


def test_fit_equals_scikit_learn_and_repeats():
    pixels = (NOISE[:100] // np.array([1, 2, 4])).astype(np.uint8)
    palette = Palette.fit(pixels, 8, seed=3)
    model = KMeans(8, n_init=2, random_state=3).fit(pixels.reshape(-1, 3).astype(np.float64))
    ours = np.sort(palette.colours, axis=0)
    np.testing.assert_allclose(ours, np.sort(model.cluster_centers_ / 255, axis=0), rtol=0, atol=1e-8)
    assert (np.diff(palette.colours @ (0.299, 0.587, 0.114)) >= 0).all()
    assert Palette.fit(pixels, 8, seed=3) == palette


def test_fit_samples(monkeypatch):
    pixels, means = blobs(4, n=2000)
    monkeypatch.setattr(palette_fit, "PIXELS", 1000)
    palette = Palette.fit(pixels, 4)
    expected = means[np.argsort(means @ (0.299, 0.587, 0.114))] / 255
    np.testing.assert_allclose(palette.colours, expected, rtol=0, atol=3 / 255)
    assert Palette.fit(pixels, 4) == palette


def test_fit_errors():
    pixels = np.repeat(np.array([[0, 0, 0], [9, 9, 9], [0, 9, 0]], np.uint8), 5, axis=0)
    assert len(Palette.fit(pixels, 3)) == 3
    one_line_error("^k=4, but the 15 pixels hold 3 distinct colours", Palette.fit, pixels, 4)
    for k in (1, 0, 2.0, "2", True):
        one_line_error(f"^k={k!r}", Palette.fit, pixels, k)
    for wrong in (pixels / 255, pixels[:, :2], pixels[0], pixels.tolist(), None):
        one_line_error("^pixels are", Palette.fit, wrong, 2)
    one_line_error("^k=2, but the 0 pixels", Palette.fit, pixels[:0], 2)
    one_line_error("^scale=0", Palette.fit, pixels, 2, scale=0)


# --- files ----------------------------------------------------------------------------------------------------------


def test_save_and_load_keep_every_bit(tmp_path):
    colours = np.concatenate([RNG.random((20, 3)), [[1e-05, 1e-300, 0.1], [1.0, 0.0, 1 / 3]]])
    palette = Palette(colours, 256.0)
    file = tmp_path / "new" / "mine.yaml"
    palette.save(file)
    assert Palette.load(file) == palette
    assert Palette.load(str(file)).colours.tobytes() == colours.tobytes()
    assert file.read_text(encoding="utf-8").startswith("# A colour palette")


def test_scale_may_be_left_out(tmp_path):
    file = tmp_path / "two.yml"
    file.write_text("colours:\n- [0, 0, 0]\n- [1, 1, 1]\n")
    assert Palette.load(file) == Palette([[0, 0, 0], [1, 1, 1]], 255.0)


def test_horses24(shared_data):
    palette = Palette.load("horses24")
    assert palette.scale == 256.0
    np.testing.assert_array_equal(palette.colours, np.loadtxt(shared_data / "palette24.csv", delimiter=",", skiprows=1))


def test_load_unknown_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hint = r"^palette 'horse24': .*\(ab313, horses24.*did you mean 'horses24'\?"
    one_line_error(hint, Palette.load, "horse24", kind=TintboxFileError)
    one_line_error("^palette 'zzz': no such name", Palette.load, "zzz", kind=TintboxFileError)
    one_line_error("^palette 'none.yaml': no such file", Palette.load, "none.yaml", kind=TintboxFileError)
    Palette(THREE).save(tmp_path / "mine.yaml")
    one_line_error("did you mean 'mine.yaml'", Palette.load, tmp_path / "mime.yaml", kind=TintboxFileError)
    one_line_error("^palette path 'mine.txt': give it the suffix", Palette(THREE).save, "mine.txt")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("colours: [[0, 0, 0]]", "a palette of 1 colours"),
        ("colours: [[0, 0, 0], [.nan, 0, 0]]", "colour 1 is"),
        ("colours: [[0, 0, 0], [255, 0, 0]]", "colour 1 is .* give numbers in"),
        ("colours: [[0, 0, 0], [1, 0]]", "colours are not K x 3"),
        ("colours: [0, 0, 0]", "colours have shape"),
        ("colours: red", "colours are not K x 3"),
        ("colours: [[0, 0, 0], [1, 1, 1]]\nscale: big", "scale='big'"),
        ("colours: [[0, 0, 0], [1, 1, 1]]\nscal: 256", "unknown key 'scal'.*did you mean 'scale'"),
        ("colors: [[0, 0, 0], [1, 1, 1]]", "no 'colours' key"),
        ("", "no 'colours' key"),
        ("- 1", "no 'colours' key"),
        ("colours: [[0, 0, 0], [1, 1", "."),
    ],
)
def test_load_bad_files(tmp_path, text, match):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    one_line_error(f"^palette file '.*bad.yaml': .*{match}", Palette.load, file)


def test_load_unreadable_bytes(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_bytes(b"\xff\xfe\x00colours")
    one_line_error("^palette file '.*bad.yaml': ", Palette.load, file)


def test_saved_file_is_plain_yaml(tmp_path):
    Palette(THREE).save(tmp_path / "a.yaml")
    assert yaml.safe_load((tmp_path / "a.yaml").read_text()) == {"colours": THREE, "scale": 255.0}


def test_photo_like_picture_equals_brute_force():
    smooth = cv2.GaussianBlur(RNG.integers(0, 256, (400, 400, 3), dtype=np.uint8), (0, 0), 3)
    smooth = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)
    palette = Palette.load("horses24")
    assert_nearest(palette, smooth)


@pytest.mark.attack("files that eat the machine")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "colours: [" + "[0, 0, 0], " * 70_000 + "]",
            r"x.yaml': more than 100,000 values",
        ),
        ("colours: [" + "[0, 0, 1], " * 5_000 + "]", r"x.yaml': a palette of 5,000 colours; 4,096 are the most$"),
        ("bins: [" + "[0, 1], " * 2_000 + "]", r"x.yaml': a palette of 2,000 colours; 1,024 are the most$"),
        ("a: &a [0, 0, 0]\ncolours: [" + "*a, " * 60_000 + "]", r"x.yaml': more than 100,000 values, aliases put in"),
        (f"colours: [[0, 0, 0], [1, 1, 1]]\nscale: 1{'0' * 320}", "scale=1.*; give a positive number"),
        (f"colours: [[0, 0, 0], [1, 1, 1{'0' * 320}]]", "colours are not K x 3 numbers"),
        ("colours: !!python/object/apply:os.system [touch ran]", r"no YAML \(could not determine a constructor"),
    ],
    ids=["70000", "5000", "bins", "aliases", "scale", "number", "code"],
)
def test_palette_files_that_are_refused(tmp_path, text, message):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(TintboxError, match=message) as error:
        Palette.load(tmp_path / "x.yaml")
    assert "\n" not in str(error.value)
