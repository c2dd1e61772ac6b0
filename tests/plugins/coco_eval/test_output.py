"""Tables, JSON, CSV and pictures of evaluations and comparisons: the numbers are pycocotools'."""

import csv
import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import output, pictures, tables
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.differences import is_sure
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.settings import Settings

FEW = Settings(resamples=60)


@pytest.fixture
def pair(synthetic):
    """Truth with a class that has no object and one without small ones, and its detections."""
    return synthetic.case(3, images=24)


@pytest.fixture
def better(pair):
    """The same detections with the right ones moved up, most of them."""
    truth, detections = pair
    kinds = evaluate(truth, detections, settings=Settings(resamples=0)).errors.detection_kind
    return replace(detections, score=np.where(kinds == "true positive", 0.9 + detections.score / 10, detections.score))


def by_class(synthetic, truth, detections, iou_type):
    """pycocotools' twelve numbers of every class, from runs on that class alone."""
    for category in sorted(truth.categories, key=lambda c: c["id"]):
        kept = detections.category_id == category["id"]
        masks = detections.segmentation and [m for m, k in zip(detections.segmentation, kept) if k]
        columns = {key: getattr(detections, key)[kept] for key in ("image_id", "category_id", "bbox", "score")}
        annotations = [a for a in truth.annotations if a["category_id"] == category["id"]]
        own = Truth(truth.images, annotations, [category])
        yield synthetic.pycocotools(own, Detections(**columns, segmentation=masks), iou_type).stats


def near(values, expected):
    """Whether numbers, None for "n/a", are pycocotools', -1 for it, within 1e-9."""
    values = [-1 if v is None else v for v in values]
    return np.abs(np.array(values) - expected).max() < 1e-9


def test_the_files_have_pycocotools_numbers(synthetic, tmp_path):
    truth, detections = synthetic.case(3, images=24, masks=True)
    found = {kind: evaluate(truth, detections, kind, FEW) for kind in ("bbox", "segm")}
    output.save(tmp_path / "new" / "folder", found, {"model": "a.pt"}, pictures=False)
    content = json.loads((tmp_path / "new" / "folder" / "coco.json").read_text())
    assert content["model"] == "a.pt" and content["tintbox"]
    with (tmp_path / "new" / "folder" / "coco.csv").open() as file:
        rows = {(row["iou_type"], row["class"]): row for row in csv.DictReader(file)}
    assert len(rows) == 2 * (1 + len(truth.categories))
    for kind in found:
        trusted = synthetic.pycocotools(truth, detections, kind)
        metrics = content[kind]["metrics"]
        assert near([metrics[key]["value"] for key in KEYS], trusted.stats)
        cells = [rows[kind, "all"][key] for key in KEYS]
        assert near([None if cell == "n/a" else float(cell) for cell in cells], trusted.stats)
        classes = list(by_class(synthetic, truth, detections, kind))
        for (name, row), stats in zip(content[kind]["classes"].items(), classes):
            assert near([row["metrics"][key]["value"] for key in KEYS], stats)
            cells = [rows[kind, name][key] for key in KEYS]
            assert near([None if cell == "n/a" else float(cell) for cell in cells], stats)
        curves = content[kind]["precision_recall"]
        assert curves["iou"] == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
        for k, name in enumerate(found[kind].names):
            expected = trusted.eval["precision"][:, :, k, 0, 2]
            if expected.min() < 0:
                assert curves["precision"][name] is None
            else:
                assert np.abs(np.array(curves["precision"][name]) - expected).max() < 1e-9
    assert content["bbox"]["metrics"] != content["segm"]["metrics"]


def test_intervals_and_counts_in_the_files(pair, tmp_path):
    truth, detections = pair
    evaluation = evaluate(truth, detections, settings=FEW)
    output.save(tmp_path, {"bbox": evaluation}, {}, pictures=False)
    content = json.loads((tmp_path / "coco.json").read_text())["bbox"]
    assert (content["images"], content["resamples"], content["level"], content["seed"]) == (24, 60, 0.95, 0)
    counts = {c["name"]: sum(a["category_id"] == c["id"] and not a["iscrowd"] for a in truth.annotations)
              for c in truth.categories}  # fmt: skip
    assert {name: row["objects"] for name, row in content["classes"].items()} == counts
    for key, (low, high) in zip(KEYS, evaluation.intervals):
        row = content["metrics"][key]
        assert (row["low"], row["high"]) == (None if math.isnan(low) else low, None if math.isnan(high) else high)
        if row["value"] is not None:
            assert 0 <= row["low"] <= row["value"] + 1e-9 and row["value"] - 1e-9 <= row["high"] <= 1
    assert content["errors"]["overall"]["AP"] == pytest.approx(content["metrics"]["AP50"]["value"], abs=1e-9)


