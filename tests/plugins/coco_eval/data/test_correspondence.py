"""Which image of a COCO JSON matches which image file, and which category which class."""

import random
from itertools import takewhile

import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.correspondence import match_classes, match_pictures


def images(*names):
    return [{"id": i, "file_name": name} for i, name in enumerate(names, 1)]


@pytest.mark.parametrize(
    ("pictures", "names", "expected"),
    [
        (["/d/val/a.jpg", "/d/val/b.jpg"], ["b.jpg", "a.jpg"], [2, 1]),
        (["/d/val/a.jpg"], ["train/a.jpg", "val/a.jpg"], [2]),
        (["/d/val/a.jpg", "/d/train/a.jpg"], [r"train\a.jpg", r"val\a.jpg"], [2, 1]),
        (["/d/val/a.jpg"], ["a.jpg", "unused.jpg", ""], [1]),
        (["/d/val/a\udcff.jpg", "/d/val/a.jpg"], [r"a\udcff.jpg", "a.jpg"], [1, 2]),
    ],
)
def test_the_longest_common_end_decides(pictures, names, expected):
    assert match_pictures("gt.json", pictures, images(*names)) == dict(zip(pictures, expected))


def plain(pictures, names):
    """The image of every file by comparing all with all; None if some file has none of its own."""
    claims = {}
    for picture in pictures:
        pairs = [zip(reversed(picture.split("/")), reversed(name.split("/"))) for name in names]
        common = [len(list(takewhile(lambda pair: pair[0] == pair[1], zipped))) for zipped in pairs]
        best = max(common)
        fits = [i for i, length in enumerate(common, 1) if length == best]
        if best == 0 or len(fits) > 1:
            return None
        claims.setdefault(fits[0], []).append((best, picture))
    own = {picture: image for image, claimed in claims.items() for _, picture in claimed if len(claimed) == 1}
    return own if len(own) == len(pictures) else None


@pytest.mark.parametrize("seed", range(40))
def test_any_layout_is_matched_as_by_comparing_all_paths(seed):
    draw = random.Random(seed)
    layout = ["/".join(draw.choices("ab", k=draw.randint(1, 4))) + draw.choice("12") for _ in range(draw.randint(1, 5))]
    pictures = sorted({f"/d/{path}" for path in layout})
    names = [path.split("/", draw.randint(0, path.count("/")))[-1] for path in layout]
    expected = plain(pictures, names)
    if expected is None:
        with pytest.raises(TintboxError):
            match_pictures("gt.json", pictures, images(*names))
    else:
        assert match_pictures("gt.json", pictures, images(*names)) == expected


def test_frames_of_many_videos_are_matched():
    names = [f"{i:06d}/frame.jpg" for i in range(20_000)]  # half an hour, if each were compared with each
    found = match_pictures("gt.json", [f"/data/{name}" for name in names], images(*names))
    assert list(found.values()) == list(range(1, 20_001))


@pytest.mark.parametrize(
    ("pictures", "names", "message"),
    [
        (["/d/a.jpg", "/d/c.jpg"], ["a.jpg"], "1 of the split's 2 image files are not among its images: c.jpg"),
        (["/d/a.jpg"], ["x/a.jpg", "y/a.jpg"], "images 1 and 2 fit the file /d/a.jpg equally well"),
        (["/d/x/a.jpg", "/d/y/a.jpg"], ["a.jpg"], "image 1 fits the files /d/x/a.jpg and /d/y/a.jpg equally well"),
    ],
)
def test_pictures_that_cannot_be_told_apart(pictures, names, message):
    with pytest.raises(TintboxError) as error:
        match_pictures("gt.json", pictures, images(*names))
    assert message in str(error.value)


def test_classes_go_by_name_and_then_without_regard_to_case():
    categories = [{"id": 7, "name": "Cat"}, {"id": 3, "name": "cat"}, {"id": 5, "name": "DOG"}]
    assert match_classes("gt.json", {0: "dog", 1: "cat", 2: "CAT"}, categories) == {0: 5, 1: 3, 2: 7}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({0: "cow"}, "no category for the classes cow; its categories are cat, cat"),
        ({0: "cat"}, "categories 1, 2 are all named 'cat'"),
    ],
)
def test_classes_without_a_category_of_their_own(names, message):
    with pytest.raises(TintboxError, match=message):
        match_classes("gt.json", names, [{"id": 1, "name": "cat"}, {"id": 2, "name": "cat"}])
