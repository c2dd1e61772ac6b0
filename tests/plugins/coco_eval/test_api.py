"""`evaluate` and `compare` called from Python with paths, dicts and arrays; the numbers are pycocotools'."""

import copy
import doctest
import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import api
from tintbox.plugins.coco_eval.api import compare, evaluate
from tintbox.plugins.coco_eval.metrics import KEYS

FEW = {"resamples": 50}
COLUMNS = ("image_id", "category_id", "bbox", "score")


def content(truth):
    return {"images": truth.images, "annotations": truth.annotations, "categories": truth.categories}


def truth_arrays(truth, kind=np.asarray):
    rows = truth.annotations
    columns = {key: kind([row[key] for row in rows]) for key in ("image_id", "category_id", "bbox", "iscrowd", "area")}
    images = kind([image["id"] for image in truth.images])
    return {**columns, "images": images, "categories": {np.int64(c["id"]): c["name"] for c in truth.categories}}


def found_arrays(detections, kind=np.asarray):
    return {key: kind(getattr(detections, key)) for key in COLUMNS}


@pytest.fixture
def case(synthetic):
    return synthetic.case(5)


@pytest.fixture
def ways(case, tmp_path):
    """The same case in every form."""
    truth, detections = case
    truth.save(tmp_path / "truth.json")
    detections.save(tmp_path / "found.json")
    return {
        "path": (tmp_path / "truth.json", str(tmp_path / "found.json")),
        "dict": (content(truth), detections.rows()),
        "numpy": (truth_arrays(truth), found_arrays(detections)),
        "torch": (truth_arrays(truth, torch.as_tensor), found_arrays(detections, torch.as_tensor)),
        "lists": (
            truth_arrays(truth, lambda v: np.asarray(v).tolist()),
            found_arrays(detections, lambda v: v.tolist()),
        ),
        "tuples of numpy's numbers": (
            truth_arrays(truth, lambda v: tuple(map(tuple, v)) if np.ndim(v) > 1 else tuple(np.asarray(v))),
            [{**row, "bbox": tuple(row["bbox"]), "score": np.float64(row["score"])} for row in detections.rows()],
        ),
        "dict and arrays": (content(truth), found_arrays(detections)),
    }


def assert_equal(result, stats):
    np.testing.assert_allclose(np.nan_to_num(result.values, nan=-1), stats, atol=1e-9)


@pytest.mark.parametrize(
    "way", ["path", "dict", "numpy", "torch", "lists", "tuples of numpy's numbers", "dict and arrays"]
)
@pytest.mark.smoke
def test_the_numbers_are_pycocotools_in_every_form(way, ways, case, synthetic):
    before = copy.deepcopy(ways[way])
    result = evaluate(*ways[way], **FEW)
    assert_equal(result, synthetic.pycocotools(*case).stats)
    assert result.names == [category["name"] for category in case[0].categories]
    np.testing.assert_array_equal(result.intervals, evaluate(*ways["dict"], **FEW).intervals)
    after = ways[way]
    assert repr(after) == repr(before), "what is handed over stays as it is"


def test_masks(synthetic):
    from pycocotools import mask

    truth, detections = synthetic.case(11, images=8, masks=True)
    rows = detections.rows()
    for row in rows:  # as returned by pycocotools' encode
        row["segmentation"] = {**row["segmentation"], "counts": row["segmentation"]["counts"].encode()}
        assert mask.area(row["segmentation"]) > 0
    stats = {kind: synthetic.pycocotools(truth, detections, kind).stats for kind in ("bbox", "segm")}
    for asked, kind in ((None, "segm"), ("segm", "segm"), ("bbox", "bbox")):
        result = evaluate(content(truth), rows, iou_type=asked, resamples=0)
        assert result.iou_type == kind
        assert_equal(result, stats[kind])
    assert evaluate(content(truth), found_arrays(detections), resamples=0).iou_type == "bbox"


def test_what_an_evaluation_offers(ways, tmp_path):
    result = evaluate(*ways["numpy"], **FEW, level=0.9, explain=True)
    assert set(KEYS) == set(result.to_dict()["metrics"])
    plain = json.loads(json.dumps(result.to_dict()))
    assert plain["metrics"]["AP"] == {"value": result["AP"], "low": result.intervals[0, 0],
                                      "high": result.intervals[0, 1]}  # fmt: skip
    assert (plain["level"], plain["resamples"]) == (0.9, 50)
    assert set(plain["classes"]) == set(result.names)
    assert plain["errors"]["overall"]["gain"]["missed"] >= 0
    assert evaluate(*ways["numpy"], **FEW).to_dict()["errors"] is None
    assert len(repr(result)) < 100 and "AP50" in repr(result)
    assert "<table>" in result._repr_html_()
    assert isinstance(result.plot(), Figure)
    for what in ("precision_recall", "classes", "sizes", "errors"):
        file = tmp_path / "new" / f"{what}.svg"
        assert isinstance(result.plot(file, what), Figure) and result.plot(what=what)._repr_png_()
        assert file.read_text().lstrip().startswith("<?xml")
    with pytest.raises(TintboxError, match=r"no plot 'size' .*did you mean 'sizes'"):
        result.plot(what="size")
    with pytest.raises(TintboxError, match="explain=True"):
        evaluate(*ways["numpy"], **FEW).plot(what="errors")
    with pytest.raises(TintboxError, match=r"x\.nothing cannot be written"):
        result.plot(tmp_path / "x.nothing")
    assert not (tmp_path / "x.nothing").exists()