def test_the_table_has_the_same_numbers_rounded(pair):
    truth, detections = pair
    evaluation = evaluate(truth, detections, settings=FEW)
    shown = tables.text({"bbox": evaluation})
    assert "boxes: 24 images" in shown and "95% intervals from 60 resamples" in shown
    lines = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    for key, value, (low, high) in zip(KEYS, evaluation.values, evaluation.intervals):
        expected = "n/a" if math.isnan(value) else f"{value:.3f}   [{low:.3f}, {high:.3f}]"
        assert lines[key].endswith(expected)
    for name, values in zip(evaluation.names, evaluation.classes):
        (line,) = [line for line in shown.splitlines() if line.startswith(name)]
        assert line.split()[-4:] == [tables.number(values[KEYS.index(k)]) for k in ("AP", "AP50", "AP75", "AR100")]
    loss = evaluation.errors.overall
    for kind, gain in loss.gain.items():
        (line,) = [line for line in shown.splitlines() if line.startswith(kind)]
        assert line.split()[-2:] == [f"{gain:.3f}", f"{loss.count[kind]:,}"]
    assert "class 0" not in tables.text({"bbox": evaluation}, classes=False)


def test_without_objects_of_a_size_it_is_na_and_never_0(pair, tmp_path):
    truth, detections = pair
    part = Truth(truth.images, [a for a in truth.annotations if a["area"] >= 32**2], truth.categories)
    evaluation = evaluate(part, detections, settings=FEW)
    assert math.isnan(evaluation["AP_small"]) and math.isnan(evaluation["AR_small"])
    assert not math.isnan(evaluation["AP_medium"])
    output.save(tmp_path, {"bbox": evaluation}, {}, pictures=False)
    row = json.loads((tmp_path / "coco.json").read_text())["bbox"]["metrics"]["AP_small"]
    assert row == {"value": None, "low": None, "high": None}
    with (tmp_path / "coco.csv").open() as file:
        first = next(csv.DictReader(file))
    assert [first[f"AP_small{end}"] for end in ("", "_low", "_high")] == ["n/a"] * 3
    (line,) = [line for line in tables.text({"bbox": evaluation}).splitlines() if line.startswith("AP_small")]
    assert line.split()[-1] == "n/a"


def test_no_resamples_no_intervals(pair, tmp_path):
    evaluation = evaluate(*pair, settings=Settings(resamples=0))
    assert "resamples" not in tables.text({"bbox": evaluation})
    output.save(tmp_path, {"bbox": evaluation}, {})
    rows = json.loads((tmp_path / "coco.json").read_text())["bbox"]["metrics"]
    assert rows["AP"]["value"] > 0 and rows["AP"]["low"] is None


def test_classes_of_one_name_are_both_kept(pair, tmp_path):
    truth, detections = pair
    truth.categories[1]["name"] = truth.categories[0]["name"] = "cell"
    evaluation = evaluate(truth, detections, settings=FEW)
    output.save(tmp_path, {"bbox": evaluation}, {}, pictures=False)
    content = json.loads((tmp_path / "coco.json").read_text())["bbox"]
    assert [row["metrics"]["AP"]["value"] for row in content["classes"].values()][:2] == list(evaluation.classes[:2, 0])
    assert len(content["precision_recall"]["precision"]) == len(truth.categories)


# Comparisons ----------------------------------------------------------------------------------------------------------


