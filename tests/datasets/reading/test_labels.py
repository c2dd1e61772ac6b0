"""Label files are read like Ultralytics does, but exactly, and every error is reported with its line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ultralytics.data.utils import img2label_paths, verify_image_label

from tintbox.datasets.reading.labels import check_orphans, keypoints, read_labels
from tintbox.errors import TintboxError

SQUARE = "0 0.5 0.5 0.2 0.2"


@pytest.fixture
def label(tmp_path):
    """Write a label file for an image; returns its path."""

    def write(text, encoding="utf-8"):
        Image.new("RGB", (40, 20)).save(tmp_path / "a.png")
        file = tmp_path / "a.txt"
        file.write_text(text, encoding=encoding)
        return file

    return write


def ultralytics_reads(picture, file, classes, keypoints=(0, 0)):
    """Return classes, boxes x1 y1 x2 y2 and polygons from Ultralytics' own reader; None if it drops the image."""
    name, rows, _, segments, *_ = verify_image_label((str(picture), str(file), "", False, classes, *keypoints, False))
    if name is None:
        return None
    x, y, w, h = rows[:, 1:].astype(float).T
    corners = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1)
    return rows[:, 0].astype(int).tolist(), corners, segments


def assert_same(ours, theirs):
    """Compare in single precision and ignoring order, which Ultralytics changes when it removes rows."""
    classes, corners, segments = theirs
    assert len(ours.classes) == len(classes)
    key = lambda c, b: np.lexsort([*np.round(b, 5).T, c])  # noqa: E731
    clipped = np.clip(corners, 0, 1)
    i, j = key(ours.classes, ours.boxes), key(classes, clipped)
    assert np.array(ours.classes)[i].tolist() == np.array(classes)[j].tolist()
    np.testing.assert_allclose(ours.boxes[i], clipped[j], atol=3e-7)
    assert (ours.polygons is None) == (len(segments) == 0)
    for a, b in zip(i, j) if segments else ():
        np.testing.assert_allclose(ours.polygons[a], np.clip(segments[b], 0, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("folder", "classes"),
    [("bccd/images/val", 3), ("aquarium/images/val", 7), ("coco/coco128/images/train2017", 80)],
)
def test_real_labels_are_read_as_ultralytics_reads_them(shared_data, tmp_path, folder, classes):
    rows = 0
    for picture in (shared_data / folder).glob("*.jpg"):
        file = Path(*img2label_paths([picture]))
        if not file.exists():
            continue
        link = tmp_path / picture.name  # Ultralytics may rewrite an image; here it replaces the link
        link.symlink_to(picture)
        theirs = ultralytics_reads(link, file, classes)
        ours = read_labels(file, classes)
        assert_same(ours, theirs)
        rows += len(ours.classes)
    assert rows > 500


TRIANGLE = "1 0.1 0.1 0.9 0.1 0.5 0.7"


@pytest.mark.parametrize(
    ("text", "keypoints", "count"),
    [
        ("", (0, 0), 0),
        ("\n\n  \n", (0, 0), 0),
        (f"\n{SQUARE}\n\n1 0.25 0.5 0.1 0.3\n", (0, 0), 2),
        (f"{SQUARE}\n1 0.3 0.3 0.1 0.1\n{SQUARE}\n", (0, 0), 2),  # the same row twice
        (f"{SQUARE}\n0 0.50000000001 0.5 0.2 0.2\n", (0, 0), 1),  # the same in single precision
        (f"{SQUARE}\n0 0.500001 0.5 0.2 0.2\n", (0, 0), 2),
        ("0 0 0.5 -0.0 0.2\n0 0 0.5 0.0 0.2\n", (0, 0), 1),
        ("0 0.95 0.5 0.2 0.2\n", (0, 0), 1),  # beyond the right border
        ("0 1.005 -0.005 0.2 0.2\n", (0, 0), 1),  # within the tolerance
        (f"{TRIANGLE}\n{TRIANGLE}\n0 0.2 0.2 0.4 0.2 0.4 0.4 0.2 0.4\n", (0, 0), 2),
        ("1 0.1 0.1 0.9 0.1 0.5 0.7\n1 0.1 0.1 0.9 0.1 0.6 0.7\n", (0, 0), 2),  # two polygons, one box
        (f"{SQUARE} 0.4 0.4 1 0.6 0.6 2\n", (2, 3), 1),  # pose labels: the box counts
    ],
)
def test_odd_labels_are_read_as_ultralytics_reads_them(label, text, keypoints, count):
    file = label(text)
    ours = read_labels(file, 2, keypoints[0] * keypoints[1])
    assert len(ours.classes) == count
    assert_same(ours, ultralytics_reads(file.with_suffix(".png"), file, 2, keypoints))


def test_byte_order_mark(label):
    assert read_labels(label(SQUARE, "utf-8-sig"), 1).classes == [0]


def test_double_precision(label):
    box = read_labels(label("0 0.123456789012 0.5 0.2 0.2"), 1).boxes[0]
    assert box[0] == pytest.approx(0.123456789012 - 0.1, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{SQUARE}\n\n0 0.5 1.5 0.2 0.2", ["a.txt:3:", "1.5 is outside 0..1"]),
        ("0 -0.2 0.5 0.2 0.2", ["a.txt:1:", "-0.2 is outside"]),
        ("0 nan 0.5 0.2 0.2", ["a.txt:1:", "nan is outside"]),
        ("0 0.5 0.5 inf 0.2", ["inf is outside"]),
        ("0 0.5 0.5 -0.005 0.2", ["a.txt:1:", "width -0.005"]),
        ("0 0.5 0.5 0.2", ["a.txt:1:", "4 numbers", "class x y width height"]),
        ("0 0.5 0.5 0.2 0.2 0.9", ["6 numbers"]),
        ("cat 0.5 0.5 0.2 0.2", ["a.txt:1:", "'cat' is no number"]),
        (f"{SQUARE}\n2 0.5 0.5 0.2 0.2", ["a.txt:2:", "class 2", "2 classes, 0..1"]),
        ("-1 0.5 0.5 0.2 0.2", ["class -1"]),
        ("0.5 0.5 0.5 0.2 0.2", ["class 0.5"]),
        (f"{TRIANGLE}\n{SQUARE}", ["a.txt:2:", "boxes and polygons"]),
        (f"{TRIANGLE} 0.3", ["a.txt:1:", "8 numbers are no polygon"]),
        ("1 0.1 0.1 0.9 0.1 0.5 1.2", ["1.2 is outside"]),
    ],
)
def test_faults_are_told_where_ultralytics_drops_the_picture(label, text, words):
    file = label(text)
    with pytest.raises(TintboxError) as error:
        read_labels(file, 2)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)
    assert ultralytics_reads(file.with_suffix(".png"), file, 2) is None or "1 0.1" in text or "1.2" in text


