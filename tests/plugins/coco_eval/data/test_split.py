"""The ground truth of a dataset's split, from its label files."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from ultralytics.data.utils import check_det_dataset

from tintbox.plugins.coco_eval.data.truth import Split, Truth, for_dataset

from .conftest import message


def shared(folder, file, tmp_path):
    """Return Ultralytics' `check_det_dataset` of a shared data YAML, which is found only from its own folder."""
    content = yaml.safe_load((folder / file).read_text())
    copy = tmp_path / "shared.yaml"
    copy.write_text(yaml.safe_dump({**content, "path": str(folder)}))
    return check_det_dataset(str(copy))


def by_image(truth, category_ids=None):
    """Return the truth's rows (n, 5) of category and box by image, without crowd regions."""
    found = {image["id"]: [] for image in truth.images}
    for a in truth.annotations:
        if not a["iscrowd"]:
            category = a["category_id"]
            found[a["image_id"]].append([category_ids[category] if category_ids else category, *a["bbox"]])
    return {image: np.array(rows).reshape(-1, 5) for image, rows in found.items()}


def test_labels_and_json_of_coco_agree(shared_data, tmp_path):
    folder = shared_data / "coco" / "val2017_subset"
    json_truth = Truth.read(folder / "instances_val2017_subset.json")
    split = for_dataset(shared(folder, "val2017_subset.yaml", tmp_path), "val")
    names = {c["id"]: c["name"] for c in json_truth.categories}
    classes = {c["id"]: c["name"] for c in split.truth.categories}
    official = {index + 1: i for index, i in enumerate(sorted(names))}  # the dataset's order is that of the ids
    assert [classes[i] for i in range(1, 81)] == [names[i] for i in sorted(names)]
    sizes = {image["id"]: (image["width"], image["height"]) for image in json_truth.images}
    assert {image["id"]: (image["width"], image["height"]) for image in split.truth.images} == sizes
    ours, theirs = by_image(split.truth, official), by_image(json_truth)
    assert ours.keys() == theirs.keys()
    assert sum(map(len, ours.values())) == 1765
    for image, rows in ours.items():
        assert rows.shape == theirs[image].shape
        if len(rows):
            distance = np.abs(rows[:, None] - theirs[image][None]).max(axis=2)
            # Six digits relative to a side of up to 640 pixels: 0.0003 for the centre, half as much for half the width.
            assert distance.min(axis=1).max() < 2e-3
            assert len(set(distance.argmin(axis=1))) == len(rows)


def test_bccd_in_pixels(shared_data, tmp_path):
    split = for_dataset(shared(shared_data / "bccd", "bccd.yaml", tmp_path), "val")
    assert len(split.truth.images) == len(split.image_ids) == 87
    assert [c["name"] for c in split.truth.categories] == ["RBC", "WBC", "Platelets"]
    assert split.category_ids == {0: 1, 1: 2, 2: 3}
    assert [image["id"] for image in split.truth.images] == list(range(1, 88))  # by name: BloodImage_00000 is no number
    counts = np.bincount([a["category_id"] for a in split.truth.annotations])
    labels = sorted((shared_data / "bccd" / "labels" / "val").glob("*.txt"))
    rows = [line.split() for file in labels for line in sorted(set(file.read_text().splitlines())) if line]
    assert counts.tolist()[1:] == [sum(r[0] == c for r in rows) for c in "012"]
    for a in split.truth.annotations:
        x, y, w, h = a["bbox"]
        assert x >= 0 and x + w <= 640 + 1e-9 and y >= 0 and y + h <= 480 + 1e-9
        assert a["area"] == w * h


def test_boxes_areas_and_ids(dataset):
    split = for_dataset(dataset({"b.png": "1 0.5 0.5 0.25 0.5\n0 0.95 0.5 0.2 1", "a.png": "", "c.png": None}), "val")
    assert isinstance(split, Split)
    assert {Path(path).name: i for path, i in split.image_ids.items()} == {"a.png": 1, "b.png": 2, "c.png": 3}
    assert split.truth.images[1] == {"id": 2, "file_name": "b.png", "width": 40, "height": 20}
    first, second = split.truth.annotations
    assert first == {"id": 1, "image_id": 2, "category_id": 2, "bbox": [15, 5, 10, 10], "area": 100, "iscrowd": 0}
    assert second["bbox"] == pytest.approx([34, 0, 6, 20], abs=1e-12)  # clipped at the right border
    assert second["area"] == pytest.approx(120)


