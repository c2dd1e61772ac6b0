"""`tintbox coco-eval`, and the user errors that it and `tintbox compare` report in one line."""

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from ultralytics import YOLO

from tintbox.plugins.coco_eval.command import results_folder, steps
from tintbox.plugins.coco_eval.outcome import Predictions

from ...pictures import png
from .conftest import QUICK, files, values

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("task", ["detect", pytest.param("segment", marks=pytest.mark.slow)])
def test_a_model_and_then_its_files_give_the_same(task, tintbox, rectangles, detectors, tmp_path):
    model, data = f"model={detectors[task]}", f"data={rectangles[task]}"
    status, output, errors = tintbox("coco-eval", model, data, *QUICK, "out=a", "--save-json", "examples=1")
    assert status == 0, errors
    first = tmp_path / "here" / "a"
    assert output.splitlines()[-1] == str(first)
    names = {p.name for p in first.iterdir()}
    assert {"coco.json", "coco.csv", "annotations.json", "predictions.json", "image_ids.json"} <= names
    assert {"coco_pr.png", "worst"} <= names and len(list((first / "worst").iterdir())) == 1
    assert json.loads((first / "coco.json").read_text())["model"] == str(detectors[task])

    pictures = rectangles[task].parent / "images" / "val"
    arguments = (*files(first), "resamples=40", "out=b", "examples=1", f"images={pictures}")
    status, output, errors = tintbox("coco-eval", *arguments)
    assert status == 0, errors
    second = tmp_path / "here" / "b"
    assert output.splitlines()[-1] == "b" and "COCO evaluation of boxes: 10 images, 18 objects" in output
    for kind in ["bbox"] + ["segm"] * (task == "segment"):
        assert np.array_equal(values(first, kind), values(second, kind))
        assert values(first, kind)[1] > 0.4
    assert (first / "coco.csv").read_text() == (second / "coco.csv").read_text()
    drawn = [sorted(p.read_bytes() for p in (folder / "worst").iterdir()) for folder in (first, second)]
    assert drawn[0] == drawn[1], "the images are found, or they would be grey"
    if task == "segment":
        assert (second / "worst_segm").is_dir()


def test_files_from_anywhere(tintbox, written, tmp_path, log):
    """Without images, file names or sizes; without detections all numbers are zero; the next free folder is used."""
    truth = json.loads((written["detect"] / "annotations.json").read_text())
    truth["images"] = [{"id": image["id"]} for image in truth["images"]]
    truth["annotations"] = [{k: a[k] for k in ("image_id", "category_id", "bbox")} for a in truth["annotations"]]
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    rows = json.loads((written["detect"] / "predictions.json").read_text())
    (tmp_path / "p.json").write_text(json.dumps(rows))
    (tmp_path / "none.json").write_text("[]")
    given = f"annotations={tmp_path / 'gt.json'}"
    status, output, errors = tintbox("coco-eval", f"predictions={tmp_path / 'p.json'}", given, "resamples=40")
    assert status == 0, errors
    folder = tmp_path / "here" / output.splitlines()[-1]
    assert np.abs(values(folder) - values(written["detect"])).max() < 1e-9
    status, output, errors = tintbox(
        "coco-eval", f"predictions={tmp_path / 'none.json'}", given, "resamples=40", "examples=1"
    )
    assert status == 0 and any("10 of 10 images are not in" in text for _, text in log)
    empty = tmp_path / "here" / output.splitlines()[-1]
    assert empty != folder
    assert set(values(empty)) == {0, -1}
    assert len(list((empty / "worst").iterdir())) == 1


def test_files_in_a_folder_of_other_predictions(tintbox, pair, tmp_path):
    """Those of an earlier validation go; those that are evaluated, and those of other programs, stay."""
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        Predictions(*pair, {"a.jpg": 1}).save(folder)
    status, _, errors = tintbox("coco-eval", *files(own), "resamples=0", f"out={own}")
    assert status == 0, errors
    assert {"coco.json", "image_ids.json", "predictions.json"} <= {file.name for file in own.iterdir()}
    for left in (0, 2):
        status, _, errors = tintbox("coco-eval", *files(own), "resamples=0", f"out={other}")
        assert status == 0 and len(list(other.glob("[aip]*.json"))) == left, errors
        for name in ("annotations.json", "predictions.json"):
            (other / name).touch()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, names of files are UTF-8")