def test_the_labels_of_linked_folders_have_their_pictures(tmp_path):
    """Ultralytics follows links in a split's folders, so their images count."""
    for folder in ("elsewhere/cam", "data/images", "data/labels/cam"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "elsewhere" / "cam" / "a.png").write_bytes(b"")
    (tmp_path / "data" / "labels" / "cam" / "a.txt").write_text("0 .5 .5 .2 .2\n")
    images = tmp_path / "data" / "images"
    (images / "cam").symlink_to(tmp_path / "elsewhere" / "cam")
    check_orphans(str(images), [str(images / "cam" / "a.png")])
    (tmp_path / "data" / "labels" / "cam" / "b.txt").write_text("0 .5 .5 .2 .2\n")
    with pytest.raises(TintboxError, match=r"1 label file without an image: b.txt"):
        check_orphans(str(images), [str(images / "cam" / "a.png")])


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00 0.5")
    with pytest.raises(TintboxError, match=r"a\.txt: cannot be read"):
        read_labels(tmp_path / "a.txt", 1)


@pytest.mark.parametrize(("shape", "numbers"), [([17, 3], 51), ([0], 0), (None, 0), ([], 0), ([5, 2], 10)])
def test_numbers_behind_a_box(shape, numbers):
    assert keypoints({"kpt_shape": shape}) == numbers


@pytest.mark.parametrize("shape", ["17,3", [17, -1], [1.5, 2], [10_000, 2], 17, [None]])
def test_what_is_no_shape_of_keypoints(shape):
    with pytest.raises(TintboxError, match=r"kpt_shape: .* is no \[number of keypoints, numbers of each\]"):
        keypoints({"kpt_shape": shape})
