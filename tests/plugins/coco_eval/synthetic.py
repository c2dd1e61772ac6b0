"""Random evaluation cases with everything that commonly breaks evaluators, and pycocotools' numbers for them."""

import numpy as np

from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.run_lengths import encode
from tintbox.plugins.coco_eval.data.truth import Truth

SIDE = 160


def case(seed, images=30, classes=4, crowded=True, ties=True, masks=False, many=True):
    """Return truth and detections: boxes of all sizes, crowds, equal scores, empty images, a class without truth.

    Class ids are 3, 5, 7, ... and image ids are descending, so that neither equals an index.
    """
    rng = np.random.default_rng(seed)
    pictures = [{"id": 1000 - 7 * i, "file_name": f"{i}.jpg", "width": SIDE, "height": SIDE} for i in range(images)]
    annotations, rows, masks_found = [], [], []
    for i, picture in enumerate(pictures):
        if i % 7 == 3:  # no truth here
            boxes = np.zeros((0, 4))
        else:
            boxes = _boxes(rng, rng.integers(1, 7))
        labels = rng.integers(0, classes - 1, len(boxes))  # the last class has no truth
        for box, label in zip(boxes, labels):
            crowd = int(crowded and rng.random() < 0.15)
            annotation = {"id": len(annotations) + 1, "image_id": picture["id"], "category_id": 3 + 2 * int(label)}
            annotation |= {"bbox": box.tolist(), "area": float(box[2] * box[3] * rng.uniform(0.5, 1)), "iscrowd": crowd}
            if masks or crowd:
                annotation["segmentation"] = encode(_mask(box, rng)[None])[0]
            annotations.append(annotation)
        if i % 7 == 5:  # no detections here
            continue
        copies = np.repeat(np.arange(len(boxes)), 2)
        near = boxes[copies] + rng.normal(0, 3, (len(copies), 4)) if len(boxes) else np.zeros((0, 4))
        found = np.concatenate([near, _boxes(rng, 130 if many and i == 0 else rng.integers(0, 6))])
        found[:, 2:] = found[:, 2:].clip(2)
        own = np.concatenate([labels[copies], rng.integers(0, classes, len(found) - len(copies))])
        if many and i == 0:
            own[:] = 0  # more than 100 detections of one class in one image
        scores = rng.random(len(found))
        if ties:
            scores = scores.round(1)
        rows += [(picture["id"], 3 + 2 * int(c), *box, s) for c, box, s in zip(own, found.tolist(), scores.tolist())]
        if masks:
            masks_found += encode(np.stack([_mask(box, rng) for box in found])) if len(found) else []
    table = np.array(rows)
    categories = [{"id": 3 + 2 * k, "name": f"class {k}"} for k in range(classes)]
    detections = Detections(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        table[:, 2:6],
        table[:, 6],
        masks_found if masks else None,
    )
    return Truth(pictures, annotations, categories), detections


def _boxes(rng, n):
    size = np.exp(rng.uniform(np.log(6), np.log(140), (n, 2)))
    corner = rng.random((n, 2)) * (SIDE - size)
    return np.concatenate([corner, size], axis=1)


def _mask(box, rng):
    x, y, w, h = box
    rows, columns = np.mgrid[:SIDE, :SIDE]
    ellipse = ((columns - x - w / 2) / max(w / 2, 1)) ** 2 + ((rows - y - h / 2) / max(h / 2, 1)) ** 2 <= 1
    ellipse[int(np.clip(y, 0, SIDE - 1)), int(np.clip(x, 0, SIDE - 1))] = True  # never empty
    return ellipse


def pycocotools_evaluation(truth, detections, iou_type="bbox"):
    """Return pycocotools' evaluation, accumulated and summarized."""
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": truth.images,
            "annotations": [dict(a) for a in truth.annotations],
            "categories": truth.categories,
        }
        coco.createIndex()
        rows = []
        for i in range(len(detections)):
            row = {"image_id": int(detections.image_id[i]), "category_id": int(detections.category_id[i])}
            row |= {"bbox": detections.bbox[i].tolist(), "score": float(detections.score[i])}
            if detections.segmentation is not None:
                row["segmentation"] = detections.segmentation[i]
            rows.append(row)
        evaluation = COCOeval(coco, coco.loadRes(rows), iou_type)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation
