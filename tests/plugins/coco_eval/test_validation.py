"""`coco_eval` in `yolo val`, with small models that really detect."""

import importlib.util
import json
import math
import shutil

import numpy as np
import pytest
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.metrics import KEYS

from .conftest import CHOSEN, broken_labels, pycocotools, warnings

pytestmark = pytest.mark.usefixtures("one_thread", "nothing_is_installed")


@pytest.mark.parametrize(("task", "kinds"), [("detect", ["bbox"]), ("segment", ["bbox", "segm"])])
@pytest.mark.smoke
def test_the_numbers_are_pycocotools_on_what_is_exported(task, kinds, validate, tmp_path):
    metrics = validate(task, coco_eval=CHOSEN, save_json=True)
    assert list(metrics.coco.evaluations) == kinds
    content = json.loads((tmp_path / "run" / "coco.json").read_text())
    for kind in kinds:
        stats = pycocotools(tmp_path / "run", kind)
        assert stats[1] > 0.4, "the model finds something, or the test shows nothing"
        values = metrics.coco[kind].values
        assert np.abs(np.nan_to_num(values, nan=-1) - stats).max() < 1e-9
        saved = [content[kind]["metrics"][key]["value"] for key in KEYS]
        assert saved == [None if math.isnan(v) else v for v in values.tolist()]
    assert math.isnan(metrics.coco["bbox"]["AP_large"]), "no rectangle is that large"


def test_what_is_exported(validate, rectangles, tmp_path):
    outcome = validate(coco_eval=CHOSEN, save_json=True).coco
    truth = json.loads((tmp_path / "run" / "annotations.json").read_text())
    assert [image["id"] for image in truth["images"]] == list(range(10)), "the images are named by numbers"
    assert {image["file_name"] for image in truth["images"]} == {f"{i}.png" for i in range(10)}
    assert {(c["id"], c["name"]) for c in truth["categories"]} == {(1, "blue"), (2, "red"), (3, "never there")}
    assert len(truth["annotations"]) == 18
    rows = json.loads((tmp_path / "run" / "predictions.json").read_text())
    assert len(rows) == len(outcome.predictions.detections) > 18
    assert [row["bbox"] for row in rows] == outcome.predictions.detections.bbox.tolist(), "every digit"
    assert any(len(str(row["bbox"][0]).partition(".")[2]) > 6 for row in rows)
    ids = json.loads((tmp_path / "run" / "image_ids.json").read_text())
    assert ids == {str(rectangles["detect"].parent / "images" / "val" / f"{i}.png"): i for i in range(10)}


def test_predictions_of_an_earlier_validation_do_not_stay_beside_the_numbers_of_this_one(validate, tmp_path):
    written = {"predictions.json", "annotations.json", "image_ids.json"}
    for saves in (True, False):
        validate(coco_eval={"resamples": 0}, save_json=saves)
        left = {file.name for file in (tmp_path / "run").iterdir()}
        assert "coco.json" in left and left & written == (written if saves else set())


def test_ultralytics_own_results_stay_as_they_are(validate, tmp_path):
    stock, ours = validate(name="stock"), validate(coco_eval=True)
    assert ours.results_dict == stock.results_dict and ours.results_dict["metrics/mAP50(B)"] > 0.4
    assert np.array_equal(ours.box.all_ap, stock.box.all_ap)
    assert np.array_equal(ours.confusion_matrix.matrix, stock.confusion_matrix.matrix)
    assert not hasattr(stock, "coco")
    files = {p.name for p in (tmp_path / "run").iterdir()}
    assert files == {"coco.json", "coco.csv"}, "plots=False draws nothing, save_json was not asked for"


@pytest.mark.attack("newcomer")
def test_a_model_of_fewer_classes_is_told_twice(validate, variant, log):
    """The warning comes before the run, and again next to the numbers, which are not those of the whole dataset."""
    data = variant()
    names = "".join(f"  {i}: class {i}\n" for i in range(3, 80))
    data.write_text(data.read_text() + names)
    outcome = validate(data=data, coco_eval=CHOSEN).coco
    told = [text for text in warnings(log) if "THE MODEL HAS 3 CLASSES, THE DATASET 80: the other 77 (class 3," in text]
    assert len(told) == 2 and "no numbers for the whole dataset" in told[0]
    texts = [text for _, text in log]
    (numbers,) = [i for i, text in enumerate(texts) if "COCO evaluation of boxes" in text]
    assert told[1] in texts[numbers + 1]
    assert len(outcome["bbox"].names) == 3


