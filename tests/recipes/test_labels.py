"""Label rows and their faults."""

import cv2
import numpy as np
import pytest
from ultralytics.data.utils import verify_image_label

from tintbox import label_rows
from tintbox.recipes import labels


@pytest.fixture
def read(tmp_path):
    def run(*contents, classes=2, keypoints=0):
        files = []
        for i, content in enumerate(contents):
            files.append(str(tmp_path / f"{i}.txt"))
            if content is not None:
                (tmp_path / f"{i}.txt").write_text(content)
        return labels.read(files, classes, keypoints)

    return run


def test_boxes_polygons_and_backgrounds(read):
    found = read("0 .5 .5 .2 .4\n", "1 .1 .2 .3 .2 .3 .6 .1 .6\n\n", "", None)
    assert found.classes.tolist() == [0, 1]
    assert found.pictures.tolist() == [0, 1]
    np.testing.assert_allclose(found.boxes, [[0.5, 0.5, 0.2, 0.4], [0.2, 0.4, 0.2, 0.4]])
    assert (found.empty, found.unlabelled, found.faults) == (1, 1, {})
    assert found.counts(3).tolist() == [1, 1, 0]


def test_a_pose_counts_by_its_box(read):
    found = read("0 .5 .5 .2 .4 .5 .5 2 .4 .4 1\n", keypoints=6)
    np.testing.assert_allclose(found.boxes, [[0.5, 0.5, 0.2, 0.4]])


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("0 .5 .5 .2", labels.NUMBERS),
        ("0 .5 .5 .2 wide", labels.NUMBERS),
        ("0 .5 .5 .2 nan", labels.NUMBERS),
        ("0 .5 .5 .2 .2 .9", labels.NUMBERS),
        ("0.5 .5 .5 .2 .2", labels.NUMBERS),
        ("2 .5 .5 .2 .2", labels.CLASS),
        ("-1 .5 .5 .2 .2", labels.CLASS),
        ("0 .5 1.2 .2 .2", labels.OUTSIDE),
        ("0 .5 .5 -.005 .2", labels.NEGATIVE),
        ("0 .5 .5 .2 0", labels.EMPTY),
        ("0 1 .5 1 .2", labels.BEYOND),
        ("1 .3 .3 .1 .1", labels.TWICE),
        ("1 .3 .3 .1 .102", labels.NEARLY),
    ],
)
def test_faults_are_named_by_their_line(read, tmp_path, row, fault):
    found = read(f"1 .3 .3 .1 .1\n{row}\n")
    assert found.faults == {fault: [f"{tmp_path / '0.txt'}:2"]}
    kept = 1 if fault == labels.TWICE else 2
    skipped = labels.FAULTS[fault] == labels.SKIPS
    assert len(found.classes) == (0 if skipped else kept) and found.skipped == ({0} if skipped else set())


def test_a_box_that_reaches_out_of_the_image_is_cut(read):
    np.testing.assert_allclose(read("0 1 .5 1 .2\n").boxes, [[0.75, 0.5, 0.5, 0.2]], rtol=1e-6)


def test_the_labels_of_an_image_that_is_skipped_anyway_do_not_count(tmp_path):
    (tmp_path / "0.txt").write_text("0 .5 .5 .2 .2\n")
    found = labels.read([None, str(tmp_path / "0.txt"), None], 1)
    assert found.pictures.tolist() == [1] and found.unlabelled == 0


def test_a_row_that_is_there_twice_is_that_whatever_it_almost_equals(read):
    """Ultralytics takes it once; the third row almost equals the first and equals the second, the fourth them all."""
    found = read("0 .5 .5 .2 .2\n0 .5 .5 .2 .202\n0 .5 .5 .2 .202\n0 .5 .5 .2 .204\n")
    assert {wrong: [place[-1] for place in places] for wrong, places in found.faults.items()} == {
        labels.NEARLY: ["2", "4"],
        labels.TWICE: ["3"],
    }
    assert len(found.classes) == 3


