"""Ground truth: from COCO's JSON, from label files, and for a dataset's split."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from ultralytics.data.utils import check_det_dataset

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.truth import Split, Truth, for_dataset

NAMES = {0: "cat", 1: "dog"}


@pytest.fixture
def dataset(tmp_path):
    """Write a dataset of pictures and labels by name; returns what Ultralytics makes of its YAML."""

    def write(labels, names=NAMES, size=(40, 20), **keys):
        """``labels``: picture's path in images/val -> text of its label file, or None for none."""
        for picture, text in labels.items():
            file = tmp_path / "images" / "val" / picture
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", size).save(file)
            if text is not None:
                label = (tmp_path / "labels" / "val" / picture).with_suffix(".txt")
                label.parent.mkdir(parents=True, exist_ok=True)
                label.write_text(text)
        file = tmp_path / "some.yaml"
        splits = {"train": "images/val", "val": "images/val"}
        file.write_text(yaml.safe_dump({"path": str(tmp_path), **splits, "names": names, **keys}))
        return check_det_dataset(str(file))

    return write


def shared(folder, file, tmp_path):
    """Return what Ultralytics makes of a YAML of the shared data, which it finds from its own folder only."""
    content = yaml.safe_load((folder / file).read_text())
    copy = tmp_path / "shared.yaml"
    copy.write_text(yaml.safe_dump({**content, "path": str(folder)}))
    return check_det_dataset(str(copy))


def message(call, *args):
    """Return the one line of the error that a call raises."""
    with pytest.raises(TintboxError) as error:
        call(*args)
    assert "\n" not in str(error.value)
    return str(error.value)


def by_image(truth, category_ids=None):
    """Return the truth's rows (n, 5) of category and box by image, crowd regions left out."""
    found = {image["id"]: [] for image in truth.images}
    for a in truth.annotations:
        if not a["iscrowd"]:
            category = a["category_id"]
            found[a["image_id"]].append([category_ids[category] if category_ids else category, *a["bbox"]])
    return {image: np.array(rows).reshape(-1, 5) for image, rows in found.items()}


# From labels


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
            # Six digits of a side of up to 640 pixels: 0.0003 for the centre, half as much for half the width.
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
        (["99999999999999999999.png", "1.png"], [2, 1]),  # beyond what JSON carries
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
    # A square in two parts that wind in different directions, joined as Ultralytics' converter joins parts: the
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
    """Ultralytics leaves all polygons out, after a warning."""
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
        ({"a.png": None, "b.png": None}, "val", ["no label file for any of the 2 pictures", "a.txt"]),
    ],
)
def test_faults_of_a_dataset(dataset, labels, split, words):
    text = message(for_dataset, dataset(labels), split)
    assert all(word in text for word in words), text


def test_no_pictures(dataset, tmp_path):
    data = dataset({"a.png": ""})
    (tmp_path / "images" / "val" / "a.png").unlink()
    text = message(for_dataset, data, "val")
    assert "no pictures in split 'val'" in text and str(tmp_path / "images" / "val") in text