def test_masks_are_taken_at_full_size_with_coco_eval_alone(validate):
    """At a quarter of it, as in a stock validation, mask borders would be in steps of 4 pixels."""
    stock, ours = validate("segment", name="stock"), validate("segment", coco_eval=CHOSEN)
    assert ours.box.map == stock.box.map
    assert ours.seg.map > stock.seg.map
    validated = validate("segment", name="again")
    assert validated.seg.map == stock.seg.map, "the next validation is stock again"


def test_settings_and_pictures(validate, tmp_path, log):
    outcome = validate(coco_eval={"resamples": 30, "seed": 5, "level": 0.5, "examples": 1}, plots=True).coco
    assert outcome["bbox"].samples.shape == (30, 3, 12)
    assert "50% intervals from 30 resamples" in "".join(text for _, text in log)
    files = {p.name for p in (tmp_path / "run").iterdir()}
    assert {"coco_pr.png", "coco_classes.png", "coco_sizes.png", "coco_errors.png", "worst"} <= files
    assert [p.name[:3] for p in (tmp_path / "run" / "worst").iterdir()] == ["01_"]
    silent = validate(coco_eval={"resamples": 0, "explain": False, "report": False}, name="silent").coco
    assert not any((tmp_path / "silent").iterdir())
    assert np.array_equal(silent["bbox"].values, outcome["bbox"].values, equal_nan=True)
    assert silent["bbox"].errors is None


def test_verbose_false_leaves_out_the_table_of_classes(validate, log):
    validate(coco_eval=CHOSEN, verbose=False)
    shown = "".join(text for _, text in log)
    assert "COCO evaluation of boxes" in shown and "never there" not in shown


@pytest.mark.parametrize(("task", "kinds"), [("detect", ["bbox"]), ("segment", ["bbox", "segm"])])
def test_a_model_that_finds_nothing(task, kinds, validate):
    outcome = validate(task, coco_eval=CHOSEN, conf=0.9999).coco
    assert list(outcome.evaluations) == kinds and len(outcome.predictions.detections) == 0
    for evaluation in outcome.evaluations.values():
        assert evaluation["AP"] == evaluation["AR100"] == 0 and math.isnan(evaluation["AP_large"])
        assert evaluation.errors.overall.gain["missed"] == 1


def test_single_class(validate):
    outcome = validate(coco_eval=CHOSEN, single_cls=True).coco
    assert outcome["bbox"].names == ["item"] and outcome["bbox"].truths == [18]
    assert set(outcome.predictions.detections.category_id) == {1}


def test_some_classes(validate):
    whole = validate(coco_eval=CHOSEN).coco["bbox"]
    outcome = validate(coco_eval=CHOSEN, classes=[1]).coco
    assert outcome["bbox"].names == ["red"] and outcome["bbox"].truths == [9]
    assert np.allclose(outcome["bbox"].classes[0], whole.classes[1], rtol=0, atol=1e-12, equal_nan=True)
    assert set(outcome.predictions.detections.category_id) == {2}


def test_part_of_a_split(validate):
    whole = validate(coco_eval=CHOSEN).coco
    outcome = validate(coco_eval=CHOSEN, fraction=[1.0, 0.5]).coco
    assert outcome["bbox"].images == 5
    ids = [image["id"] for image in outcome.predictions.truth.images]
    kept = np.isin(whole.predictions.detections.image_id, ids)
    assert len(outcome.predictions.detections) == kept.sum() > 0


def test_an_exported_model(validate, detectors, tmp_path):
    if importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec("onnx") is None:
        pytest.skip("needs onnx and onnxruntime")
    model = shutil.copy(detectors["detect"], tmp_path / "model.pt")
    file = YOLO(model).export(format="onnx", imgsz=64, simplify=False)
    exported, own = (validate(model=m, coco_eval=CHOSEN, rect=False, name="e").coco["bbox"] for m in (file, model))
    assert np.allclose(exported.values, own.values, atol=0.02, equal_nan=True)
    assert exported["AP50"] > 0.4


# Ground truth from elsewhere ------------------------------------------------------------------------------------------