def test_clipping_is_that_of_ultralytics_own_coco_evaluation(dataset):
    """`eval_json` takes its truth through `scale_boxes`, which clips."""
    import torch
    from ultralytics.utils.ops import scale_boxes, xyxy2ltwh

    split = for_dataset(dataset({"a.png": "0 0.02 0.9 0.3 0.5"}), "val")
    network = torch.tensor([[0.02 - 0.15, 0.9 - 0.25, 0.02 + 0.15, 0.9 + 0.25]]) * torch.tensor([40, 20, 40, 20])
    theirs = xyxy2ltwh(scale_boxes((20, 40), network, (20, 40), ((1.0, 1.0), (0.0, 0.0))))
    assert split.truth.annotations[0]["bbox"] == pytest.approx(theirs[0].tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["000007.png", "12.png"], [7, 12]),
        (["7.png", "sub/8.png"], [7, 8]),
        (["1.png", "01.png"], [1, 2]),  # the same number
        (["1.png", "b.png"], [1, 2]),
        (["10.png", "9b.png"], [1, 2]),
        (["99999999999999999999.png", "1.png"], [2, 1]),  # beyond the integers that JSON keeps exactly
    ],
)
def test_image_ids(dataset, tmp_path, names, ids):
    split = for_dataset(dataset(dict.fromkeys(names, "0 0.5 0.5 0.1 0.1")), "val")
    folder = tmp_path / "images" / "val"
    expected = {str(folder / name): i for name, i in zip(sorted(names), sorted(ids))} if ids == [1, 2] else None
    assert split.image_ids == (expected or {str(folder / name): i for name, i in zip(names, ids)})
    assert sorted(image["id"] for image in split.truth.images) == sorted(ids)


def test_paths_are_ultralytics_own(dataset):
    from ultralytics.data.dataset import YOLODataset

    data = dataset({"b.png": "0 0.5 0.5 0.1 0.1", "sub/a.png": "0 0.5 0.5 0.1 0.1"})
    assert list(for_dataset(data, "val").image_ids) == YOLODataset(data["val"], data=data, augment=False).im_files


@pytest.mark.parametrize(("orientation", "size"), [(1, (40, 20)), (3, (40, 20)), (6, (20, 40)), (8, (20, 40))])
def test_exif_rotation(dataset, tmp_path, orientation, size):
    data = dataset({"a.jpg": "0 0.5 0.5 0.5 0.5"})
    exif = Image.Exif()
    exif[274] = orientation
    Image.new("RGB", (40, 20)).save(tmp_path / "images" / "val" / "a.jpg", exif=exif)
    truth = for_dataset(data, "val").truth
    assert (truth.images[0]["width"], truth.images[0]["height"]) == size
    assert truth.annotations[0]["bbox"] == [size[0] / 4, size[1] / 4, size[0] / 2, size[1] / 2]


def test_polygons(dataset, tmp_path):
    # A square in two parts that wind in different directions, joined like Ultralytics' converter joins parts; the
    # shoelace formula gives 0 for it.
    halves = "0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5 0.1 0.1 0.6 0.1 0.6 0.5 0.8 0.5 0.8 0.1 0.6 0.1"
    rectangle = "0.25 0.5 0.75 0.5 0.75 1 0.25 1"
    truth = for_dataset(dataset({"a.png": f"0 {halves}\n1 {rectangle}"}, size=(400, 200)), "val").truth
    parts, box = truth.annotations
    assert box["bbox"] == [100, 100, 200, 100]
    assert box["segmentation"] == [[100, 100, 300, 100, 300, 200, 100, 200]]
    assert box["area"] == 200 * 100
    assert parts["area"] == pytest.approx(2 * 80 * 80, rel=0.02)
    assert parts["bbox"] == pytest.approx([40, 20, 280, 80])
    truth.save(tmp_path / "gt.json")
    coco = COCO(tmp_path / "gt.json")
    assert coco.annToMask(coco.anns[2]).sum() == 200 * 100


def test_boxes_and_polygons_in_one_split_count_as_boxes(dataset):
    """Ultralytics drops all polygons then, after a warning."""
    data = dataset({"a.png": "0 0.1 0.1 0.5 0.1 0.5 0.5", "b.png": "0 0.5 0.5 0.5 0.5", "c.png": ""})
    truth = for_dataset(data, "val").truth
    assert not any("segmentation" in a for a in truth.annotations)
    assert truth.annotations[0]["area"] == pytest.approx(16 * 8)


def test_pose_labels(dataset):
    data = dataset({"a.png": "0 0.5 0.5 0.5 0.5 0.1 0.2 2 0.3 0.4 1"}, kpt_shape=[2, 3])
    assert for_dataset(data, "val").truth.annotations[0]["bbox"] == [10, 5, 20, 10]


