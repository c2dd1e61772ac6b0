"""`tintbox show`: truth left, prediction right, from any detector and dataset YAML."""

import cv2
import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.description import describe
from tintbox.reports.boxes import choose, read_truth
from tintbox.reports.show import show

COLOURS = {"red": (40, 40, 210), "green": (40, 200, 40)}  # BGR


@pytest.fixture(scope="module")
def squares(write_dataset):
    """A dataset YAML: one red and one green square in each of three pictures of 96x64, a fourth without labels."""

    def draw(i, split):
        picture = np.full((64, 96, 3), 230, np.uint8)
        picture[8:24, 8:32] = COLOURS["red"]
        picture[32:56, 48 : 60 + 6 * i] = COLOURS["green"]
        red, green = (8, 8, 32, 24), (48, 32, 60 + 6 * i, 56)
        lines = [
            f"{c} {(a + x) / 192} {(b + y) / 128} {(x - a) / 96} {(y - b) / 64}"
            for c, (a, b, x, y) in enumerate((red, green))
        ]
        return picture, lines if i < 3 and split != "test" else None

    splits = {split: [draw(i, split) for i in range(4)] for split in ("train", "val", "test")}
    return write_dataset("squares", COLOURS, splits, stem="square")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Untrained checkpoints by task."""
    from ultralytics import YOLO

    folder = tmp_path_factory.mktemp("weights")
    suffixes = {"detect": "", "segment": "-seg", "pose": "-pose", "obb": "-obb", "classify": "-cls"}
    for task, suffix in suffixes.items():
        YOLO(f"yolo11n{suffix}.yaml").save(folder / f"{task}.pt")
    return folder


@pytest.mark.parametrize("task", ["detect", "segment", "pose", "obb"])
def test_every_task_with_boxes(task, squares, checkpoints, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # An untrained model is unsure of everything; at 0 it predicts what it can.
    file = show(checkpoints / f"{task}.pt", squares, n=2, conf=0.0, imgsz=64, out="new/picture.png")
    picture = cv2.imread(str(tmp_path / file))
    height, width = picture.shape[:2]
    assert width == 1920 and 1300 < height < 1700  # two columns of 6.4 inches, two rows of 64:96, at 150 dpi
    assert [p.name for p in tmp_path.iterdir()] == ["new"]  # no run folder or the like


def test_truth_is_read_as_it_is_labelled(squares):
    truth, classes, left_out = read_truth(describe(squares), "val")
    assert classes == ["red", "green"] and left_out == []
    assert len(truth) == 3  # the fourth picture has no label
    for path, boxes in truth.items():
        i = int(path[-5])
        assert boxes.names == ["red", "green"] and boxes.scores is None
        assert np.allclose(boxes.corners, [(8, 8, 32, 24), (48, 32, 60 + 6 * i, 56)], atol=1e-3)


def test_truth_of_polygons_and_keypoints(squares, tmp_path):
    for name, label, extra in (
        ("polygons", "1 0.25 0.25 0.75 0.25 0.5 0.75\n", ""),
        ("keypoints", "1 0.5 0.5 0.5 0.5 0.3 0.3 2 0.6 0.6 2\n", "kpt_shape: [2, 3]\n"),
    ):
        root = tmp_path / name
        for kind in ("images", "labels"):
            (root / kind).mkdir(parents=True)
        cv2.imwrite(str(root / "images" / "a.png"), np.zeros((64, 96, 3), np.uint8))
        (root / "labels" / "a.txt").write_text(label)
        file = root / "data.yaml"
        file.write_text(f"path: {root}\ntrain: images\nval: images\nnames: {{0: red, 1: green}}\n{extra}")
        ((_, boxes),) = read_truth(describe(file), "val")[0].items()
        assert boxes.names == ["green"]
        assert np.allclose(boxes.corners, [(24, 16, 72, 48)], atol=1e-3)


def test_the_truth_is_on_the_left_and_where_it_belongs(squares, checkpoints, tmp_path):
    """Without predictions left and right differ exactly about the labelled boxes."""
    file = show(checkpoints / "detect.pt", squares, n=1, conf=1.0, imgsz=64, out=tmp_path / "picture.png")
    picture = cv2.imread(str(file)).astype(int)
    half = picture.shape[1] // 2

    def box_of(colour, part):
        """Where a colour lies in a part: x1, y1, x2, y2."""
        y, x = np.nonzero(np.abs(part - colour).max(-1) < 30)
        return np.array([x.min(), y.min(), x.max(), y.max()])

    blue, orange = (180, 119, 31), (14, 127, 255)  # the first two colours of matplotlib's tab10, BGR
    body = picture[: int(picture.shape[0] * 0.88)]  # above the legend
    for ring, square in ((blue, COLOURS["red"]), (orange, COLOURS["green"])):
        left, right = (np.abs(part - ring).max(-1) < 30 for part in (body[:, :half], body[:, half:]))
        assert left.sum() > 500 and right.sum() == 0
        edges = np.nonzero(left)
        found = np.array([edges[1].min(), edges[0].min(), edges[1].max(), edges[0].max()])
        assert np.abs(found - box_of(square, body[:, :half])).max() <= 12  # line width and resampling


def test_choice_of_pictures(squares):
    truth, _, _ = read_truth(describe(squares), "val")
    drawn = [tuple(choose(truth, 2, seed, None, "val")) for seed in range(20)]
    assert drawn == [tuple(choose(truth, 2, seed, None, "val")) for seed in range(20)]
    assert len(set(drawn)) == 6  # all ordered pairs of three
    assert [p[-11:] for p in choose(truth, 1, 0, ["square2", "square0.png"], "val")] == ["square2.png", "square0.png"]
    assert [p[-11:] for p in choose(truth, 1, 0, "square1", "val")] == ["square1.png"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "detct.pt"}, r"model=.*detct\.pt: no such file; did you mean 'detect\.pt'"),
        ({"model": "yolo11n.yaml"}, "is a model's YAML, without trained weights"),
        ({"model": "broken.pt"}, r"model=.*broken\.pt: cannot be loaded"),
        ({"model": "classify.pt"}, "is a classify model, which has no boxes"),
        ({"data": "bcd.yaml"}, r"'bcd\.yaml' does not exist; did you mean 'bccd\.yaml'"),
        ({"split": "vall"}, r"split=vall: no such split .*\(train, val, test\); did you mean 'val'"),
        ({"split": "test"}, "no labels in split 'test' \\(4 pictures\\)"),
        ({"n": 0}, "n=0: give a whole number of 1 or more"),
        ({"n": "two"}, "n=two: give a whole number"),
        ({"n": 4}, "n=4: split 'val' has 3 pictures with labels"),
        ({"conf": 2}, "conf=2: give a number from 0 to 1"),
        ({"imgsz": 1.5}, r"imgsz=1\.5: give a whole number"),
        ({"seed": -1}, "seed=-1"),
        ({"images": ["sqare0"]}, "images=sqare0: no picture .*did you mean 'square0"),
        ({"images": 58}, "images=58: no picture .*; write it with its suffix"),
        ({"images": []}, "the list is empty"),
        ({"out": 5}, "out=5: the suffix tells the format"),
        ({"out": "show.txt"}, r"out=show\.txt: the suffix tells the format"),
    ],
)
def test_mistakes_are_one_line(changes, message, squares, checkpoints, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (checkpoints / "broken.pt").write_bytes(b"no checkpoint")
    values = {"model": "detect.pt", "data": squares, "imgsz": 64, **changes}
    if not values["model"].endswith(".yaml"):
        values["model"] = checkpoints / values["model"]
    with pytest.raises(TintboxError, match=message) as caught:
        show(**values)
    assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_a_colouriser_has_no_boxes(trained, squares):
    with pytest.raises(TintboxError, match="is a colorize model, which has no boxes"):
        show(trained / "weights" / "best.pt", squares)


def test_pictures_are_left_as_they_are(tmp_path):
    """Ultralytics' own reader of labels rewrites a JPEG without its end, and leaves a cache beside the labels."""
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    whole = cv2.imencode(".jpg", np.full((64, 96, 3), 90, np.uint8))[1].tobytes()
    cut, faulty = tmp_path / "images" / "cut.jpg", tmp_path / "images" / "faulty.jpg"
    cut.write_bytes(whole[:-2])
    faulty.write_bytes(whole)
    (tmp_path / "labels" / "cut.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (tmp_path / "labels" / "faulty.txt").write_text("7 0.5 0.5 0.25 0.5\n")
    file = tmp_path / "data.yaml"
    file.write_text(f"path: {tmp_path}\ntrain: images\nval: images\nnames: {{0: red}}\n")
    truth, _, left_out = read_truth(describe(file), "val")
    assert list(truth) == [str(cut)] and np.allclose(truth[str(cut)].corners, [(36, 16, 60, 48)])
    assert len(left_out) == 1 and "faulty.txt:1: class 7 is not among" in left_out[0]
    assert cut.read_bytes() == whole[:-2]
    assert {p.name for p in (tmp_path / "labels").iterdir()} == {"cut.txt", "faulty.txt"}


def test_a_picture_that_cannot_be_written_leaves_the_old_one(squares, checkpoints, tmp_path, monkeypatch):
    file = tmp_path / "show.png"
    file.write_text("the old one")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tintbox.reports.show.draw", full)
    with pytest.raises(TintboxError, match=r"out=.*show.png: cannot be written \(.*No space left"):
        show(checkpoints / "detect.pt", squares, n=1, imgsz=64, out=file)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("show.png", "the old one")]
