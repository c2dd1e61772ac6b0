"""Pictures of a dataset with their labelled boxes."""

import cv2
import numpy as np
import pytest

from tintbox.datasets.reading.description import describe
from tintbox.errors import TintboxError
from tintbox.reports.boxes import choose, read_truth


def test_truth_is_read_as_it_is_labelled(three_squares):
    truth, classes, left_out = read_truth(describe(three_squares), "val")
    assert classes == ["red", "green"] and left_out == []
    assert len(truth) == 3  # the fourth picture has no label
    for path, boxes in truth.items():
        i = int(path[-5])
        assert boxes.names == ["red", "green"] and boxes.scores is None
        assert np.allclose(boxes.corners, [(8, 8, 32, 24), (48, 32, 60 + 6 * i, 56)], atol=1e-3)


def test_truth_of_polygons_and_keypoints(three_squares, tmp_path):
    for name, label, extra in (
        ("polygons", "1 0.25 0.25 0.75 0.25 0.5 0.75\n", ""),
        ("keypoints", "1 0.5 0.5 0.5 0.5 0.3 0.3 2 0.6 0.6 2\n", "kpt_shape: [2, 3]\n"),
    ):
        root = tmp_path / name
        for kind in ("images", "labels"):
            (root / kind).mkdir(parents=True)
        cv2.imwrite(str(root / "images" / "a.png"), np.zeros((64, 96, 3), np.uint8))
        (root / "labels" / "a.txt").write_text(label)
        file = root / "data.yaml"
        file.write_text(f"path: {root}\ntrain: images\nval: images\nnames: {{0: red, 1: green}}\n{extra}")
        ((_, boxes),) = read_truth(describe(file), "val")[0].items()
        assert boxes.names == ["green"]
        assert np.allclose(boxes.corners, [(24, 16, 72, 48)], atol=1e-3)


def test_choice_of_pictures(three_squares):
    truth, _, _ = read_truth(describe(three_squares), "val")
    drawn = [tuple(choose(truth, 2, seed, None, "val")) for seed in range(20)]
    assert drawn == [tuple(choose(truth, 2, seed, None, "val")) for seed in range(20)]
    assert len(set(drawn)) == 6  # all ordered pairs of three
    assert [p[-11:] for p in choose(truth, 1, 0, ["square2", "square0.png"], "val")] == ["square2.png", "square0.png"]
    assert [p[-11:] for p in choose(truth, 1, 0, "square1", "val")] == ["square1.png"]


def test_pictures_are_left_as_they_are(tmp_path):
    """Ultralytics' own label reader rewrites a truncated JPEG, and leaves a cache next to the labels."""
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    whole = cv2.imencode(".jpg", np.full((64, 96, 3), 90, np.uint8))[1].tobytes()
    cut, faulty = tmp_path / "images" / "cut.jpg", tmp_path / "images" / "faulty.jpg"
    cut.write_bytes(whole[:-2])
    faulty.write_bytes(whole)
    (tmp_path / "labels" / "cut.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (tmp_path / "labels" / "faulty.txt").write_text("7 0.5 0.5 0.25 0.5\n")
    file = tmp_path / "data.yaml"
    file.write_text(f"path: {tmp_path}\ntrain: images\nval: images\nnames: {{0: red}}\n")
    truth, _, left_out = read_truth(describe(file), "val")
    assert list(truth) == [str(cut)] and np.allclose(truth[str(cut)].corners, [(36, 16, 60, 48)])
    assert len(left_out) == 1 and "faulty.txt:1: class 7 is not among" in left_out[0]
    assert cut.read_bytes() == whole[:-2]
    assert {p.name for p in (tmp_path / "labels").iterdir()} == {"cut.txt", "faulty.txt"}


def test_datasets_that_make_no_sense_are_one_line(tmp_path):
    file = tmp_path / "a.yaml"
    for content in ("", "- 1\n", "train: [\n", "train: 3\nval: 4\nnames: [a]\n", "names: [a]\n"):
        file.write_text(content)
        with pytest.raises(TintboxError) as caught:
            describe(file, download=False)
        assert "a.yaml" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(TintboxError, match=r"b\.yaml' does not exist; did you mean 'a.yaml'"):
        describe(tmp_path / "b.yaml", download=False)


def test_chance_goes_by_the_seed_and_names_by_their_order():
    truth = {f"/x/{i}.png": None for i in range(9)}
    one, two, other = (choose(truth, 4, seed, None, "val") for seed in (1, 1, 2))
    assert one == two != other and len(set(one)) == 4
    assert choose(truth, 9, 0, None, "val") != sorted(truth) == sorted(choose(truth, 9, 0, None, "val"))
    assert choose(truth, 1, 0, [8, "3.png"], "val") == ["/x/8.png", "/x/3.png"]
    assert choose(truth, 1, 0, "5", "val") == ["/x/5.png"]