def exported(validate, tmp_path, task="detect"):
    """Return the truth written by save_json."""
    validate(task, coco_eval={"resamples": 0}, save_json=True, name="exported")
    return json.loads((tmp_path / "exported" / "annotations.json").read_text())


def test_annotations_of_the_yaml_count(validate, variant, tmp_path):
    """Crowd regions, areas and ids come from the annotations."""
    content = exported(validate, tmp_path)
    for annotation in content["annotations"]:
        annotation["category_id"] += 10
        annotation["area"] = 100.0
    content["annotations"][0]["iscrowd"] = 1
    for category in content["categories"]:
        category["id"] += 10
    data = variant(extra="annotations: {val: gt/val.json}\n")
    (data.parent / "gt").mkdir()
    (data.parent / "gt" / "val.json").write_text(json.dumps(content))
    outcome = validate(data=data, coco_eval=CHOSEN, save_json=True).coco
    assert np.abs(np.nan_to_num(outcome["bbox"].values, nan=-1) - pycocotools(tmp_path / "run", "bbox")).max() < 1e-9
    assert set(outcome.predictions.detections.category_id) <= {11, 12, 13}
    assert sum(outcome["bbox"].truths) == 17
    assert math.isnan(outcome["bbox"]["AP_medium"]) and not math.isnan(outcome["bbox"]["AP_small"])


def test_annotations_without_masks_are_told_and_boxes_evaluated(validate, variant, tmp_path, log):
    content = exported(validate, tmp_path, "segment")
    for annotation in content["annotations"][:4]:
        del annotation["segmentation"]
    data = variant("segment", extra="annotations: {val: val.json}\n")
    (data.parent / "val.json").write_text(json.dumps(content))
    outcome = validate("segment", data=data, coco_eval=CHOSEN).coco
    assert list(outcome.evaluations) == ["bbox"]
    assert any("4 of 18 objects in the ground truth have no mask" in text for text in warnings(log))


def test_cocos_own_layout_calls_no_other_evaluator(validate, variant, tmp_path):
    """Ultralytics enables `save_json` for it, installs a package and evaluates again."""
    content = exported(validate, tmp_path)
    file = variant()
    root = file.parent / "coco"
    for kind in ("images", "labels"):
        shutil.copytree(file.parent / kind / "val", root / kind / "val2017")
    (root / "val2017.txt").write_text("".join(f"./images/val2017/{i}.png\n" for i in range(10)))
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(content))
    data = root / "coco.yaml"
    data.write_text(f"path: {root}\ntrain: val2017.txt\nval: val2017.txt\nnames: [blue, red, never there]\n")
    outcome = validate(data=data, coco_eval=CHOSEN).coco
    assert np.array_equal(outcome["bbox"].values, validate(coco_eval=CHOSEN).coco["bbox"].values, equal_nan=True)
    assert not (tmp_path / "run" / "predictions.json").exists()


@pytest.mark.parametrize(
    ("spoil", "extra", "message"),
    [
        (broken_labels, "", r"labels/val/0\.txt:1: 7 is outside 0\.\.1"),
        (lambda root: broken_labels(root, "7 0.5 0.5 0.1 0.1"), "", r"0\.txt:1: class 7 is not among"),
        (lambda root: broken_labels(root, "0 a 0.5 0.1 0.1"), "", r"0\.txt:1: 'a' is no number"),
        (lambda root: (root / "images/val/3.png").unlink(), "", r"1 label file without an image: 3\.txt"),
        (lambda root: None, "annotations: {val: gt.json}\n", r"gt\.json: no such file"),
        (
            lambda root: (root / "gt.json").write_text("{"),
            "annotations: {val: gt.json}\n",
            r"gt\.json:1:2: broken JSON",
        ),
        (lambda root: None, "annotations: {vl: gt.json}\n", "'vl' is no split .*did you mean 'val'"),
    ],
)
def test_wrong_ground_truth_is_told_before_the_model_runs(spoil, extra, message, validate, variant, monkeypatch):
    from ultralytics.models.yolo.detect import DetectionValidator

    data = variant(extra=extra)
    spoil(data.parent)
    monkeypatch.delattr(DetectionValidator, "postprocess")  # needed for predictions
    with pytest.raises(TintboxError, match=message):
        validate(data=data, coco_eval=CHOSEN)


