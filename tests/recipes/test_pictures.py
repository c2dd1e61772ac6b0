"""What pixels say: grey pictures, pictures in two splits, colours that tell classes."""

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tintbox.recipes import pictures
from tintbox.recipes.labels import Labels

RNG = np.random.default_rng(0)


def scene(seed, side=200):
    """A picture with shapes in it."""
    rng = np.random.default_rng(seed)
    picture = np.full((side, side, 3), rng.integers(0, 255, 3), np.uint8)
    for _ in range(12):
        corner, other = rng.integers(0, side, (2, 2)).tolist()
        cv2.rectangle(picture, corner, other, rng.integers(0, 255, 3).tolist(), -1)
    return picture


@pytest.fixture
def write(tmp_path):
    def run(name, picture, options=None):
        file = str(tmp_path / name)
        cv2.imwrite(file, picture, [number for pair in (options or {}).items() for number in pair])
        return file

    return run


def test_grey(write):
    grey = np.repeat(scene(1)[..., :1], 3, axis=2)
    assert pictures.decode(write("grey.jpg", grey)).is_grey
    assert not pictures.decode(write("colour.jpg", scene(1))).is_grey


def test_what_is_no_picture_is_left_out(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    (tmp_path / "b.jpg").write_bytes(b"")
    huge = bytearray(cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes())
    huge[16:24] = 2 * (40_000).to_bytes(4, "big")
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
    (tmp_path / "d.png").write_bytes(huge)
    assert pictures.decode_sample([str(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.jpg", "d.png")]) == {}


def test_the_same_picture_in_two_splits(write):
    """The same file, the same picture compressed anew, and neither a different one nor a flat one."""
    train = [write(f"{i}.png", scene(i)) for i in range(6)] + [write("flat.png", np.full((90, 90, 3), 7, np.uint8))]
    again = cv2.imencode(".jpg", scene(2), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    val = [
        write("copy.png", scene(4)),
        write("other.png", scene(77)),
        write("white.png", np.full((90, 90, 3), 250, np.uint8)),
    ]
    val.append(write("smaller.jpg", cv2.imdecode(again, cv2.IMREAD_COLOR)))
    found = pictures.find_shared(pictures.decode_sample(train), pictures.decode_sample(val))
    assert sorted(found) == [(2, 3), (4, 0)]
    assert pictures.find_shared({}, pictures.decode_sample(val)) == []


def saved_again(picture):
    """An image as files: compressed more or less, in other formats, and smaller."""
    height, width = picture.shape[:2]
    half, less = (
        cv2.resize(picture, (int(width * by), int(height * by)), interpolation=cv2.INTER_AREA) for by in (0.5, 0.75)
    )
    quality, webp = cv2.IMWRITE_JPEG_QUALITY, cv2.IMWRITE_WEBP_QUALITY
    return {
        **{f"q{q}.jpg": (picture, {quality: q}) for q in (95, 75, 50)},
        "a.png": (picture, {}),
        "a.webp": (picture, {webp: 80}),
        "half.jpg": (half, {quality: 90}),
        "three-quarters.jpg": (less, {quality: 90}),
        "square.jpg": (cv2.resize(picture, (416, 416), interpolation=cv2.INTER_AREA), {quality: 90}),
    }


@pytest.mark.parametrize("size", [(640, 480), (427, 321)])
def test_an_image_saved_again_is_found(write, size):
    """Also with odd sides, which JPEG decoders round up and others down when they halve them."""
    train = [cv2.resize(scene(i, 700), size, interpolation=cv2.INTER_AREA) for i in range(3)]
    first = pictures.decode_sample([write(f"{i}.jpg", one) for i, one in enumerate(train)])
    files = {f"{i}{name}": args for i, one in enumerate(train) for name, args in saved_again(one).items()}
    second = pictures.decode_sample([write(name, one, options) for name, (one, options) in files.items()])
    owners = [int(name[0]) for name in files]
    assert pictures.find_shared(first, second) == sorted((owner, place) for place, owner in enumerate(owners))


@pytest.mark.parametrize("side", [20, 40, 80])
@pytest.mark.parametrize("noise", [0, 6])
def test_frames_of_a_fixed_camera_are_different_images(write, side, noise):
    """A square of 20 to 80 pixels at another place in each, before the same scene or before an even gradient."""
    rng = np.random.default_rng(side)
    scenes = [
        cv2.resize(scene(5, 700), (640, 480)),
        np.repeat(np.tile(np.linspace(40, 200, 640), (480, 1))[..., None], 3, 2),
    ]
    for background in scenes:
        decoded = []
        for i in range(8):
            picture = background + rng.normal(0, noise, background.shape) if noise else background.astype(float)
            x, y = rng.integers(0, 640 - side), rng.integers(0, 480 - side)
            place = picture[y : y + side, x : x + side]
            place[:] = np.where(place.mean(axis=(0, 1)) < 128, 220, 30)
            decoded.append(pictures.decode(write(f"{i}.jpg", picture.clip(0, 255).astype(np.uint8))))
        halves = [dict(enumerate(half)) for half in (decoded[:4], decoded[4:])]
        assert pictures.find_shared(*halves) == []


def test_a_copy_is_found_among_frames_that_are_nearly_it(write):
    """The nearest images are not all alike, nor is the nearest one always the copy."""
    background, rng = cv2.resize(scene(5, 700), (640, 480)), np.random.default_rng(0)
    frames = [background.copy() for _ in range(20)]
    for frame in frames:
        x, y = rng.integers(0, 600), rng.integers(0, 440)
        frame[y : y + 30, x : x + 30] = 255 - frame[y + 15, x + 15]
    train = pictures.decode_sample([write(f"{i}.jpg", frame) for i, frame in enumerate(frames)])
    again = pictures.decode_sample([write("a.jpg", frames[7], {cv2.IMWRITE_JPEG_QUALITY: 50})])
    assert pictures.find_shared(train, again) == [(7, 0)]


def test_little_contrast_makes_no_images_alike(write):
    """Dark or hazy images of different things differ by few levels."""
    pale = [(100 + (scene(i, 640).astype(float) - 128) * 0.05).astype(np.uint8) for i in range(6)]
    decoded = [pictures.decode(write(f"{i}.png", one)) for i, one in enumerate(pale)]
    assert pictures.find_shared(dict(enumerate(decoded[:3])), dict(enumerate(decoded[3:]))) == []


def test_every_copy_of_a_shared_picture_is_found(write):
    """By each file of either split, whichever has several of them."""
    one = pictures.decode_sample([write("a.png", scene(1)), write("b.png", scene(2))])
    several = pictures.decode_sample([write(f"{i}.png", scene(1)) for i in range(3)] + [write("c.jpg", scene(2))])
    assert pictures.find_shared(one, several) == [(0, 0), (0, 1), (0, 2), (1, 3)]
    assert pictures.find_shared(several, one) == [(0, 0), (1, 0), (2, 0), (3, 1)]


def test_every_copy_of_a_file_is_found(tmp_path):
    """Whatever it holds; only files of a size that is in both splits are read."""
    first, second = ({name: str(tmp_path / f"{split}{name}") for name in "abcd"} for split in (1, 2))
    for split, contents in ((first, ("one", "one", "two", "four")), (second, ("two", "six", "one", "three"))):
        for file, content in zip(split.values(), contents):
            Path(file).write_text(content)
    expected = {(first["a"], second["c"]), (first["b"], second["c"]), (first["c"], second["a"])}
    assert pictures.find_equal(list(first.values()), list(second.values())) == expected
    turned = pictures.find_equal(list(second.values()), list(first.values()))
    assert turned == {(other, one) for one, other in expected}


def test_of_many_pictures_an_even_choice(monkeypatch, write):
    monkeypatch.setattr(pictures, "MOST", 3)
    assert sorted(pictures.decode_sample([write(f"{i}.png", scene(i)) for i in range(7)])) == [0, 3, 6]


@pytest.mark.parametrize(
    ("hues", "told"), [(((200, 30, 30), (30, 30, 200)), True), (((90, 120, 90), (90, 120, 90)), False)]
)
def test_colours_that_tell_classes(write, hues, told):
    decoded, classes, owners = {}, [], []
    for i in range(12):
        picture = RNG.integers(0, 60, (100, 100, 3), dtype=np.uint8)
        for c, colour in enumerate(hues):
            noisy = np.array(colour) + RNG.integers(-20, 20, (30, 30, 3))
            picture[35:65, 10 + 50 * c : 40 + 50 * c] = noisy.clip(0, 255)
            classes.append(c)
            owners.append(i)
        decoded[i] = pictures.decode(write(f"{i}.png", picture))
    boxes = np.array([[0.25 + 0.5 * c, 0.5, 0.3, 0.3] for c in classes])
    found = pictures.judge_colours(decoded, Labels(np.array(classes), boxes, np.array(owners)), 2)
    assert (found > 0.95) is told
    assert told or found < 0.5


def test_too_few_boxes_say_nothing(write):
    decoded = {0: pictures.decode(write("a.png", scene(0)))}
    labels = Labels(np.array([0, 1]), np.full((2, 4), 0.5), np.array([0, 0]))
    assert pictures.judge_colours(decoded, labels, 2) is None