def test_polygons_in_one_box_are_compared_by_their_outlines(read):
    """Two halves of a square and a square are three objects; the square with a cut corner is the square again."""
    half, square = "0 .1 .1 .5 .1 .5 .5 .1 .5\n", "0 .1 .1 .5 .1 .1 .5\n"
    other = "0 .5 .1 .5 .5 .1 .5\n"
    found = read(half + square + other)
    assert found.faults == {} and len(found.classes) == 3
    found = read(half + "0 .1 .1 .5 .1 .5 .48 .48 .5 .1 .5\n" + half)
    assert {wrong: [place[-1] for place in places] for wrong, places in found.faults.items()} == {
        labels.NEARLY: ["2"],
        labels.TWICE: ["3"],
    }


def test_boxes_and_polygons_in_one_file(read, tmp_path):
    """Ultralytics skips such an image, but for poses, whose labels it cuts to their boxes."""
    rows = "0 .5 .5 .2 .2\n1 .1 .2 .3 .2 .3 .6 .1 .6\n"
    found = read(rows, "0 .5 .5 .2 .2\n")
    assert found.faults == {labels.MIXED: [f"{tmp_path / '0.txt'}:1"]} and found.skipped == {0}
    assert found.pictures.tolist() == [1] and found.classes.tolist() == [0]
    assert read("0 .5 .5 .2 .2\n0 .5 .5 .3 .4 .5 .5 2 .4 .4 1\n", keypoints=6).faults == {}


@pytest.mark.parametrize("polygons", [False, True])
def test_what_is_kept_is_what_ultralytics_keeps(tmp_path, polygons):
    """Random files with every fault: the same images are skipped, and of the others the same rows are left."""
    rng = np.random.default_rng(0)
    picture, file = str(tmp_path / "a.png"), tmp_path / "a.txt"
    cv2.imwrite(picture, np.zeros((32, 32, 3), np.uint8))
    usual = ["0 .1 .1 .5 .1 .5 .5", "1 .1 .1 .5 .1 .5 .5 .1 .5"] if polygons else ["0 .5 .5 .2 .2", "1 .2 .4 .1 .3"]
    odd = [
        "0 .5 .5",
        "0",
        "0 .5 .5 .2",
        "0 .5 .5 .2 .2",
        "0 .1 .1 .5 .1 .5 .5",
        "0 .1 .1 .5 .1 .5 .5 .1",
        "x .5 .5 .2 .2",
    ]
    odd += ["0 .5 .5 .2 nan", "0 .5 .5 -inf .2", "0 .5 .5 1e30 .2", "1.0 .5 .5 .2 .2", "0.99999999 .5 .5 .2 .2"]
    odd += ["0.5 .5 .5 .2 .2", "2 .5 .5 .2 .2", "-1 .5 .5 .2 .2", "-0.005 .5 .5 .2 .2", "0 1.01 .5 .2 .2"]
    odd += [
        "0 1.011 .5 .2 .2",
        "0 -.01 .5 .2 .2",
        "0 -.011 .5 .2 .2",
        "0 .5 .5 -.005 .2",
        "0 .5 .5 0 .2",
        "0 1 .5 1 .2",
    ]
    odd += [
        "0 .50000000001 .5 .2 .2",
        "0 .1 .1 1.2 .1 1.2 .5",
        "0 -.2 .1 .5 .1 .5 .5",
        "-0.0 .5 .5 .2 .2",
        "0,.5,.5,.2,.2",
    ]
    skipped = 0
    for _ in range(400):
        rows = rng.choice(usual, rng.integers(0, 4)).tolist() + rng.choice(odd, rng.integers(0, 2)).tolist()
        file.write_text("\n".join(rng.permutation(rows)))
        stock = verify_image_label((picture, str(file), "", False, 2, 0, 0, False))
        found = labels.read([str(file)], 2)
        assert bool(found.skipped) == (stock[0] is None), rows
        expected = [] if stock[0] is None else stock[1][:, 0].tolist()
        assert sorted(found.classes.tolist()) == sorted(expected), rows
        assert (found.empty, found.unlabelled) == (stock[7], stock[5])
        skipped += bool(found.skipped)
    assert 50 < skipped < 350