def test_keypoints_that_are_none_are_one_line(dataset):
    data = dataset({"a.png": "0 0.5 0.5 0.5 0.5"}, kpt_shape=[2, "three"])
    assert "kpt_shape: [2, 'three'] is no [number of keypoints" in message(for_dataset, data, "val")


@pytest.mark.parametrize(
    ("labels", "split", "words"),
    [
        ({"a.png": "0 0.5 0.5 0.1 0.1\n0 0.5 1.2 0.1 0.1"}, "val", ["a.txt:2:", "1.2"]),
        ({"a.png": "2 0.5 0.5 0.1 0.1"}, "val", ["a.txt:1:", "class 2", "2 classes"]),
        ({"a.png": ""}, "vall", ["split=vall", "some.yaml", "train, val", "did you mean 'val'?"]),
        ({"a.png": ""}, "test", ["split=test", "train, val"]),
        ({"a.png": None, "b.png": None}, "val", ["no label file for any of the 2 images", "a.txt"]),
    ],
)
def test_faults_of_a_dataset(dataset, labels, split, words):
    text = message(for_dataset, dataset(labels), split)
    assert all(word in text for word in words), text


def test_no_pictures(dataset, tmp_path):
    data = dataset({"a.png": ""})
    (tmp_path / "images" / "val" / "a.png").unlink()
    text = message(for_dataset, data, "val")
    assert "no images in split 'val'" in text and str(tmp_path / "images" / "val") in text


@pytest.mark.parametrize(
    ("content", "words"), [(b"no picture", "a.png: not an image"), (None, "every image (1) has a side under 10 pixels")]
)
def test_pictures_that_ultralytics_drops(dataset, tmp_path, content, words):
    data = dataset({"a.png": "0 0.5 0.5 0.1 0.1"})
    file = tmp_path / "images" / "val" / "a.png"
    file.write_bytes(content) if content else Image.new("RGB", (9, 9)).save(file)
    assert words in message(for_dataset, data, "val")


@pytest.mark.attack("coco-eval inputs")
def test_a_picture_under_ten_pixels_is_left_out_in_a_line(dataset, tmp_path, log):
    from ultralytics.data.dataset import YOLODataset

    data = dataset({"1.png": "0 0.5 0.5 0.5 0.5", "2.png": "1 0.5 0.5 0.5 0.5"})
    small = tmp_path / "images" / "val" / "2.png"
    Image.new("RGB", (9, 40)).save(small)
    split = for_dataset(data, "val")
    assert [image["id"] for image in split.truth.images] == [1] == list(split.image_ids.values())
    assert len(split.truth.annotations) == 1
    (told,) = [text for level, text in log if level == "WARNING"]
    assert "1 of 2 images left out with their objects" in told and told.endswith("2.png") and "\n" not in told
    assert YOLODataset(data["val"], data=data, augment=False).im_files == list(split.image_ids)


def test_labels_without_a_picture(dataset, tmp_path):
    data = dataset({"a.png": "0 0.5 0.5 0.1 0.1", "sub/b.png": ""})
    labels = tmp_path / "labels" / "val"
    (labels / "classes.txt").write_text("cat\ndog\n")
    (labels / "empty.txt").write_text("")
    (labels / "rest.txt").write_text("0 0.5 0.5 0.1 0.1")
    (tmp_path / "images" / "val" / "rest.svg").write_text("<svg/>")  # with that stem, though Ultralytics skips it
    for_dataset(data, "val")
    for i in range(7):
        (labels / "sub" / f"lost{i}.txt").write_text("0 0.5 0.5 0.1 0.1")
    text = message(for_dataset, data, "val")
    assert "7 label files without an image" in text
    assert "lost0.txt, lost1.txt, lost2.txt, lost3.txt, lost4.txt and 2 more" in text


def test_a_list_may_name_a_part_of_a_folder(dataset, tmp_path):
    dataset(dict.fromkeys(["a.png", "b.png", "c.png"], "0 0.5 0.5 0.1 0.1"))
    (tmp_path / "part.txt").write_text("./images/val/a.png\n./images/val/c.png\n")
    data = dataset({}, val="part.txt")
    assert len(for_dataset(data, "val").truth.images) == 2
    (tmp_path / "labels" / "val" / "lost.txt").write_text("0 0.5 0.5 0.1 0.1")
    assert "1 label file without an image: lost.txt" in message(for_dataset, data, "val")


def test_pycocotools_takes_what_labels_make(shared_data, tmp_path):
    truth = for_dataset(shared(shared_data / "bccd", "bccd.yaml", tmp_path), "val").truth
    truth.save(tmp_path / "gt.json")
    coco = COCO(tmp_path / "gt.json")
    found = [{key: a[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.5} for a in truth.annotations]
    evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1, abs=1e-12)
