"""Ground truth from COCO's JSON: for COCO itself, named in a dataset's YAML, and standalone."""

import json

import pytest
import yaml
from pycocotools.coco import COCO
from ultralytics.data.utils import check_det_dataset

from tintbox.plugins.coco_eval.data.truth import Truth, for_dataset

from .conftest import message

# COCO's own dataset, and a JSON for a split


@pytest.fixture
def coco_layout(shared_data, tmp_path):
    """The subset of COCO in COCO's folder layout, without its JSON."""
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
    """Return a COCO JSON; ``annotations`` are (image, category)."""
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
    assert [a["id"] for a in split.truth.annotations] == [1, 2]  # bird is not a class, and image 9 is not in the split
    assert [image["id"] for image in split.truth.images] == [3, 4, 8]
    # The other split has no JSON.
    assert "no label file" in message(for_dataset, data, "train")


@pytest.mark.parametrize(
    ("named", "content", "words"),
    [
        ("val.json", None, ["annotations: val:", "val.json: no such file"]),
        (["val.json"], None, ["is no mapping"]),
        ({"valid": "val.json"}, None, ["'valid' is no split", "did you mean 'val'?"]),
        ("val.json", coco_json({1: "a.png"}), ["1 of the split's 2 image files", "b.png"]),
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
    assert [first["id"], second["id"], third["id"]] == [8, 9, 7]  # pycocotools treats a match with id 0 as none
    assert first["area"] == 12 and first["iscrowd"] == 0 and "segmentation" not in first
    assert third["iscrowd"] == 1 and type(third["image_id"]) is int


def broken(change):
    """Return valid JSON with one change."""
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