def test_differences_are_those_of_two_pycocotools_runs(pair, better, synthetic, tmp_path):
    truth, detections = pair
    settings = Settings(resamples=100, explain=False)
    compared = Comparison(*(evaluate(truth, d, settings=settings) for d in (detections, better)), ("old", "new"))
    stats = [synthetic.pycocotools(truth, d).stats for d in (detections, better)]
    content = output.comparison_dict(compared)
    for key, a, b in zip(KEYS, *stats):
        row = content["metrics"][key]
        if a == -1:
            assert row["difference"] is None and not row["distinguishable"]
            continue
        assert row["first"] == pytest.approx(a, abs=1e-9) and row["second"] == pytest.approx(b, abs=1e-9)
        assert row["difference"] == pytest.approx(b - a, abs=1e-9)
        assert row["low"] - 1e-9 <= row["difference"] <= row["high"] + 1e-9
    assert content["metrics"]["AP"]["distinguishable"] and content["metrics"]["AP"]["low"] > 0
    assert not content["metrics"]["AR100"]["distinguishable"], "the same boxes are found"
    lines = tables.comparison_text(compared).splitlines()
    assert next(line.split()[-1] for line in lines if line.startswith("AP ")) == "better"
    assert [line.split()[-1] for line in lines if line.startswith("AR100")] == ["equal"]
    assert "-0.000" not in "\n".join(lines)

    output.save_comparison_csv(tmp_path / "c.csv", {"bbox": content})
    with (tmp_path / "c.csv").open() as file:
        rows = {(row["class"], row["metric"]): row for row in csv.DictReader(file)}
    assert len(rows) == (1 + len(truth.categories)) * len(KEYS)
    assert float(rows["all", "AP"]["difference"]) == content["metrics"]["AP"]["difference"]
    for k, name in enumerate(compared.first.names):
        expected = compared.second.classes[k, 0] - compared.first.classes[k, 0]
        cell = rows[name, "AP"]["difference"]
        assert cell == "n/a" if math.isnan(expected) else float(cell) == expected


def test_the_other_way_round_it_is_worse(pair, better):
    both = [evaluate(pair[0], d, settings=Settings(resamples=100, explain=False)) for d in (pair[1], better)]
    one, other = Comparison(*both), Comparison(*both[::-1])
    assert np.array_equal(one.values, -other.values, equal_nan=True)
    assert tables.verdict(other["AP"], other.intervals[0]) == "worse"


def test_rounding_is_no_difference():
    assert is_sure(np.array([[1e-3, 2e-3], [-2e-3, -1e-3], [-1e-3, 1e-3], [1e-17, 2e-17], [np.nan, np.nan]])).tolist() \
        == [True, True, False, False, False]  # fmt: skip
    assert tables.verdict(0.0, np.array([-1e-17, 1e-17])) == "equal"
    assert tables.verdict(0.1, np.array([-0.1, 0.2])) == "may be chance"
    assert tables.verdict(math.nan, np.array([math.nan, math.nan])) == ""


def test_only_evaluations_of_the_same_are_compared(pair):
    truth, detections = pair
    one = evaluate(truth, detections, settings=FEW)
    with pytest.raises(TintboxError, match="differ in images: 24, 23"):
        less = Truth(truth.images[1:], [a for a in truth.annotations if a["image_id"] != 1000], truth.categories)
        kept = detections.image_id != 1000
        columns = (getattr(detections, key)[kept] for key in ("image_id", "category_id", "bbox", "score"))
        Comparison(one, evaluate(less, Detections(*columns), settings=FEW))
    with pytest.raises(TintboxError, match="differ in settings"):
        Comparison(one, evaluate(truth, detections, settings=Settings(resamples=61)))


# Pictures -------------------------------------------------------------------------------------------------------------

NAMES = ("coco_pr.png", "coco_classes.png", "coco_sizes.png", "coco_errors.png")


def colour(text):
    """BGR of a hexadecimal colour."""
    return np.array([int(text[i : i + 2], 16) for i in (5, 3, 1)])


def pixels(picture, text):
    """How many pixels are of a colour, near enough."""
    return int((np.abs(picture.astype(int) - colour(text)).max(-1) < 8).sum())


def checked(file):
    """Read a picture whose words don't reach its border: a title cut off does."""
    picture = cv2.imread(str(file))
    border = np.concatenate([picture[:, :2].reshape(-1, 3), picture[:, -2:].reshape(-1, 3), picture[0], picture[-1]])
    assert (border > 250).all(), f"{file.name} is cut off at its border"
    return picture


def axis_share(picture):
    """Length of the longest horizontal black line, as a share of the width: the axis."""
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
        # Without objects there is nothing but the words, without detections there is a dot at 0.
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
