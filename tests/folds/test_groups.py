"""Which pictures stay together: by names that look like frames of videos, or by a file."""

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.folds import groups


def files(*names):
    return [f"/data/images/{name}.jpg" for name in names]


CLIPS = files(*(f"clip{clip}_{frame:04}" for clip in range(6) for frame in range(5)))
NUMBERED = files(*(f"IMG_{i:04}" for i in range(20)), "other", "cam_1", "cam_2")


def test_frames_of_videos_stay_together():
    found = groups.find(CLIPS, "auto", 5)
    assert [*dict.fromkeys(found.names)] == [f"clip{clip}" for clip in range(6)]
    assert found.said.startswith("groups: 6 of 5 images by their names, e.g. clip0 (clip0_0000.jpg, ...)")
    assert "groups=none" in found.said


@pytest.mark.parametrize("how", ["none", None, False])
def test_it_can_be_switched_off(how):
    assert len(set(groups.find(CLIPS, how, 5).names)) == len(CLIPS)


def test_numbered_pictures_are_no_video_unless_that_is_said():
    found = groups.find(NUMBERED, "auto", 3)
    assert len(set(found.names)) == len(NUMBERED)
    assert "20 of 23 names begin with IMG" in found.said
    assert set(groups.find(NUMBERED, "names", 3).names) == {"IMG", "other", "cam"}


@pytest.mark.parametrize(
    "names",
    [["00041005", "00041009", "00042001"], ["a", "b", "c", "d"], ["IMG_2274_2f319e", "IMG_2275_663555", "x", "y"]],
)  # fmt: skip
def test_names_without_videos(names):
    assert "no names that look like frames" in groups.find(files(*names), "auto", 2).said


def test_copies_that_roboflow_made_always_stay_together():
    copies = files(*(f"IMG_{i}_jpg.rf.{digest}" for i in range(4) for digest in ("1f3b", "99aa")))
    found = groups.find(copies, "auto", 4)
    assert len(set(found.names)) == 4
    assert "copies of one image" in found.said


@pytest.mark.parametrize("name", ["clip{}_{:04}_jpg", "clip{}_mp4-{}_jpg", "clip{}_{}_PNG"])
def test_frames_in_roboflows_naming_stay_together(name):
    found = groups.find(files(*(f"{name.format(v, i)}.rf.{v}a{i}" for v in range(6) for i in range(8))), "auto", 3)
    assert len(set(found.names)) == 6 and found.said.startswith("groups: 6 of 8 images by their names")


FRUIT = files(*(f"{name}_{i}" for name in ("apple", "pear", "kiwi", "plum") for i in range(15)))
OF_ONE = np.repeat(np.eye(4, dtype=int), 15, axis=0)


def test_names_of_classes_are_no_videos():
    """Else a class would be in one fold: never both trained on and tested."""
    found = groups.find(FRUIT, "auto", 3, counts=OF_ONE)
    assert len(set(found.names)) == len(FRUIT)
    assert found.said.startswith("groups: none (names like apple tell the class and not the video; ")
    assert len(set(groups.find(FRUIT, "names", 3, counts=OF_ONE).names)) == 4, "if it is asked for"
    odd = OF_ONE.copy()
    odd[[3, 20]] = odd[[20, 3]]
    assert len(set(groups.find(FRUIT, "auto", 3, counts=odd).names)) == len(FRUIT), "nearly is enough"


@pytest.mark.parametrize(
    "counts",
    [np.ones((60, 1), int), np.eye(4, dtype=int)[np.arange(60) % 4], np.repeat(np.eye(2, dtype=int), 30, axis=0),
     np.concatenate([OF_ONE[:15, :2], np.ones((45, 2), int)])],
    ids=["one class", "every class in each", "two groups a class", "one group with a class of its own"],
)  # fmt: skip
def test_names_of_videos_are_none_of_classes(counts):
    assert len(set(groups.find(FRUIT, "auto", 3, counts=counts).names)) == 4