def test_what_a_comparison_offers(case, ways, synthetic, tmp_path):
    truth, detections = case
    worse = {key: column[::2] for key, column in found_arrays(detections).items()}
    a, b = evaluate(truth_arrays(truth), worse, **FEW), evaluate(*ways["path"], **FEW, explain=True)
    compared = compare(a, b)
    assert compared["AP"] == pytest.approx(b["AP"] - a["AP"], abs=1e-12)
    assert compared.intervals.shape == (12, 2)
    plain = json.loads(json.dumps(compared.to_dict()))
    assert (plain["first"], plain["second"]) == ("a", "b")
    assert plain["metrics"]["AP"]["difference"] == compared["AP"]
    assert isinstance(compared.plot(tmp_path / "c"), Figure) and (tmp_path / "c.png").stat().st_size > 1000
    assert "<table>" in compared._repr_html_()
    assert len(repr(compared)) < 120 and "b less a" in repr(compared)


def test_results_are_mappings_of_the_twelve_numbers(ways):
    result = evaluate(*ways["numpy"], **FEW)
    for one in (result, compare(result, result)):
        assert (*one,) == one.keys() == KEYS and len(one) == 12 and "AP" in one and "mAP" not in one
        np.testing.assert_array_equal([*dict(one).values()], one.values)
    with pytest.raises(KeyError, match=r"no metric 'mAP' \(AP, AP50"):
        result["mAP"]


def test_results_cannot_be_changed_in_place(ways):
    result = evaluate(*ways["numpy"], **FEW)
    compared = compare(result, result)
    arrays = [getattr(one, name) for one in (result, compared) for name in
              ("values", "intervals", "classes", "class_intervals")]  # fmt: skip
    for array in (*arrays, result.samples, result.support, result.curves.precision, result.curves.recall):
        with pytest.raises(ValueError, match="read-only"):
            array *= 100


def test_only_what_belongs_together_is_compared(case, ways):
    truth, detections = case
    one = evaluate(*ways["dict"], **FEW)
    moved = content(truth)
    moved["annotations"] = [{**row, "bbox": [row["bbox"][0] + 1, *row["bbox"][1:]]} for row in truth.annotations]
    for other, message in (
        (evaluate(moved, detections.rows(), **FEW), "different images or objects"),
        (evaluate(*ways["dict"], resamples=51), "differ in settings: resamples=50 and 51"),
        (evaluate(*ways["dict"], **FEW, seed=1), "differ in settings: seed=0 and 1"),
    ):
        with pytest.raises(TintboxError, match=message):
            compare(one, other)
    with pytest.raises(TintboxError, match="compare: b is of type float"):
        compare(one, 0.5)
    shuffled = {**content(truth), "annotations": truth.annotations[::-1]}
    assert abs(compare(one, evaluate(shuffled, detections.rows(), **FEW))["AR100"]) < 0.05, "order is no difference"


TRUTH = {"image_id": [1, 1, 2], "category_id": [1, 1, 1], "bbox": [[1, 1, 5, 5], [9, 9, 5, 5], [2, 2, 9, 9]]}
FOUND = {"image_id": [1, 2], "category_id": [1, 1], "bbox": [[1, 1, 5, 5], [2, 2, 9, 9]], "score": [0.9, 0.8]}
LOOP: list = []
LOOP.append(LOOP)


