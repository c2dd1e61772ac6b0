"""Faulty datasets and files: `tintbox coco-eval` and `compare` report each in one line."""

import json
import shutil

import pytest

from .conftest import QUICK, files

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.attack("coco-eval inputs")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("names: {{0: a, 2: b}}", "requires class indices 0-1"),
        ("names: {{0: a, x: b}}", "data="),
        ("names: [[1], {{}}]", "cannot be validated"),
        ("names: 3", "data="),
        ("nc: -1", "data="),
        ("names: []", "data="),
        ("names: {{}}\nval: 5", "data="),
        ("names: [a\nval: {{", ": no YAML ("),
    ],
)
def test_data_sets_with_faults(text, told, tintbox, detectors, tmp_path):
    data = tmp_path / "bad.yaml"
    (tmp_path / "images").mkdir()
    data.write_text(f"path: {tmp_path}\ntrain: images\nval: images\n{text.format()}\n")
    status, _, errors = tintbox("coco-eval", f"model={detectors['detect']}", f"data={data}", *QUICK)
    lines = [line for line in errors.splitlines() if line.startswith("tintbox: ")]
    assert status == 1 and len(lines) == 1 and "Traceback" not in errors, errors
    assert told in lines[0]


@pytest.mark.attack("coco-eval inputs")
def test_a_size_beyond_the_memory_blames_no_file(tintbox, detectors, rectangles):
    words = (f"model={detectors['detect']}", f"data={rectangles['detect']}", "device=cpu")
    status, _, errors = tintbox("coco-eval", *words, "imgsz=1000000")
    assert status == 1 and "imgsz=1000000: one image takes 11,175 GiB, this machine has" in errors


def change(rows, **fields):
    """Set fields of the first row."""
    rows[0].update(fields)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("predictions", lambda rows: change(rows, image_id=777), "unknown image_id 777 (1 of"),
        ("predictions", lambda rows: [change([row], image_id=9 + i) for i, row in enumerate(rows)],
         "unknown image_id 10, 11, 12, 13, 14 and"),
        ("predictions", lambda rows: change(rows, category_id=77), "unknown category_id 77 (1 of"),
        ("predictions", lambda rows: change(rows, score=1.5), "[0] has score 1.5, outside 0..1"),
        ("predictions", lambda rows: change(rows, score=float("nan")), "[0] has score nan, outside 0..1"),
        ("predictions", lambda rows: change(rows, bbox=[0, 0, float("nan"), 1]), "[0] has bbox [0, 0, nan, 1]"),
        ("predictions", lambda rows: change(rows, bbox=[0, 0, None, 1]), "[0] has bbox [0, 0, None, 1]"),
        ("predictions", lambda rows: rows[0].pop("score"), "[0] has no 'score'"),
        ("annotations", lambda truth: change(truth["images"], id=3), "images share ids: id 3 (1 in all)"),
        ("annotations", lambda truth: truth.pop("images"), "no images in it"),
        ("annotations", lambda truth: change(truth["annotations"], bbox=[0, 0, 4, -1]), "annotations[0] has bbox"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["coco-eval", "compare"])
def test_bad_files_are_told_in_one_line(command, name, spoil, message, tintbox, written, tmp_path):
    folder = shutil.copytree(written["detect"], tmp_path / "bad")
    file = folder / f"{name}.json"
    content = json.loads(file.read_text())
    spoil(content)
    file.write_text(json.dumps(content))
    status, _, errors = tintbox(command, *(files(folder) if command == "coco-eval" else (written["detect"], folder)))
    assert status == 1 and len(errors.splitlines()) == 1
    assert errors.startswith(f"tintbox: {file}") and message in errors
    assert not any((tmp_path / "here").iterdir()), "nothing was written"


@pytest.mark.parametrize("name", ["predictions", "annotations"])
def test_broken_json_is_told_with_its_place(name, tintbox, written, tmp_path):
    folder = shutil.copytree(written["detect"], tmp_path / "bad")
    (folder / f"{name}.json").write_text('[\n {"image_id": 1,,\n')
    status, _, errors = tintbox("coco-eval", *files(folder))
    assert status == 1 and errors.startswith(f"tintbox: {folder / name}.json:2:17: broken JSON")