@pytest.mark.parametrize("name", ["{}.jpg", "frame_{}.jpg", "one{}x.jpg"])
def test_pictures_of_one_name_in_several_folders_are_no_copies(name):
    """Every split, or every video, may count from 1."""
    numbered = [f"/d/images/{folder}/{name.format(i)}" for folder in ("a", "b") for i in range(4)]
    found = groups.find(numbered, "auto", 2)
    assert found.names == numbered and found.said.startswith("groups: none (")


def test_equal_files_of_one_name_are_copies(tmp_path):
    content = {"train/1": b"one", "train/2": b"two", "val/1": b"one", "val/2": b"owt", "val/3": b"one"}
    for name, raw in content.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.jpg").write_bytes(raw)
    copied = [str(tmp_path / f"{name}.jpg") for name in content]
    found = groups.find(copied, "auto", 2)
    assert found.names == [copied[0], copied[1], copied[0], copied[3], copied[4]]
    assert "4 of 1 to 2 images copies of one image" in found.said


@pytest.fixture
def table(tmp_path):
    def write(text):
        file = tmp_path / "groups.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


ABCD = ["/d/train/a.jpg", "/d/train/b.jpg", "/d/val/a.jpg", "/d/val/c.jpg"]


@pytest.mark.parametrize("head", ["", "image,group\n", "Image, Group\n\n", "\ufeffimage,group\n"])
def test_a_file_of_groups(table, head):
    file = table(f"{head}train/a.jpg,x\nb.jpg,y\n\nval/a.jpg, y\n/d/val/c.jpg,x\n")
    found = groups.find(ABCD, file, 2)
    assert found.names == ["x", "y", "y", "x"]
    assert found.said == "groups: 2 of 2 images by groups.csv, e.g. x (a.jpg, ...)"


GOOD = "train/a.jpg,x\nb.jpg,y\nval/a.jpg,z\nc.jpg,x\n"


@pytest.mark.attack("folds")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train/a.jpg,x\nb.jpg,y\n", "2 of 4 images are not in it: a.jpg, c.jpg; add them"),
        ("", "4 of 4 images are not in it"),
        (f"{GOOD}d.jpg,x\n", "groups.csv:5: 'd.jpg' is not an image of the training or validation split"),
        (f"{GOOD}test/a.jpg,x\n", "groups.csv:5: 'test/a.jpg' is not an image"),
        ("a.jpg,x\n", "groups.csv:1: 2 images are named 'a.jpg'; write their folders too"),
        (f"{GOOD}c.jpg,y\n", "groups.csv:5: 'c.jpg' is in 'x' already"),
        ("picture,group\n", "groups.csv:1: 'picture' is not an image"),
        ("b.jpg\n", "groups.csv:1: b.jpg: a row is image,group"),
        ("b.jpg,x,y\n", "groups.csv:1: b.jpg,x,y: a row is image,group"),
        ("b.jpg,\n", "groups.csv:1: b.jpg,: a row is image,group"),
        ('"b.jpg,x\n', "cannot be read"),
        (b"\xff\xfe\x00", "not in UTF-8"),
        ("x" * 200_000, "cannot be read"),
        ("train/a.jpg,x\nb.jpg,x\nval/a.jpg,x\nc.jpg,y\n", "2 groups of images, too few for 3 folds"),
    ],
)
def test_files_that_are_none(table, text, said):
    with pytest.raises(TintboxError) as error:
        groups.find(ABCD, table(text), 3)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.attack("folds")
@pytest.mark.parametrize("name", ["nowhere.csv", ".", "x" * 300])
def test_files_that_are_not_there(tmp_path, name):
    with pytest.raises(TintboxError, match="groups="):
        groups.find(ABCD, tmp_path / name, 2)


@pytest.mark.attack("folds")
def test_a_huge_file_is_refused_soon(tmp_path):
    with (tmp_path / "huge.csv").open("wb") as stream:
        stream.truncate(1 << 33)
    with pytest.raises(TintboxError, match="larger than 16 MiB"):
        groups.find(ABCD, tmp_path / "huge.csv", 2)
