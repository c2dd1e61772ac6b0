"""`tintbox show`: truth on the left, prediction on the right, for any detector and dataset YAML."""

import cv2
import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.reports.boxes import Boxes
from tintbox.reports.show import draw, show

COLOURS = {"red": (40, 40, 210), "green": (40, 200, 40)}  # BGR


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
def test_every_task_with_boxes(task, three_squares, checkpoints, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # An untrained model has low confidence; a threshold of 0 keeps its predictions.
    file = show(checkpoints / f"{task}.pt", three_squares, n=2, conf=0.0, imgsz=64, out="new/picture.png")
    picture = cv2.imread(str(tmp_path / file))
    height, width = picture.shape[:2]
    assert width == 1920 and 1300 < height < 1700  # two columns of 6.4 inches, two rows of 64:96, at 150 dpi
    assert [p.name for p in tmp_path.iterdir()] == ["new"]  # no run folder or similar


def test_the_truth_is_on_the_left_and_where_it_belongs(three_squares, checkpoints, tmp_path):
    """Without predictions, left and right differ exactly at the labelled boxes."""
    file = show(checkpoints / "detect.pt", three_squares, n=1, conf=1.0, imgsz=64, out=tmp_path / "picture.png")
    picture = cv2.imread(str(file)).astype(int)
    half = picture.shape[1] // 2

    def box_of(colour, part):
        """The extent of a colour in a part: x1, y1, x2, y2."""
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "detct.pt"}, r"model=.*detct\.pt: no such file; did you mean 'detect\.pt'"),
        ({"model": "yolo11n.yaml"}, "is a model's YAML, without trained weights"),
        ({"model": "broken.pt"}, r"model=.*broken\.pt: cannot be loaded"),
        ({"model": "classify.pt"}, "is a classify model, which has no boxes"),
        ({"data": "bcd.yaml"}, r"'bcd\.yaml' does not exist; did you mean 'bccd\.yaml'"),
        ({"split": "vall"}, r"split=vall: no such split .*\(train, val, test\); did you mean 'val'"),
        ({"split": "test"}, "no labels in split 'test' \\(4 images\\)"),
        ({"n": 0}, "n=0: give a whole number of 1 or more"),
        ({"n": "two"}, "n=two: give a whole number"),
        ({"n": 4}, "n=4: split 'val' has 3 labelled images"),
        ({"conf": 2}, "conf=2: give a number from 0 to 1"),
        ({"imgsz": 1.5}, r"imgsz=1\.5: give a whole number"),
        ({"seed": -1}, "seed=-1"),
        ({"images": ["sqare0"]}, "images=sqare0: no labelled image .*did you mean 'square0"),
        ({"images": 58}, "images=58: no labelled image .*; write it with its suffix"),
        ({"images": []}, "the list is empty"),
        ({"out": 5}, "out=5: the suffix tells the format"),
        ({"out": "show.txt"}, r"out=show\.txt: the suffix tells the format"),
    ],
)
def test_mistakes_are_one_line(changes, message, three_squares, checkpoints, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (checkpoints / "broken.pt").write_bytes(b"no checkpoint")
    values = {"model": "detect.pt", "data": three_squares, "imgsz": 64, **changes}
    if not values["model"].endswith(".yaml"):
        values["model"] = checkpoints / values["model"]
    with pytest.raises(TintboxError, match=message) as caught:
        show(**values)
    assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["$_$", "_bg", r"$\frac$"])
def test_no_name_is_a_formula_or_left_out(name, tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr("tintbox.reports.show.figures.save", lambda figure, file, dpi: kept.append(figure))
    boxes = Boxes(np.array([[1.0, 1.0, 9.0, 9.0]]), [name])
    draw([(f"{name}.jpg", np.zeros((16, 16, 3), np.uint8), boxes, boxes)], [name], f"{name}.pt", tmp_path / "a.png")
    kept[0].savefig(tmp_path / "a.png")
    assert [text.get_text() for text in kept[0].legends[0].get_texts()] == [name]


def test_a_colouriser_has_no_boxes(trained, three_squares):
    with pytest.raises(TintboxError, match="is a colorize model, which has no boxes"):
        show(trained / "weights" / "best.pt", three_squares)


def test_a_picture_that_cannot_be_written_leaves_the_old_one(three_squares, checkpoints, tmp_path, monkeypatch):
    file = tmp_path / "show.png"
    file.write_text("the old one")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tintbox.reports.show.draw", full)
    with pytest.raises(TintboxError, match=r"out=.*show.png: cannot be written \(.*No space left"):
        show(checkpoints / "detect.pt", three_squares, n=1, imgsz=64, out=file)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("show.png", "the old one")]