def test_a_command_line_mistake_is_one_line(cli, detectors, variant):
    data = variant()
    broken_labels(data.parent)
    status, output = cli("val", f"model={detectors['detect']}", f"data={data}", "imgsz=64", "coco_eval=True")
    assert status == 1 and "Traceback" not in output
    assert output.strip().splitlines()[-1].startswith("yolo: ") and "is outside 0..1" in output


def test_models_and_datasets_that_do_not_fit(validate, variant, log):
    more = variant()
    text = more.read_text()
    more.write_text(text.replace("  2: never there\n", ""))
    with pytest.raises(TintboxError, match=r"the model has 3 classes \(blue, ...\), the dataset 2"):
        validate(data=more, coco_eval=CHOSEN)
    more.write_text(text.replace("2: never there", "2: other"))
    validate(data=more, coco_eval=CHOSEN)
    assert warnings(log) == [
        "coco_eval=True: class 2 is 'never there' for the model and 'other' in the dataset (1 of 3 differ); "
        "classes are taken by number, as in Ultralytics"
    ]
    more.write_text(text + "  3: green\n")
    assert validate(data=more, coco_eval=CHOSEN).coco["bbox"].names == ["blue", "red", "never there"]


# Real data ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_coco_pictures_and_a_yolo_model(shared_data, tmp_path):
    """The official ids, crowd regions and areas, on 30 images of val2017."""
    from ultralytics.data.converter import coco80_to_coco91_class

    weights = shared_data.parent / "weights" / "yolov8n-recon.pt"
    source = shared_data / "coco" / "val2017_subset"
    if not weights.is_file() or not source.is_dir():
        pytest.skip(f"needs {weights} and {source}")
    root = tmp_path / "coco"
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    (root / "images" / "val2017").symlink_to(source / "images" / "val2017")
    shutil.copytree(source / "labels" / "val2017", root / "labels" / "val2017")
    pictures = sorted((source / "images" / "val2017").iterdir())[::7]
    (root / "val2017.txt").write_text("".join(f"./images/val2017/{p.name}\n" for p in pictures))
    (root / "annotations").mkdir()
    shutil.copy(source / "instances_val2017_subset.json", root / "annotations" / "instances_val2017.json")
    yaml = (source / "val2017_subset.yaml").read_text().splitlines()
    lines = [line for line in yaml if not line.startswith(("path:", "train:", "val:"))]
    data = tmp_path / "coco" / "coco.yaml"
    data.write_text("\n".join([f"path: {root}", "train: val2017.txt", "val: val2017.txt", *lines]))

    model = YOLO(weights)
    settings = {"imgsz": 320, "plots": False, "device": "cpu", "project": str(tmp_path), "save_json": True}
    outcome = model.val(data=str(data), coco_eval={"resamples": 100}, name="run", **settings).coco
    assert outcome["bbox"].images == len(pictures)
    stats = pycocotools(tmp_path / "run", "bbox")
    assert np.abs(np.nan_to_num(outcome["bbox"].values, nan=-1) - stats).max() < 1e-9
    assert 0.2 < outcome["bbox"]["AP"] < 0.6 and outcome["bbox"]["AP_small"] < outcome["bbox"]["AP_large"]
    assert {c["id"] for c in outcome.predictions.truth.categories} == set(coco80_to_coco91_class())
    assert set(outcome.predictions.detections.category_id) <= set(coco80_to_coco91_class())
    assert any(a["iscrowd"] for a in outcome.predictions.truth.annotations)
    assert {i["id"] for i in outcome.predictions.truth.images} == {int(p.stem) for p in pictures}

    # The same from labels: no crowd regions, and areas of boxes; AP over all sizes is close.
    (root / "annotations" / "instances_val2017.json").unlink()
    labels = model.val(data=str(data), coco_eval={"resamples": 0}, name="labels", **settings).coco
    assert {c["id"] for c in labels.predictions.truth.categories} == set(coco80_to_coco91_class())
    assert abs(labels["bbox"]["AP"] - outcome["bbox"]["AP"]) < 0.02
    low, high = outcome["bbox"].intervals[0]
    assert low < outcome["bbox"]["AP"] < high
    assert np.array_equal(labels.predictions.detections.bbox, outcome.predictions.detections.bbox)