@pytest.mark.parametrize(
    ("content", "words"), [(b"no picture", "a.png: it is no picture"), (None, "all 1 pictures are under 10 pixels")]
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
    assert "1 of 2 pictures are under 10 pixels and left out" in told and told.endswith("2.png") and "\n" not in told
    assert YOLODataset(data["val"], data=data, augment=False).im_files == list(split.image_ids)


def test_labels_without_a_picture(dataset, tmp_path):
    data = dataset({"a.png": "0 0.5 0.5 0.1 0.1", "sub/b.png": ""})
    labels = tmp_path / "labels" / "val"
    (labels / "classes.txt").write_text("cat\ndog\n")
    (labels / "empty.txt").write_text("")
    (labels / "rest.txt").write_text("0 0.5 0.5 0.1 0.1")
    (tmp_path / "images" / "val" / "rest.svg").write_text("<svg/>")  # a picture of that stem, if none for Ultralytics
    for_dataset(data, "val")
    for i in range(7):
        (labels / "sub" / f"lost{i}.txt").write_text("0 0.5 0.5 0.1 0.1")
    text = message(for_dataset, data, "val")
    assert "7 label files without a picture" in text
    assert "lost0.txt, lost1.txt, lost2.txt, lost3.txt, lost4.txt and 2 more" in text


def test_a_list_may_name_a_part_of_a_folder(dataset, tmp_path):
    dataset(dict.fromkeys(["a.png", "b.png", "c.png"], "0 0.5 0.5 0.1 0.1"))
    (tmp_path / "part.txt").write_text("./images/val/a.png\n./images/val/c.png\n")
    data = dataset({}, val="part.txt")
    assert len(for_dataset(data, "val").truth.images) == 2
    (tmp_path / "labels" / "val" / "lost.txt").write_text("0 0.5 0.5 0.1 0.1")
    assert "1 label file without a picture: lost.txt" in message(for_dataset, data, "val")


# COCO's own dataset, and JSON for a split


@pytest.fixture
def coco_layout(shared_data, tmp_path):
    """The subset of COCO in COCO's layout, without its JSON."""
    source, root = shared_data / "coco" / "val2017_subset", tmp_path / "coco"
    root.mkdir()
    for name in ("images", "labels"):
        (root / name).symlink_to(source / name)
    pictures = sorted(p.name for p in (root / "images" / "val2017").glob("*.jpg"))
    (root / "val2017.txt").write_text("".join(f"./images/val2017/{name}\n" for name in pictures))
    names = yaml.safe_load((source / "val2017_subset.yaml").read_text())["names"]
    file = tmp_path / "coco.yaml"
    file.write_text(yaml.safe_dump({"path": str(root), "train": "val2017.txt", "val": "val2017.txt", "names": names}))
    return check_det_dataset(str(file)), source / "instances_val2017_subset.json", root


def test_official_category_ids(coco_layout):
    data, file, _ = coco_layout
    split = for_dataset(data, "val")
    official = {c["id"]: c["name"] for c in json.loads(file.read_text())["categories"]}
    assert {c["id"]: c["name"] for c in split.truth.categories} == official
    assert split.category_ids[0] == 1 and split.category_ids[79] == 90
    assert sorted(split.image_ids.values())[:2] == [139, 632] or min(split.image_ids.values()) == 139


def test_stock_json_of_coco(coco_layout):
    data, file, root = coco_layout
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_val2017.json").symlink_to(file)
    split = for_dataset(data, "val")
    assert split.truth == Truth.read(file)
    assert sum(a["iscrowd"] for a in split.truth.annotations) == 21
    assert len(split.image_ids) == 206 and split.category_ids[79] == 90


def coco_json(images, annotations=(), categories=((5, "Cat"), (9, "dog"))):
    """Return COCO's JSON; ``annotations`` are (image, category)."""
    rows = [
        {"id": i, "image_id": image, "category_id": category, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
        for i, (image, category) in enumerate(annotations, start=1)
    ]
    return {
        "images": [{"id": i, "file_name": name, "width": 40, "height": 20} for i, name in images.items()],
        "annotations": rows,
        "categories": [{"id": i, "name": name} for i, name in categories],
    }


def test_annotations_named_in_the_yaml(dataset, tmp_path):
    data = dataset({"a.png": None, "sub/a.png": None, "b.png": None}, annotations={"val": "val.json"})
    images = {3: "val\\sub\\a.png", 4: "val/a.png", 8: "b.png", 9: "elsewhere.png"}
    categories = ((5, "Cat"), (9, "dog"), (1, "bird"))
    content = coco_json(images, [(3, 5), (4, 9), (8, 1), (9, 5)], categories)
    (tmp_path / "val.json").write_text(json.dumps(content))
    split = for_dataset(data, "val")
    folder = tmp_path / "images" / "val"
    assert split.image_ids == {str(folder / "a.png"): 4, str(folder / "b.png"): 8, str(folder / "sub" / "a.png"): 3}
    assert split.category_ids == {0: 5, 1: 9}
    assert [a["id"] for a in split.truth.annotations] == [1, 2]  # no bird is among the classes, 9 not in the split
    assert [image["id"] for image in split.truth.images] == [3, 4, 8]
    # The other split has no JSON.
    assert "no label file" in message(for_dataset, data, "train")


@pytest.mark.parametrize(
    ("named", "content", "words"),
    [
        ("val.json", None, ["annotations: val:", "val.json: no such file"]),
        (["val.json"], None, ["is no mapping"]),
        ({"valid": "val.json"}, None, ["'valid' is no split", "did you mean 'val'?"]),
        ("val.json", coco_json({1: "a.png"}), ["1 of the split's 2 pictures", "b.png"]),
        ("val.json", coco_json({1: "x/a.png", 2: "y/a.png", 3: "b.png"}), ["images 1 and 2 fit", "a.png equally well"]),
        ("val.json", coco_json({1: "a.png", 2: "b.png"}, categories=((1, "cat"),)), ["no category", "dog", "cat"]),
        ("val.json", coco_json({1: "a.png", 2: "b.png"}, categories=((1, "cat"), (2, "dog"), (3, "dog"))), ["2, 3"]),
    ],
)
def test_faults_of_named_annotations(dataset, tmp_path, named, content, words):
    data = dataset({"a.png": "", "b.png": ""}, annotations={"val": named} if isinstance(named, str) else named)
    if content:
        (tmp_path / "val.json").write_text(json.dumps(content))
    text = message(for_dataset, data, "val")
    assert all(word in text for word in words), text


# COCO's JSON


@pytest.mark.parametrize(
    ("file", "images", "annotations"),
    [
        ("cocoeval/cocoapi_fakebbox100/instances_val2014_100.json", 100, 839),
        ("cocoeval/padilla_review/sampled_gts_bbox_area.json", 100, 830),
        ("coco/coco128/annotations/instances_train2017_128.json", 128, 939),
    ],
)
def test_real_files_come_back_as_they_are(shared_data, tmp_path, file, images, annotations):
    truth = Truth.read(shared_data / file)
    assert (len(truth.images), len(truth.annotations)) == (images, annotations)
    original = json.loads((shared_data / file).read_text())
    assert truth.images == original["images"] and truth.annotations == original["annotations"]
    truth.save(tmp_path / "new" / "gt.json")
    assert Truth.read(tmp_path / "new" / "gt.json") == truth
    coco = COCO(tmp_path / "new" / "gt.json")
    assert len(coco.anns) == annotations


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


def test_what_an_annotation_lacks_is_put_in(tmp_path):
    content = coco_json({1: "a.png"}, [(1, 5), (1, 5), (1, 9)])
    for row in content["annotations"]:
        del row["area"], row["iscrowd"]
    content["annotations"][0].update(id=0, segmentation=None)
    del content["annotations"][1]["id"]
    content["annotations"][2].update(id=7, image_id=1.0, iscrowd=True)
    file = tmp_path / "gt.json"
    file.write_text(json.dumps(content))
    first, second, third = Truth.read(file).annotations
    assert [first["id"], second["id"], third["id"]] == [8, 9, 7]  # pycocotools takes a match with id 0 for none
    assert first["area"] == 12 and first["iscrowd"] == 0 and "segmentation" not in first
    assert third["iscrowd"] == 1 and type(third["image_id"]) is int


def broken(change):
    """Return good JSON with a change made to it."""
    content = coco_json({1: "a.png", 2: "b.png"}, [(1, 5), (2, 9), (2, 5)])
    change(content)
    return json.dumps(content)


def put(where, index, **values):
    return lambda content: content[where][index].update(values)


def drop(where, index, key):
    return lambda content: content[where][index].pop(key)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": [],\n "annotations": [,]}', ["gt.json:2:", "broken JSON"]),
        ("", ["gt.json:1:1: broken JSON"]),
        ("[]", ["a list", "is it the predictions?"]),
        ('{"images": []}', ["no annotations, categories"]),
        ("3", ["no images, annotations, categories"]),
        ('{"images": {}, "annotations": [], "categories": []}', ["'images' is no list"]),
        ('{"images": [3], "annotations": [], "categories": []}', ["images[0] is no object"]),
        (broken(put("images", 1, id=1)), ["images share ids: id 1 (1 in all)"]),
        (broken(put("images", 1, id="b")), ["images[1] has id 'b', which is no whole number"]),
        (broken(put("images", 1, id=2**70)), ["images[1] has id"]),
        (broken(put("categories", 1, id=5)), ["categories share ids: id 5"]),
        (broken(put("annotations", 2, id=1)), ["annotations share ids: id 1"]),
        (broken(put("annotations", 2, image_id=77)), ["unknown image_id 77 (1 of 3 rows", "annotations[2]"]),
        (broken(put("annotations", 0, category_id=3)), ["unknown category_id 3 (1 of 3 rows", "annotations[0]"]),
        (broken(drop("annotations", 1, "bbox")), ["annotations[1] has no 'bbox'"]),
        (broken(drop("annotations", 1, "image_id")), ["annotations[1] has no 'image_id'"]),
        (broken(drop("images", 0, "id")), ["images[0] has no 'id'"]),
        (broken(put("annotations", 1, bbox=[1, 2, -3, 4])), ["annotations[1] has bbox [1, 2, -3, 4]", "0 or more"]),
        (broken(put("annotations", 1, bbox=[1, 2, float("nan"), 4])), ["annotations[1] has bbox [1, 2, nan, 4]"]),
        (broken(put("annotations", 1, bbox=[1, 2, float("inf"), 4])), ["annotations[1] has bbox [1, 2, inf, 4]"]),
        (broken(put("annotations", 1, bbox=[1, 2, 3])), ["annotations[1] has bbox [1, 2, 3], not [x, y, width"]),
        (broken(put("annotations", 1, bbox=None)), ["annotations[1] has bbox None"]),
        (broken(put("annotations", 1, bbox=[1, 2, "3", 4])), ["annotations[1] has bbox [1, 2, '3', 4]"]),
        (broken(put("annotations", 1, area=-1)), ["annotations[1] has area -1"]),
        (broken(put("annotations", 1, iscrowd=2)), ["annotations[1] has iscrowd 2"]),
    ],
)  # fmt: skip
def test_faults_of_a_json(tmp_path, text, words):
    file = tmp_path / "gt.json"
    file.write_text(text)
    line = message(Truth.read, file)
    assert str(file) in line and all(word in line for word in words), line


def test_a_json_that_is_not_there(tmp_path):
    (tmp_path / "annotations.json").write_text("{}")
    assert "did you mean 'annotations.json'?" in message(Truth.read, tmp_path / "anotations.json")
    assert "cannot be read" in message(Truth.read, tmp_path)
