"""The plots of an evaluation and of a comparison."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from tintbox.plugins.coco_eval import output, pictures
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.settings import Settings

FEW = Settings(resamples=60)


NAMES = ("coco_pr.png", "coco_classes.png", "coco_sizes.png", "coco_errors.png")


def colour(text):
    """BGR of a hexadecimal colour."""
    return np.array([int(text[i : i + 2], 16) for i in (5, 3, 1)])


def pixels(picture, text):
    """The number of pixels close to a colour."""
    return int((np.abs(picture.astype(int) - colour(text)).max(-1) < 8).sum())


def checked(file):
    """Read a plot and check that no text touches its border, as a title that is cut off does."""
    picture = cv2.imread(str(file))
    border = np.concatenate([picture[:, :2].reshape(-1, 3), picture[:, -2:].reshape(-1, 3), picture[0], picture[-1]])
    assert (border > 250).all(), f"{file.name} is cut off at its border"
    return picture


def axis_share(picture):
    """Length of the longest horizontal black line, the axis, as a fraction of the width."""
    dark = (picture < 60).all(-1)
    best = 0
    for row in dark:
        run = np.diff(np.flatnonzero(np.diff(np.r_[0, row, 0])))[::2]
        best = max(best, run.max(initial=0))
    return best / picture.shape[1]


LONG = "a very long name of a class that nobody reads to its end, $x_1$"


@pytest.mark.parametrize(
    ("classes", "names"),
    [(1, ["cell"]), (4, [LONG, "_hidden", "[b]<i>", "d"]), (80, [f"class {i}" for i in range(80)])],
)
def test_pictures_of_any_number_of_classes(classes, names, synthetic, tmp_path):
    truth, detections = synthetic.case(5, images=max(12, classes), classes=max(classes, 2), crowded=False)
    if classes == 1:
        truth = Truth(truth.images, [{**a, "category_id": 3} for a in truth.annotations], truth.categories[:1])
        detections = replace(detections, category_id=np.full(len(detections), 3))
    for category, name in zip(truth.categories, names):
        category["name"] = name
    evaluation = evaluate(truth, detections, settings=FEW)
    assert len(evaluation.names) == classes
    pictures.draw(evaluation, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(NAMES)
    curves, by_class, by_size = (checked(tmp_path / name) for name in NAMES[:3])
    assert pixels(by_class, pictures.INK) > 50 and pixels(by_size, pictures.INK) > 50
    assert (pixels(by_class, pictures.GREY) > 50) == (classes > 1), "a class alone is not drawn twice"
    assert axis_share(curves) > 0.5 and axis_share(by_class) > 0.5 and axis_share(by_size) > 0.5
    rows = min(sum(map(bool, evaluation.truths)), pictures.MOST_CLASSES) + (classes > 1)
    assert abs(by_class.shape[0] - pictures.DPI * (1.6 + 0.26 * rows)) < 1


def test_the_curves_of_many_classes_are_a_band_of_percentiles(synthetic, monkeypatch):
    evaluation = evaluate(*synthetic.case(5, images=60, classes=30, crowded=False), settings=FEW)
    there = np.flatnonzero(evaluation.truths)
    lines = pictures.precision_recall(evaluation)
    assert len(lines.axes[0].lines) == len(there) + 3 and not lines.axes[0].collections
    monkeypatch.setattr(pictures, "MOST_CLASSES", len(there) - 1)
    banded = pictures.precision_recall(evaluation)
    (band,) = banded.axes[0].collections
    assert len(banded.axes[0].lines) == 3
    labels = [text.get_text() for text in banded.legends[0].get_texts()]
    assert labels[:2] == [f"10th to 90th percentile of {len(there)} classes", "all classes, IoU 0.50"]
    curves = evaluation.curves.precision[0, :, there, 0, -1]  # (K, R)
    drawn = band.get_paths()[0].vertices
    for low, high, recall in zip(*np.quantile(curves, (0.1, 0.9), axis=0), pictures.RECALL_THRESHOLDS):
        there = drawn[np.isclose(drawn[:, 0], recall), 1]
        assert there.min() == pytest.approx(low) and there.max() == pytest.approx(high)


def test_pictures_without_objects_or_detections(pair, tmp_path):
    truth, detections = pair
    none = evaluate(Truth(truth.images, [], truth.categories), detections, settings=FEW)
    assert np.isnan(none.values).all()
    nothing = evaluate(truth, Detections.empty(), settings=FEW)
    assert nothing["AP"] == 0
    for evaluation, folder in ((none, tmp_path / "none"), (nothing, tmp_path / "nothing")):
        output.save(folder, {"bbox": evaluation}, {})
        drawn = [checked(folder / name) for name in NAMES[:3]]
        assert (folder / NAMES[3]).is_file()
        # Without objects there is only text; without detections there is a dot at 0.
        assert (pixels(drawn[1], pictures.INK) > 50) == (evaluation is nothing)
        assert [pixels(picture, pictures.GREY) > 50 for picture in drawn[:2]] == [evaluation is none, True]


def test_masks_have_pictures_of_their_own(synthetic, tmp_path):
    truth, detections = synthetic.case(1, images=6, masks=True)
    found = {kind: evaluate(truth, detections, kind, FEW) for kind in ("bbox", "segm")}
    output.save(tmp_path, found, {})
    expected = {name.replace(".png", f"{end}.png") for name in NAMES for end in ("", "_segm")}
    assert {p.name for p in tmp_path.glob("*.png")} == expected


def test_picture_of_a_comparison(pair, better, tmp_path):
    names = ("runs/detect/with $ and a long name", "runs/detect/other")
    for resamples in (100, 0):
        settings = Settings(resamples=resamples, explain=False)
        compared = Comparison(*(evaluate(pair[0], d, settings=settings) for d in (pair[1], better)), names)
        compared.plot(tmp_path / "c.png")
        picture = checked(tmp_path / "c.png")
        assert (pixels(picture, pictures.BETTER) > 50) == bool(resamples), "green is what is sure"
        assert pixels(picture, pictures.WORSE) == 0 and pixels(picture, pictures.GREY) > 50


def test_letters_that_the_font_lacks_are_no_warning(tmp_path, recwarn):
    figure = Figure()
    figure.suptitle("\u65e5\u672c")
    pictures.save(figure, tmp_path / "a.png")
    assert [str(warning.message) for warning in recwarn if "Glyph" in str(warning.message)] == []
