"""Sources of detections."""

from pathlib import Path

import numpy as np
import pytest

from tintbox.errors import TintboxError, TintboxFileError
from tintbox.plugins.coco_eval import sources
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.settings import Settings
from tintbox.plugins.coco_eval.sources import name_both

from ...tiny_models import YOLO11N

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("runs/a", "runs/b"), ("a", "b")),
        (("runs/a/weights/best.pt", "runs/b/weights/best.pt"), ("a/best", "b/best")),
        (("x/run", "y/run"), ("x/run", "y/run")),
        (("a.pt", "a.pt"), ("a.pt (1)", "a.pt (2)")),
        (("a.pt", "a.onnx"), ("a.pt", "a.onnx")),
        (("x/..", "/"), (Path.cwd().name, "/")),
        (("long-common-name-one", "long-common-name-two"), ("…one", "…two")),
    ],
)
def test_two_runs_are_named_by_what_tells_them_apart(paths, expected):
    assert name_both(*paths) == expected


def test_a_folder_has_no_suffix(tmp_path):
    paths = tmp_path / "a" / "lr0.01", tmp_path / "b" / "lr0.02"
    for path in paths:
        path.mkdir(parents=True)
    assert name_both(*map(str, paths)) == ("lr0.01", "lr0.02")


def truth(images=(1, 2), classes=("a", "b"), objects=1, names=None):
    """Truth of some images."""
    rows = [{"id": i, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "area": 1} for i in range(objects)]
    return Truth(
        [{"id": i, "file_name": f"{file}.png"} for i, file in zip(images, names or images)], rows,
        [{"id": i, "name": name_} for i, name_ in enumerate(classes, 1)],
    )  # fmt: skip


def test_equal_truth_is_comparable():
    sources.check_comparable(truth(), truth())


@pytest.mark.parametrize(
    ("other", "line"),
    [
        (truth(classes=("a", "c")), "the two have different classes: a has a, b; b has a, c"),
        (truth(images=(1, 3, 4)), "a and b were evaluated on different images: 1 only in a, 2 only in b"),
        (truth(images=(2,)), "a and b were evaluated on different images: 1 only in a, 0 only in b"),
        (truth(names=(2, 1)), "a and b were evaluated with different ids of the same images"),
        (truth(images=(1,), names=(2,)), "a and b were evaluated on different images: 1 only in a, 0 only in b"),
        (truth(objects=2), "a and b were evaluated against different labels of the same images"),
    ],
)
def test_other_truth_is_not(other, line):
    with pytest.raises(TintboxError) as caught:
        sources.check_comparable(truth(), other, ("a", "b"))
    assert str(caught.value) == line


@pytest.mark.parametrize(("imgsz", "fits"), [(None, True), (640, True), ([64, 32], True), ([], True), (10**7, False),
                                             ([32, 10**8], False)])  # fmt: skip
def test_a_size_that_no_memory_holds(imgsz, fits):
    if fits:
        sources.check_size(imgsz)
    else:
        with pytest.raises(TintboxError, match=r"imgsz=.*: one image takes [\d,]+ GiB, this machine has \d+"):
            sources.check_size(imgsz)


def test_what_is_not_there_is_told_with_the_nearest_name(tmp_path):
    (tmp_path / "best.pt").touch()
    sources.check_there(str(tmp_path))
    sources.check_there(str(tmp_path / "best.pt"))
    for name, message in (
        ("bets.pt", r"no such run or checkpoint; did you mean 'best\.pt'\?"),
        ("best.pt/x", "no such run or checkpoint"),
        ("a\x00b", "cannot be read"),
        ("a" * 300, "cannot be read"),
    ):
        with pytest.raises(TintboxError, match=message) as caught:
            sources.check_there(str(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_the_checkpoint_of_a_run_is_its_best(tmp_path):
    with pytest.raises(TintboxFileError):
        sources.checkpoint(str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "best.pt").touch()
    assert sources.checkpoint(str(tmp_path)) == tmp_path / "weights" / "best.pt"
    assert sources.checkpoint("x/yolo.onnx") == Path("x/yolo.onnx")
    (tmp_path / "best_openvino_model").mkdir()
    exported = tmp_path / "best_openvino_model"
    assert sources.checkpoint(str(exported)) == exported, "an exported model may be a folder"


def test_a_plugin_that_is_off_evaluates_no_model(monkeypatch):
    sources.check_active()
    monkeypatch.setenv("TINTBOX_DISABLE", "1")
    with pytest.raises(TintboxError, match=r"TINTBOX_DISABLE=1, and no model is evaluated without; unset it, or give"):
        sources.check_active()


def test_two_models_that_are_compared_are_loaded_once_each(rectangles, detectors, tmp_path, monkeypatch):
    from ultralytics.engine import model

    again = tmp_path / "again.pt"
    again.write_bytes(detectors["detect"].read_bytes())
    loaded, load = [], model.load_checkpoint
    monkeypatch.setattr(model, "load_checkpoint", lambda file, *rest: loaded.append(str(file)) or load(file, *rest))
    models = [detectors["detect"], again]
    values = {"data": rectangles["detect"], "imgsz": 64, "workers": 0}
    one, two = sources.validate_both(models, ("one", "two"), values, Settings(resamples=40, seed=3))
    assert loaded == list(map(str, models))
    first, second = (outcome.predictions.detections.score.tolist() for outcome in (one, two))
    assert first == second != []
    assert one["bbox"].settings.resamples == 40 and np.array_equal(*(o["bbox"].samples for o in (one, two)), True)


@pytest.mark.attack("coco-eval inputs")
def test_a_reason_with_a_line_for_every_image_is_cut():
    with pytest.raises(TintboxError) as caught, sources.explain_refusals("a.pt", "validated"):
        raise RuntimeError("\n".join(f"/data/{i}.jpg: ignoring corrupt image/label" for i in range(10_000)))
    assert str(caught.value).startswith("model=a.pt: cannot be validated (/data/0.jpg: ignoring")
    assert str(caught.value).endswith(" ...)") and len(str(caught.value)) < 700


@pytest.mark.attack("files that eat the machine")
def test_images_in_a_folder_that_contains_itself_are_not_validated(write_dataset):
    from ultralytics import YOLO

    data = write_dataset("circle", ["a"], {"train": [], "val": [(np.zeros((32, 32, 3), np.uint8), [])]})
    for name in "xy":
        (data.parent / "images/val" / name).symlink_to(".")
    with pytest.raises(TintboxError, match="a link back to the folder it is in"):
        sources.validate(YOLO(YOLO11N), YOLO11N, str(data), None)
