"""The cost of errors on random images, compared with a plain version, pycocotools, hotcoco and the authors' package."""

import contextlib
import io

import numpy as np
import pytest

from tintbox.plugins.coco_eval import accumulation
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.errors.tide import KINDS, SPECIALS

from .conftest import explain, truth_of


def random_case(seed, images=30, objects=150, found=700, classes=5, crowd=0, ties=False):
    """Images of 300 pixels with detections of every kind."""
    rng = np.random.RandomState(seed)  # its numbers are the same in every version of NumPy
    size = np.exp(rng.normal(3.5, 0.6, (objects, 2))).clip(6, 150)
    boxes = np.concatenate([rng.random_sample((objects, 2)) * (300 - size), size], 1)
    picture, label = rng.randint(1, images + 1, objects), rng.randint(1, classes + 1, objects)
    of = rng.randint(0, objects, found)
    noise = rng.normal(0, 0.17, (found, 4)) * np.tile(size[of], 2) * rng.choice([0.3, 1.0], (found, 1))
    near = boxes[of] + noise
    far = np.concatenate([rng.random_sample((found, 2)) * 250, np.exp(rng.normal(3.5, 0.6, (found, 2)))], 1)
    stray = rng.random_sample(found) < 0.3
    box = np.where(stray[:, None], far, near)
    box[:, 2:] = box[:, 2:].clip(2)
    wrong = rng.random_sample(found) < 0.2
    score = np.where(stray | wrong, rng.beta(2, 4, found), rng.beta(4, 3, found))
    truth = truth_of(
        [(int(i), int(k), tuple(b)) for i, k, b in zip(picture, label, boxes.tolist())],
        images, classes, crowd=set(rng.choice(objects, crowd, replace=False).tolist()),
    )  # fmt: skip
    guess = np.where(wrong, rng.randint(1, classes + 1, found), label[of])
    return truth, Detections(picture[of], guess, box, score.round(1) if ties else score)


def with_masks(truth, detections):
    """The same, with each box cut down to a triangle."""
    from pycocotools import mask

    def corners(box):
        x, y, w, h = box
        return [x, y, x + w, y, x, y + h]

    def encode(box):
        code = mask.merge(mask.frPyObjects([corners(box)], 300, 300))
        return code | {"counts": code["counts"].decode()}

    rows = [row | {"segmentation": [corners(row["bbox"])]} for row in truth.annotations]
    for i, row in enumerate(rows):  # run lengths, compressed and not, are valid truth too
        if i % 3 == 1:
            row["segmentation"] = encode(row["bbox"])
        if i % 3 == 2:
            ones = mask.decode(encode(row["bbox"])).ravel(order="F")
            edges = np.flatnonzero(np.diff(np.concatenate([[0], ones]))).tolist()
            row["segmentation"] = {"size": [300, 300], "counts": np.diff([0, *edges, ones.size]).tolist()}
    masks = [encode(box) for box in detections.bbox]
    columns = detections.image_id, detections.category_id, detections.bbox, detections.score
    return Truth(truth.images, rows, truth.categories), Detections(*columns, masks)