def test_names_that_are_not_utf8_are_saved_and_found_again(tintbox, detectors, variant, tmp_path, log):
    data = variant()
    for file in (*data.parent.glob("images/val/0.png"), *data.parent.glob("labels/val/0.txt")):
        file.rename(file.with_stem("0\udcff"))
    words = f"model={detectors['detect']}", f"data={data}", *QUICK
    status, _, errors = tintbox("coco-eval", *words, "out=a", "--save-json", "examples=10")
    assert status == 0, errors
    first, second = tmp_path / "here" / "a", tmp_path / "here" / "b"
    assert r"0\\udcff.png" in (first / "annotations.json").read_text()
    assert any(file.endswith("0\udcff.png") for file in json.loads((first / "image_ids.json").read_text()))
    words = *files(first), f"images={data.parent / 'images' / 'val'}", "resamples=40"
    status, _, errors = tintbox("coco-eval", *words, "out=b", "examples=10")
    assert status == 0 and not any("drawn grey" in text for _, text in log), errors
    drawn = [sorted(p.read_bytes() for p in (folder / "worst").iterdir()) for folder in (first, second)]
    assert drawn[0] == drawn[1] and np.array_equal(values(first), values(second))


@pytest.mark.parametrize("name", ["a\0.png", "a" * 300, "huge.png"])
def test_a_picture_that_cannot_be_read_is_drawn_grey(name, tintbox, written, tmp_path):
    truth = json.loads((written["detect"] / "annotations.json").read_text())
    for image in truth["images"]:
        image["file_name"] = name
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    (tmp_path / "none.json").write_text("[]")
    (tmp_path / "huge.png").write_bytes(png(40_000, 40_000))
    words = [f"predictions={tmp_path / 'none.json'}", f"annotations={tmp_path / 'gt.json'}", "resamples=0"]
    status, shown, errors = tintbox("coco-eval", *words, "examples=1", "out=x")
    assert status == 0 and "AP50" in shown, errors
    assert len(list((tmp_path / "here" / "x" / "worst").iterdir())) == 1


def test_an_object_without_a_mask_is_told(tintbox, written, tmp_path, log):
    """It costs the evaluation of all masks."""
    (tmp_path / "b").mkdir()
    for name in ("annotations", "predictions"):
        content = json.loads((written["segment"] / f"{name}.json").read_text())
        if name == "annotations":
            del content["annotations"][0]["segmentation"]
        (tmp_path / "b" / f"{name}.json").write_text(json.dumps(content))
    for words in (("coco-eval", *files(tmp_path / "b")), ("compare", str(tmp_path / "b"), str(tmp_path / "b"))):
        log.clear()
        status, output, errors = tintbox(*words, "resamples=0")
        assert status == 0, errors
        assert "boxes" in output and "masks" not in output
        assert any("1 of 18 objects in the ground truth have no mask, so boxes alone" in text for _, text in log)


@pytest.mark.attack("newcomer")
@pytest.mark.parametrize("exist_ok", [False, True])
def test_a_validation_that_is_refused_leaves_no_folder(exist_ok, variant, detectors, tmp_path):
    data = variant(extra="test: images/nothing\n")
    run = {"project": str(tmp_path / "runs"), "name": "val", "imgsz": 64, "coco_eval": True, "exist_ok": exist_ok}
    with pytest.raises(FileNotFoundError, match="images/nothing"):
        YOLO(detectors["detect"]).val(data=str(data), split="test", **run)
    assert (tmp_path / "runs" / "val").exists() == exist_ok, "with it, the folder may be one that was there"


def test_a_run_is_its_best_checkpoint_on_its_own_dataset(tintbox, rectangles, detectors, tmp_path):
    YOLO(detectors["detect"]).train(
        data=str(rectangles["detect"]), epochs=1, batch=8, imgsz=64, workers=0, plots=False, device="cpu", val=False,
        project=str(tmp_path), name="run", lr0=1e-4, optimizer="AdamW",
    )  # fmt: skip
    status, _, errors = tintbox("coco-eval", f"model={tmp_path / 'run'}", "resamples=40", "out=x", "split=train")
    assert status == 0, errors
    content = json.loads((tmp_path / "here" / "x" / "coco.json").read_text())
    assert (content["data"], content["split"], content["imgsz"]) == (str(rectangles["detect"]), "train", 64)
    assert content["bbox"]["images"] == 16


