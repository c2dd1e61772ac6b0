"""Paired differences of runs that kept truth and predictions."""

import json

import numpy as np
import pytest

from tintbox.plugins.coco_eval.data.run_lengths import encode
from tintbox.reports import pairs
from tintbox.reports.entries import gather


def entries(*folders):
    (found,), _ = gather([str(folder) for folder in folders])
    return found.entries


def test_one_run_is_no_pair(detector):
    assert pairs.evaluate_again(entries(detector), "bbox") == {}
    assert pairs.evaluate_again([], "bbox") == {}


def test_a_run_is_equal_to_its_copy_and_no_pair_of_itself(detector, copy):
    found = entries(detector, copy(detector, "other"))
    again = pairs.evaluate_again(found, "bbox")
    assert list(again) == [0, 1] and again[0].settings.resamples == 100 and again[0].errors is None
    assert pairs.difference(again, *found)["AP"] == 0
    assert pairs.difference(again, found[0], found[0]) is None
    assert pairs.difference({0: again[0]}, *found) is None
    assert pairs.evaluate_again(found, "segm") == {}


def test_a_run_without_masks_is_left_out_of_their_comparison(detector, copy):
    """A COCO JSON without a mask in its predictions, which another program may have written."""
    folders = [copy(detector, name) for name in "abc"]
    for folder in folders:
        content = json.loads((folder / "coco.json").read_text())
        (folder / "coco.json").write_text(json.dumps({**content, "segm": content["bbox"]}))
        truth, rows = (json.loads((folder / f"{name}.json").read_text()) for name in ("annotations", "predictions"))
        image = truth["images"][0]
        (mask,) = encode(np.ones((1, image["height"], image["width"]), bool))
        for row in [*truth["annotations"], *(rows if folder.name != "b" else ())]:
            row["segmentation"] = mask
        for name, content in (("annotations", truth), ("predictions", rows)):
            (folder / f"{name}.json").write_text(json.dumps(content))
    assert list(pairs.evaluate_again(entries(*folders), "segm")) == [0, 2]


@pytest.mark.parametrize("spoil", ["lost", "torn", "other", "large", "many"])
def test_what_was_not_kept_or_does_not_fit_is_left_out(detector, copy, monkeypatch, spoil):
    other, third = copy(detector, "other"), copy(detector, "third")
    file = other / "annotations.json"
    if spoil == "lost":
        (other / "predictions.json").unlink()
    elif spoil == "torn":
        file.write_text(file.read_text()[:99])
    elif spoil == "other":
        content = json.loads(file.read_text())
        content["annotations"][0]["area"] += 1
        file.write_text(json.dumps(content))
    found = entries(detector, other, third)
    if spoil == "large":
        monkeypatch.setattr(pairs.limits, "PREDICTIONS_BYTES", 10)
    if spoil == "many":
        monkeypatch.setattr(pairs, "MOST_IMAGES", 5)
    assert list(pairs.evaluate_again(found, "bbox")) == ([] if spoil in ("large", "many") else [0, 2])