def pycocotools_ap(truth, detections, iou_type):
    """AP50 of each class; NaN without objects."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rows = [
        {"image_id": int(i), "category_id": int(k), "bbox": b, "score": s}
        for i, k, b, s in zip(detections.image_id, detections.category_id, detections.bbox.tolist(), detections.score)
    ]
    for row, code in zip(rows, detections.segmentation or []):
        row["segmentation"] = code
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": truth.images, "annotations": truth.annotations, "categories": truth.categories}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(rows), iou_type)
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, :, 0, -1]  # (recalls, classes) at IoU 0.5, all areas, 100 detections
    return np.where(precision[0] < 0, np.nan, precision.mean(0))


def plain(truth, detections, pos=0.5, background=0.1):
    """AP and gains of each class and the kind of each detection, using loops, for boxes without crowd regions."""

    def iou(a, b):
        w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
        h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
        common = max(w, 0) * max(h, 0)
        return common / (a[2] * a[3] + b[2] * b[3] - common)

    objects = [(row["image_id"], row["category_id"], row["bbox"]) for row in truth.annotations]
    found = list(zip(detections.image_id.tolist(), detections.category_id.tolist(), detections.bbox.tolist()))
    order = sorted(range(len(found)), key=lambda d: (-detections.score[d], found[d][0], d))
    overlap = [{g: iou(box, o[2]) for g, o in enumerate(objects) if o[0] == image} for image, _, box in found]
    finder = {}
    kinds, concerned = {}, {}
    for d in order:
        free = {g: v for g, v in overlap[d].items() if objects[g][1] == found[d][1] and g not in finder and v >= pos}
        if free:
            g = max(free, key=free.get)
            finder[g], kinds[d], concerned[d] = d, "true positive", g
    for d in order:
        if d in kinds:
            continue
        own = {g: v for g, v in overlap[d].items() if objects[g][1] == found[d][1]}
        other = {g: v for g, v in overlap[d].items() if objects[g][1] != found[d][1]}
        best_own, best_other = max(own.values(), default=-1), max(other.values(), default=-1)
        if background <= best_own < pos:
            kinds[d], concerned[d] = "localisation", max(own, key=own.get)
        elif best_other >= pos:
            kinds[d], concerned[d] = "classification", max(other, key=other.get)
        elif best_own >= pos:
            kinds[d] = "duplicate"
        elif max(best_own, best_other) <= background:
            kinds[d] = "background"
        else:
            kinds[d] = "both"
    chosen = {}
    for d in order:
        if kinds[d] in ("localisation", "classification") and concerned[d] not in finder:
            chosen.setdefault(concerned[d], d)
    classes = [category["id"] for category in truth.categories]
    missing = [g for g in range(len(objects)) if g not in finder]
    uncovered = [g for g in missing if g not in chosen]

    def precision(rows, dropped=()):
        """rows: (class, right), by falling score."""
        result = []
        for label in classes:
            asked = [g for g, o in enumerate(objects) if o[1] == label]
            left = len(asked) - sum(g in asked for g in dropped)
            mine = [right for k, right in rows if k == label]
            if not left:
                result.append(float(not mine) if asked else np.nan)
                continue
            curve = [(sum(mine[: i + 1]) / left, sum(mine[: i + 1]) / (i + 1)) for i in range(len(mine))]
            levels = np.linspace(0, 1, 101)
            result.append(np.mean([max((p for r, p in curve if r >= level), default=0) for level in levels]))
        return np.array(result)

    def repaired(kind):
        rows = []
        for d in order:
            if kinds[d] != kind:
                rows.append((found[d][1], kinds[d] == "true positive"))
            elif concerned.get(d) in chosen and chosen[concerned[d]] == d:
                rows.append((objects[concerned[d]][1], True))
        return precision(rows)

    asis = [(found[d][1], kinds[d] == "true positive") for d in order]
    base = precision(asis)
    gains = {kind: repaired(kind) - base for kind in KINDS[:5]}
    gains["missed"] = precision(asis, uncovered) - base
    gains["false positives"] = precision([row for row in asis if row[1]]) - base
    gains["false negatives"] = precision(asis, missing) - base
    return base, gains, [kinds[d] for d in range(len(found))]


@pytest.mark.parametrize("ties", [False, True])
def test_as_the_plain_version(ties):
    truth, detections = random_case(3 + ties, images=12, objects=60, found=250, ties=ties)
    base, gains, kinds = plain(truth, detections)
    result = explain(truth, detections)
    assert set(kinds) == {*KINDS[:5], "true positive"}
    assert result.detection_kind.tolist() == kinds
    np.testing.assert_allclose([loss.ap for loss in result.classes], base, atol=1e-12)
    for kind in KINDS + SPECIALS:
        np.testing.assert_allclose([loss.gain[kind] for loss in result.classes], gains[kind], atol=1e-12, err_msg=kind)
        assert result.overall.gain[kind] == pytest.approx(gains[kind].mean())


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_ap_is_that_of_pycocotools(iou_type):
    truth, detections = random_case(5, found=4000, images=6, classes=3, crowd=8, ties=True)  # over 100 of a class
    truth.categories.append({"id": 9, "name": "without objects"})
    if iou_type == "segm":
        truth, detections = with_masks(truth, detections)
    ap = [loss.ap for loss in explain(truth, detections, iou_type).classes]
    expected = pycocotools_ap(truth, detections, iou_type)
    assert np.isnan(expected[-1]) and (expected[:-1] > 0.1).all()
    np.testing.assert_allclose(ap, expected, atol=1e-9)


def test_as_hotcoco():
    """hotcoco's own error analysis of all classes together, without crowd regions, which it counts differently."""
    import hotcoco

    truth, detections = random_case(7)
    content = {"images": truth.images, "annotations": truth.annotations, "categories": truth.categories}
    coco = hotcoco.COCO(content)
    table = np.column_stack([detections.image_id, detections.bbox, detections.score, detections.category_id])
    evaluation = hotcoco.COCOeval(coco, coco.load_res(table), "bbox")
    evaluation.evaluate()
    theirs = evaluation.tide_errors()
    ours = explain(truth, detections).overall
    assert ours.ap == pytest.approx(theirs["ap_base"], abs=1e-12)
    names = ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss", "FP", "FN")
    for kind, name in zip(KINDS + SPECIALS, names):
        assert ours.gain[kind] == pytest.approx(theirs["delta_ap"][name], abs=1e-12), kind
        assert ours.count[kind] == theirs["counts"].get(name, ours.count[kind]), kind


# The results of tidecv 1.0.1 for random_case(11), in which each class has objects: gain and number of errors
TIDECV_AP = 0.5129259621454344
TIDECV = {
    "classification": (0.013925176258427215, 71),
    "localisation": (0.13978094695148996, 103),
    "both": (0.002446669207376573, 35),
    "duplicate": (0.09421125816822894, 183),
    "background": (0.033481554014545264, 180),
    "missed": (0.01856669233946583, 5),
    "false positives": (0.33855918636941706, None),
    "false negatives": (0.08816326756984721, None),
}


@pytest.mark.parametrize("levels, tolerance", [(accumulation.RECALL_THRESHOLDS, 1e-4), (np.arange(101) / 100, 1e-12)])
def test_as_the_authors_package(levels, tolerance, monkeypatch):
    """Equal with tidecv's recalls; pycocotools' differ by rounding, which can move one of 101 levels by a step."""
    monkeypatch.setattr(accumulation, "RECALL_THRESHOLDS", levels)
    ours = explain(*random_case(11)).overall
    assert ours.ap == pytest.approx(TIDECV_AP, abs=tolerance)
    for kind, (gain, count) in TIDECV.items():
        assert ours.gain[kind] == pytest.approx(gain, abs=tolerance), kind
        assert count in (None, ours.count[kind]), kind


def test_ids_may_be_any():
    truth, detections = random_case(8)
    expected = explain(truth, detections).as_dict()
    for row in truth.annotations:
        row["id"] -= 1  # starting at 0
        row["image_id"] += 10**12
    for image in truth.images:
        image["id"] += 10**12
    moved = Detections(detections.image_id + 10**12, detections.category_id, detections.bbox, detections.score)
    assert explain(truth, moved).as_dict() == expected