@pytest.mark.parametrize("pose", [False, True])
@pytest.mark.parametrize("dims", [2, 3])
def test_poses_that_are_kept_are_those_that_ultralytics_keeps(tmp_path, pose, dims):
    """By a model for poses, which needs keypoints in every row, and by one for boxes, which drops them."""
    rng = np.random.default_rng(0)
    picture, file = str(tmp_path / "a.png"), tmp_path / "a.txt"
    cv2.imwrite(picture, np.zeros((32, 32, 3), np.uint8))
    seen = " 2" * (dims - 2)
    usual = [f"0 .5 .5 .2 .2 .5 .5{seen} .4 .4{seen}", f"1 .5 .5 .2 .2 .5 .5{seen} 0 0{seen}"]
    odd = ["0 .5 .5 .2 .2", "0 .5 .5 .2 .2 .5 .5", f"0 .5 .5 .2 .2 .5 .5{seen} 1.1 .4{seen}", "0 .1 .1 .2 .1 .2 .2"]
    odd += [f"0 .5 .5 .2 .2 -.005 .5{seen} .5 .4{seen}", f"0 .5 .5 .2 .2 -.1 .5{seen} .5 .4{seen}"]
    odd += [f"0 1.2 .5 .2 .2 .5 .5{seen} .5 .4{seen}", f"0 .5 .5 -.005 .2 .5 .5{seen} .5 .4{seen}"]
    odd += [f"2 .5 .5 .2 .2 .5 .5{seen} .5 .4{seen}", f"0 .5 .5 .2 .2 nan .5{seen} .5 .4{seen}"]
    skipped = 0
    for _ in range(200):
        rows = rng.choice(usual, rng.integers(0, 4)).tolist() + rng.choice(odd, rng.integers(0, 2)).tolist()
        file.write_text("\n".join(rng.permutation(rows)))
        stock = verify_image_label((picture, str(file), "", pose, 2, 2, dims, False))
        found = labels.read([str(file)], 2, 2 * dims, dims if pose else 0)
        assert bool(found.skipped) == (stock[0] is None), rows
        expected = [] if stock[0] is None else stock[1][:, 0].tolist()
        assert sorted(found.classes.tolist()) == sorted(expected), rows
        skipped += bool(found.skipped)
    assert 25 < skipped < 175


def test_no_text_at_all(read, tmp_path):
    (tmp_path / "0.txt").write_bytes(b"\xff\xfe\x00")
    found = labels.read([str(tmp_path / "0.txt")], 2)
    assert found.faults == {labels.NUMBERS: [str(tmp_path / "0.txt")]}
    assert found.boxes.shape == (0, 4) and found.skipped == {0}


def test_a_file_that_is_too_large_to_check_is_no_fault_of_its_rows(read, tmp_path, monkeypatch):
    """Ultralytics has no such limit, and trains on the image."""
    monkeypatch.setattr(label_rows, "LABEL_BYTES", 40)
    found = read("0 .5 .5 .2 .2\n" * 3, "1 .5 .5 .2 .2\n")
    assert found.faults == {labels.LARGE: [str(tmp_path / "0.txt")]}
    assert found.classes.tolist() == [1] and not found.skipped


def test_boxes_at_a_border(read):
    found = read("0 .1 .5 .2 .2\n0 .5 .5 .2 .2\n0 .5 .9 .2 .2\n")
    assert found.at_border.tolist() == [True, False, True]


def test_near_boxes_are_those_of_torchvisions_iou():
    """Each box but the first of an image and class that overlaps one before it."""
    import torch
    from torchvision.ops import box_iou

    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.uniform(0.3, 0.7, (40, 2)), rng.uniform(0.2, 0.4, (40, 2))], axis=1)
    boxes = np.concatenate([boxes, boxes * rng.uniform(0.95, 1.05, boxes.shape)])
    keys = rng.integers(0, 3, len(boxes))
    corners = torch.tensor(np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1))
    near = (box_iou(corners, corners).numpy() > labels.SAME) & (keys[:, None] == keys)
    expected = [i for i in range(len(boxes)) if near[i, :i].any()]
    assert expected and labels.find_near(boxes, keys, [None] * len(boxes)) == expected
