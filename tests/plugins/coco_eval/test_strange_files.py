"""Untrusted files: whatever they contain, an evaluation succeeds or fails with one line, and does not modify them."""

import json
import shutil
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import output, tables
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate, iou_types
from tintbox.plugins.coco_eval.settings import Settings

pytestmark = pytest.mark.attack("coco-eval inputs")

STEADY = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HUGE, DEEP = "@6000 digits@", "@900 brackets@"  # placeholders for what Python itself does not write
SECONDS = 10

RLE = {"size": [20, 30], "counts": [10, 5, 585]}
IMAGES = [{"id": i, "file_name": f"{i}.png", "width": 30, "height": 20} for i in (1, 2, 3)]
CATEGORIES = [{"id": 5, "name": "cat"}, {"id": 9, "name": "dog"}]
PLACES = [(1, 5, [2, 3, 8, 9]), (1, 9, [10, 2, 15, 10]), (2, 5, [0, 0, 20, 15])]


def truth_json(masks):
    rows = [
        {"id": i, "image_id": image, "category_id": label, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for i, (image, label, box) in enumerate(PLACES, start=1)
    ]
    if masks:
        for row, segmentation in zip(rows, ([[2, 3, 10, 3, 10, 12]], RLE, [[0, 0, 20, 0, 20, 15, 0, 15]])):
            row["segmentation"] = segmentation
    return {"images": IMAGES, "annotations": rows, "categories": CATEGORIES}


def detections_json(masks):
    rows = [
        {"image_id": image, "category_id": label, "bbox": [x + 1, y, w, h], "score": 0.5}
        for image, label, (x, y, w, h) in [*PLACES, (3, 9, [1, 1, 3, 3])]
    ]
    for row in rows if masks else ():
        row["segmentation"] = RLE
    return rows


def places(value, path=()):
    """The path of every value in JSON content."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in places(child, (*path, key)))]


def put(content, path, value):
    """Content with another value at a path, or without it for Ellipsis; unchanged if the path does not exist."""
    if not path:
        return content if value is ... else value
    key, *rest = path
    if not isinstance(content, (dict, list)) or (
        key not in content if isinstance(content, dict) else key >= len(content)
    ):
        return content
    copy = content.copy()
    if rest:
        copy[key] = put(content[key], rest, value)
    elif value is ...:
        del copy[key]
    else:
        copy[key] = value
    return copy


NUMBERS = st.sampled_from(
    [0, -1, 1, 2, 1.5, -0.0, 1e308, -1e308, 1e-320, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**400,
     float("nan"), float("inf"), float("-inf"), HUGE]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["", "a", "\ud800", "\x1b[2J\x00\n", "$x^", "../../x", "/dev/zero", "x" * 300, "é…─", "0", "nan"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.integers() | st.floats() | TEXTS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(TEXTS | st.sampled_from(["id", "size", "counts", "bbox"]), inner, max_size=4)
    ),
    max_leaves=8,
)
EXTREME = VALUES | st.just(DEEP) | st.just(...) | st.lists(NUMBERS, min_size=4, max_size=4)


def written(content):
    """JSON content as bytes."""
    text = json.dumps(content).replace(json.dumps(HUGE), "7" * 6000)
    return text.replace(json.dumps(DEEP), "[" * 900 + "]" * 900).encode()


@st.composite
def spoilt(draw):
    """Truth and predictions as bytes, with some fields changed or the bytes corrupted."""
    masks = draw(st.booleans())
    contents = [truth_json(masks), detections_json(masks)]
    for _ in range(draw(st.integers(1, 3))):
        which = draw(st.integers(0, 1))
        path = draw(st.sampled_from(places(contents[which])))
        contents[which] = put(contents[which], path, draw(EXTREME))
    raw = [written(content) for content in contents]
    if draw(st.integers(0, 4)) == 0:
        which = draw(st.integers(0, 1))
        start = draw(st.integers(0, len(raw[which])))
        end = draw(st.integers(start, len(raw[which])))
        raw[which] = raw[which][:start] + draw(st.binary(max_size=6)) + raw[which][end:]
    return raw


def judged(raw, folder):
    """Evaluate two files like `tintbox coco-eval`, but without plots; return the error message, or None."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    files = folder / "gt.json", folder / "dt.json"
    for file, content in zip(files, raw):
        file.write_bytes(content)
    begin = time.monotonic()
    try:
        truth = Truth.read(files[0])
        detections = Detections.read(files[1], truth)
        chosen = Settings(resamples=5)
        found = {kind: evaluate(truth, detections, kind, chosen) for kind in iou_types(truth, detections)}
        output.save(folder / "out", found, {}, pictures=False)
        tables.text(found).encode()
        assert json.loads((folder / "out" / "coco.json").read_text())["bbox"]["metrics"].keys() == set(output.KEYS)
    except TintboxError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 1000
        return str(error)
    finally:
        assert time.monotonic() - begin < SECONDS
        assert [file.read_bytes() for file in files] == list(raw)
    return None


def test_what_is_spoilt_here_is_good_as_it_is(tmp_path):
    for masks in (False, True):
        assert judged([written(truth_json(masks)), written(detections_json(masks))], tmp_path / "x") is None


@settings(STEADY, max_examples=300)
@given(raw=spoilt())
def test_any_value_anywhere(raw, tmp_path):
    judged(raw, tmp_path / "x")