@pytest.mark.attack("arguments")
@pytest.mark.parametrize(
    ("truth", "detections", "settings", "message"),
    [
        (3, FOUND, {}, r"truth is of type int; give the path"),
        (TRUTH, 3, {}, r"detections is of type int; give the path"),
        ("nowhere.json", FOUND, {}, r"nowhere\.json: no such file"),
        ({}, FOUND, {}, r"truth: no images, annotations, categories"),
        ({"boxes": []}, FOUND, {}, r"truth: no images, annotations, categories"),
        ({**TRUTH, "box": []}, FOUND, {}, r"truth: no column 'box' .*did you mean 'bbox'"),
        ({"image_id": [1]}, FOUND, {}, r"truth: no category_id, bbox in it"),
        ({**TRUTH, "category_id": [1]}, FOUND, {}, r"truth: category_id has 1 entries, image_id 3"),
        ({**TRUTH, "category_id": 1}, FOUND, {}, r"truth: category_id is no list or array"),
        ({**TRUTH, "bbox": [[1, 2, 3]] * 3}, FOUND, {}, r"truth: annotations\[0\] has bbox \[1, 2, 3\], not"),
        ({**TRUTH, "image_id": [[1], [1], [2]]}, FOUND, {}, r"truth: image_id: a list in the place of an id"),
        ({**TRUTH, "image_id": [1.5, 1, 2]}, FOUND, {}, r"truth: images\[0\] has id 1\.5, which is no whole number"),
        ({**TRUTH, "images": 7}, FOUND, {}, r"truth: images is no list of ids"),
        ({**TRUTH, "images": [1]}, FOUND, {}, r"truth: unknown image_id 2"),
        ({**TRUTH, "images": [1, 1, 2]}, FOUND, {}, r"truth: images share ids: id 1"),
        ({**TRUTH, "categories": {2: "cat"}}, FOUND, {}, r"truth: unknown category_id 1"),
        ({**TRUTH, "categories": {"1": "cat"}}, FOUND, {}, r"truth: categories\[0\] has id '1', which is no whole"),
        ({**TRUTH, "area": [1, 2, float("nan")]}, FOUND, {}, r"truth: annotations\[2\] has area nan"),
        (LOOP and {"image_id": LOOP}, FOUND, {}, r"truth: lists are nested too deeply"),
        (
            {**TRUTH, "image_id": [object()] * 3},
            FOUND,
            {},
            r"truth: images\[0\] has id .<object object.* no whole number",
        ),
        (TRUTH, {**FOUND, "score": [0.9, 1.5]}, {}, r"detections: \[1\] has score 1\.5, outside 0\.\.1"),
        (TRUTH, {**FOUND, "score": [0.9, float("nan")]}, {}, r"detections: \[1\] has score nan"),
        (TRUTH, {**FOUND, "image_id": [1, 3]}, {}, r"detections: unknown image_id 3"),
        (TRUTH, {**FOUND, "label": [1, 1]}, {}, r"detections: no column 'label'"),
        (TRUTH, [1, 2], {}, r"detections: \[0\] is no object"),
        (TRUTH, TRUTH, {}, r"detections: no score in it"),
        (TRUTH, {"images": [], "annotations": []}, {}, r"detections: an object \{\.\.\.\}, not a list"),
        (TRUTH, FOUND, {"resamples": -1}, r"evaluate: resamples=-1: give a whole number"),
        (TRUTH, FOUND, {"level": 95}, r"evaluate: level=95: give a number between 0 and 1"),
        (TRUTH, FOUND, {"explain": "yes"}, r"evaluate: explain=yes: give true or false"),
        (TRUTH, FOUND, {"iou_type": "masks"}, r"iou_type=masks: give one of bbox, segm"),
        (TRUTH, FOUND, {"iou_type": "segm"}, r"iou_type=segm: the predictions have no masks"),
    ],
)
def test_mistakes_are_told_in_a_line(truth, detections, settings, message):
    with pytest.raises(TintboxError, match=message) as error:
        evaluate(truth, detections, **settings)
    assert "\n" not in str(error.value)


def test_settings_may_be_numbers_of_numpy():
    numbers = {"resamples": np.int32(9), "seed": np.int64(3), "level": np.float32(0.5), "explain": np.True_}
    result = evaluate(TRUTH, FOUND, **numbers)
    assert result.to_dict() == evaluate(TRUTH, FOUND, resamples=9, seed=3, level=0.5, explain=True).to_dict()


def test_no_detections_and_images_without_objects(synthetic):
    nothing = {"image_id": [], "category_id": [], "bbox": np.zeros((0, 4)), "score": []}
    assert evaluate(TRUTH, nothing, **FEW)["AP"] == evaluate(TRUTH, [], **FEW)["AP"] == 0
    extra = {**FOUND, "image_id": [1, 3]}  # a detection in an image without objects
    assert evaluate({**TRUTH, "images": [1, 2, 3]}, extra, **FEW)["AR100"] == pytest.approx(1 / 3)
    empty = {"image_id": [], "category_id": [], "bbox": [], "images": [1, 2, 3], "categories": [1]}
    assert np.isnan(evaluate(empty, extra, **FEW)["AP"])


def test_examples_of_the_docstrings():
    runner = doctest.DocTestRunner()
    tests = [test for test in doctest.DocTestFinder().find(api, "api", module=api) if test.examples]
    for test in tests:
        runner.run(test)
    assert len(tests) == 2
    assert runner.summarize().failed == 0