COMMANDS = {
    # Missing or superfluous arguments
    "coco-eval": "model= is missing, e.g. model=best.pt",
    "coco-eval data={data}": "model= is missing, e.g. model=best.pt",
    "coco-eval model={model}": "data= is missing, and {model} does not say what it was trained on",
    "coco-eval predictions={p}": "annotations= is missing, e.g. annotations=gt.json",
    "coco-eval annotations={gt}": "predictions= is missing, e.g. predictions=preds.json",
    "coco-eval model={model} predictions={p}": "give either model= and data=, or predictions= and annotations=",
    "coco-eval predictions={p} annotations={gt} imgsz=64": "imgsz= goes with model=, not with predictions=",
    "coco-eval predictions={p} annotations={gt} split=val": "split= goes with model=, not with predictions=",
    "coco-eval predictions={p} annotations={gt} --save-json": "save_json= goes with model=",
    "coco-eval model={model} data={data} images=a": "images= goes with predictions=",
    # Typos
    "coco-eval best.pt": "'best.pt' is no argument; write key=value, with keys model, data, ",
    "coco-eval model={model} data={data} resample=5": "'resample' is no argument here (model, ",
    "coco-eval model={model} data={data} resamples=-1": "resamples=-1: give a whole number from 0 to 10000",
    "coco-eval model={model} data={data} resamples=1e9": "resamples=1e9: give a whole number",
    "coco-eval model={model} data={data} level=95": "level=95: give a number between 0 and 1",
    "coco-eval model={model} data={data} seed=x": "seed=x: give a whole number",
    "coco-eval model={model} data={data} examples=many": "examples=many: give a whole number",
    "coco-eval model={model} data={data} imgsz=large": "imgsz=large: give a side in pixels",
    "coco-eval model={model} data={data} conf=7": "conf=7: give a number from 0 to 1",
    "coco-eval model={model} data={data} device=cuda:99": "cannot be validated (Invalid CUDA 'device=99' requested",
    # Missing files
    "coco-eval model={dir}/detec.pt data={data}": "detec.pt: no such file; did you mean 'detect.pt'?",
    "coco-eval model={dir}/detect.yaml data={data}": "is a model's YAML, without trained weights",
    "coco-eval model={model} data=rectangle.yaml": "'rectangle.yaml' does not exist",
    "coco-eval model={model} data={data} split=vall": "split=vall: no such split in {data} (train, val); did you mean",
    "coco-eval model={model} data={data} split=test": "split=test: no such split in {data} (train, val)",
    "coco-eval predictions={run}/prediction.json annotations={gt}": "no such file; did you mean 'predictions.json'?",
    "coco-eval predictions={p} annotations={run}": "{run}: cannot be read (a folder, no file)",
    "coco-eval predictions={p} annotations={gt} images=nowhere examples=2": "images=nowhere: no such folder",
    "coco-eval predictions=[ annotations={gt}": "[: no such file",
    # Unwritable outputs
    "coco-eval model={model} data={data} out={model}": "out={model}: cannot be written (File exists)",
    "coco-eval predictions={p} annotations={gt} out={model}/a": "out={model}/a: cannot be written (Not a directory)",
    # One file in place of the other
    "coco-eval predictions={gt} annotations={gt}": "is it the annotations?",
    "coco-eval predictions={p} annotations={p}": "is it the predictions?",
    "coco-eval predictions={p} annotations={model}": "broken JSON",
    # Comparisons
    "compare": "give two runs to compare, e.g. runs/detect/a runs/detect/b; here are 0",
    "compare {run}": "here are 1",
    "compare {run} data={data}": "here are 1",
    "compare {run} {run} {run}": "here are 3",
    "compare {run} {dir}/detec.pt": "detec.pt: no such run or checkpoint; did you mean 'detect.pt'?",
    "compare {dir} {run}": "{dir}: no weights/best.pt in it, nor annotations.json with predictions.json",
    "compare {run} {dir}": "{dir}: no weights/best.pt in it, nor annotations.json with predictions.json",
    "compare {p} {p}": "{p}: JSON, no model; coco-eval takes it as predictions= beside annotations=, compare a folder",
    "coco-eval model={p} data={data}": "{p}: JSON, no model; coco-eval takes it as predictions= beside annotations=",
    "compare {text} {text} data={data}": "model={text}: cannot be loaded (model='{text}' is not a supported model",
    "compare {model} {run}": "{run}: annotations.json and predictions.json without weights/best.pt",
    "compare {run} {run} imgsz=64": "{run}: annotations.json and predictions.json without weights/best.pt",
    "compare {run} {run} level=2": "level=2: give a number between 0 and 1",
    "compare {run} {run} examples=2": "'examples' is no argument here",
    "compare {model} {seg}": "detect is a detect model, segment a segment model",
    "compare {model} {model}": "data= is missing",
    "compare {model} {model} data={data} split=test": "split=test: no such split",
    "compare {run} {run} out={model}": "out={model}: cannot be written (File exists)",
    "compare {model} {model} data={data} out={model}": "out={model}: cannot be written (File exists)",
    "compare {moved} {moved}": "{moved} was trained on it: say where it is now, by data=",
    "coco-eval model={moved}": "data=gone.yaml: 'gone.yaml' does not exist; {moved} was trained on it",
    "coco-eval model={moved} data=gone.yaml": "'gone.yaml' does not exist",
    "compare {model} {named} data={data}": "detect has blue, red, never there; named has blue, red, green",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistake_is_one_line(command, tintbox, rectangles, detectors, written, tmp_path):
    places = {
        "model": detectors["detect"], "seg": detectors["segment"], "dir": detectors["detect"].parent,
        "data": rectangles["detect"], "run": written["detect"], "p": written["detect"] / "predictions.json",
        "gt": written["detect"] / "annotations.json", "named": tmp_path / "named.pt",
        "text": tmp_path / "a.txt", "moved": tmp_path / "moved.pt",
    }  # fmt: skip
    places["text"].touch()
    if "{named}" in command:
        other = YOLO(detectors["detect"])
        other.model.names = {0: "blue", 1: "red", 2: "green"}
        other.save(places["named"])
    if "{moved}" in command:
        other = YOLO(detectors["detect"])
        other.ckpt["train_args"] = {"data": "gone.yaml"}
        other.save(places["moved"])
    status, _, errors = tintbox(*command.format(**places).split())
    lines = [line for line in errors.splitlines() if line.startswith("tintbox: ")]
    assert status == 1 and len(lines) == 1, errors
    assert errors.splitlines()[-1] == lines[0] and "Traceback" not in errors
    assert COMMANDS[command].format(**places) in lines[0]


@pytest.mark.attack("newcomer")
@pytest.mark.parametrize("words", ["coco-eval model={model} data={data}", "compare {model} {model} data={data}"])
def test_a_plugin_that_is_off_says_so(words, tintbox, detectors, rectangles, monkeypatch):
    monkeypatch.setenv("TINTBOX_DISABLE", "1")
    status, _, errors = tintbox(*words.format(model=detectors["detect"], data=rectangles["detect"]).split())
    monkeypatch.undo()
    assert status == 1 and "the plugin is off, TINTBOX_DISABLE=1" in errors and len(errors.splitlines()) == 1


def test_files_are_evaluated_where_the_plugin_is_off(synthetic, tintbox, tmp_path, monkeypatch):
    truth, detections = synthetic.case(1, images=6)
    truth.save(tmp_path / "gt.json")
    detections.save(tmp_path / "dt.json")
    monkeypatch.setenv("TINTBOX_DISABLE", "1")
    words = [f"predictions={tmp_path / 'dt.json'}", f"annotations={tmp_path / 'gt.json'}", "resamples=0"]
    status, shown, errors = tintbox("coco-eval", *words)
    monkeypatch.undo()
    assert status == 0, errors
    assert "AP50" in shown


@pytest.mark.attack("newcomer")
def test_a_colouriser_is_offered_what_is_evaluated(tintbox, trained, rectangles):
    status, _, errors = tintbox("coco-eval", f"model={trained / 'weights' / 'best.pt'}", f"data={rectangles['detect']}")
    assert status == 1 and errors.splitlines()[-1].endswith("which has no boxes; give one of detect, segment")


class Terminal(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self):
        return True


def test_no_two_evaluations_have_the_same_next_folder(tmp_path):
    together = Barrier(8)

    def take(_):
        together.wait()
        with results_folder(None, str(tmp_path / "runs" / "x")) as folder:
            return folder.name

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(take, range(40)))
    assert sorted(names) == sorted(["x", *(f"x-{i}" for i in range(2, 41))])


