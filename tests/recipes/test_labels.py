"""Label rows and their faults."""

import numpy as np
import pytest

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
        ("0.5 .5 .5 .2 .2", labels.NUMBERS),
        ("2 .5 .5 .2 .2", labels.CLASS),
        ("-1 .5 .5 .2 .2", labels.CLASS),
        ("0 .5 1.2 .2 .2", labels.OUTSIDE),
        ("0 .5 .5 .2 0", labels.EMPTY),
        ("1 .3 .3 .1 .1", labels.TWICE),
        ("1 .3 .3 .1 .102", labels.NEARLY),
    ],
)
def test_faults_are_named_by_their_line(read, tmp_path, row, fault):
    found = read(f"1 .3 .3 .1 .1\n{row}\n")
    assert found.faults == {fault: [f"{tmp_path / '0.txt'}:2"]}
    assert len(found.classes) == 1 + (fault == labels.NEARLY)


def test_a_row_that_is_there_twice_is_that_whatever_it_almost_equals(read):
    """Ultralytics takes it once; the third row almost equals the first and equals the second, the fourth them all."""
    found = read("0 .5 .5 .2 .2\n0 .5 .5 .2 .202\n0 .5 .5 .2 .202\n0 .5 .5 .2 .204\n")
    assert {wrong: [place[-1] for place in places] for wrong, places in found.faults.items()} == {
        labels.NEARLY: ["2", "4"],
        labels.TWICE: ["3"],
    }
    assert len(found.classes) == 3


def test_boxes_and_polygons_in_one_file(read, tmp_path):
    """Ultralytics leaves such a picture out, but for poses, whose labels it cuts to their boxes."""
    rows = "0 .5 .5 .2 .2\n1 .1 .2 .3 .2 .3 .6 .1 .6\n"
    found = read(rows, "0 .5 .5 .2 .2\n")
    assert found.faults == {labels.MIXED: [f"{tmp_path / '0.txt'}:1"]}
    assert found.pictures.tolist() == [0, 1] and found.classes.tolist() == [1, 0]
    assert read("0 .5 .5 .2 .2\n0 .5 .5 .3 .4 .5 .5 2 .4 .4 1\n", keypoints=6).faults == {}


def test_no_text_at_all(read, tmp_path):
    (tmp_path / "0.txt").write_bytes(b"\xff\xfe\x00")
    found = labels.read([str(tmp_path / "0.txt")], 2)
    assert found.faults == {labels.NUMBERS: [str(tmp_path / "0.txt")]}
    assert found.boxes.shape == (0, 4)


def test_boxes_at_a_border(read):
    found = read("0 .1 .5 .2 .2\n0 .5 .5 .2 .2\n0 .5 .9 .2 .2\n")
    assert found.at_border.tolist() == [True, False, True]


def test_doubles_are_those_of_torchvisions_iou():
    """Each box but the first of a picture and class is a double if it overlaps one before it that is none itself."""
    import torch
    from torchvision.ops import box_iou

    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.uniform(0.3, 0.7, (40, 2)), rng.uniform(0.2, 0.4, (40, 2))], axis=1)
    boxes = np.concatenate([boxes, boxes * rng.uniform(0.95, 1.05, boxes.shape), boxes[:5]])
    keys = rng.integers(0, 3, len(boxes))
    keys[80:] = keys[:5]
    corners = torch.tensor(np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1))
    iou = box_iou(corners, corners).numpy()
    expected = {}
    for i in range(len(boxes)):
        for j in range(i):
            if keys[i] == keys[j] and iou[i, j] > labels.SAME and expected.get(j) != labels.TWICE:
                expected[i] = labels.TWICE if iou[i, j] > 1 - 1e-9 else labels.NEARLY
                break
    assert labels.find_doubles(boxes, keys) == expected
    assert set(expected.values()) == {labels.TWICE, labels.NEARLY}
