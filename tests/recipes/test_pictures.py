"""What pixels say: grey pictures, pictures in two splits, colours that tell classes."""

import zlib

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
    def run(name, picture, **options):
        file = str(tmp_path / name)
        cv2.imwrite(file, picture, list(sum(options.items(), ())) if options else [])
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


def test_every_copy_of_a_shared_picture_is_found(write):
    """By each file of either split, whichever has several of them."""
    one = pictures.decode_sample([write("a.png", scene(1)), write("b.png", scene(2))])
    several = pictures.decode_sample([write(f"{i}.png", scene(1)) for i in range(3)] + [write("c.jpg", scene(2))])
    assert pictures.find_shared(one, several) == [(0, 0), (0, 1), (0, 2), (1, 3)]
    assert pictures.find_shared(several, one) == [(0, 0), (1, 0), (2, 0), (3, 1)]


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