def test_a_failed_evaluation_leaves_no_folder_of_its_own(tmp_path):
    (tmp_path / "runs" / "x").mkdir(parents=True)
    for out, default in ((None, "runs/x"), (None, "new/x"), (tmp_path / "new" / "y", "")):
        with pytest.raises(KeyError), results_folder(out, str(tmp_path / default)) as folder:
            assert folder.is_dir()
            raise KeyError
    assert [p.name for p in tmp_path.rglob("*")] == ["runs", "x"]


def test_the_results_folder_may_be_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # on Windows
    with results_folder("~/results", "") as folder:
        assert folder == tmp_path / "results"


def test_nothing_is_shown_where_nobody_looks(capsys):
    with steps(2) as begin:
        begin("one")
        begin("two")
    assert capsys.readouterr() == ("", "")


def test_steps_are_shown_and_go_again(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with steps(2) as begin:
        begin("reading [the truth] \x1b[41m")
        begin("matching")
    shown = terminal.getvalue()
    assert "matching" in shown and "1/2" in shown and "\x1b[41m" not in shown
    assert shown.rstrip().endswith("\x1b[2K") or "\x1b[1A" in shown, "the bar is taken away"


def test_an_error_goes_through(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(ValueError, match="mine"), steps(1) as begin:
        begin("one")
        raise ValueError("mine")
