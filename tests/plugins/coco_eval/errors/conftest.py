"""A case with every kind of error."""

import numpy as np
import pytest

from tintbox.plugins.coco_eval.columns import Columns
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.errors import tide
from tintbox.plugins.coco_eval.matcher import match


def explain(truth, detections, iou_type="bbox"):
    """The errors of detections, matched anew."""
    columns = Columns.of(truth, detections, iou_type)
    names = [category["name"] for category in sorted(truth.categories, key=lambda category: category["id"])]
    return tide.explain(columns, match(columns)[1], names)


def truth_of(objects, images=1, classes=2, crowd=()):
    """objects: (image, class, box)."""
    return Truth(
        images=[{"id": i, "file_name": f"{i}.png", "width": 300, "height": 300} for i in range(1, images + 1)],
        annotations=[
            {"id": i, "image_id": image, "category_id": label, "bbox": list(box), "area": box[2] * box[3]}
            | {"iscrowd": int(i - 1 in crowd)}
            for i, (image, label, box) in enumerate(objects, start=1)
        ],
        categories=[{"id": i, "name": "-ab"[i] if i < 3 else str(i)} for i in range(1, classes + 1)],
    )


def detections_of(found, masks=None):
    """found: (image, class, box, score)."""
    columns = list(zip(*found)) or [(), (), (), ()]
    return Detections(
        np.array(columns[0], np.int64), np.array(columns[1], np.int64),
        np.array(columns[2], float).reshape(-1, 4), np.array(columns[3], float), masks,
    )  # fmt: skip


CAT, DOG = 1, 2
TRUTH = [  # image, class, box
    (5, CAT, (20, 20, 60, 60)),
    (5, DOG, (120, 20, 60, 60)),
    (6, CAT, (20, 20, 60, 60)),
    (6, DOG, (120, 20, 60, 60)),
    (7, CAT, (20, 20, 60, 60)),
]


FOUND = [  # image, class, box, score
    (5, CAT, (20, 20, 60, 60), 0.9),  # right
    (5, CAT, (120, 20, 60, 60), 0.6),  # classification
    (5, CAT, (20, 100, 30, 30), 0.1),  # background, not drawn
    (6, CAT, (20, 20, 60, 24), 0.5),  # localisation, IoU 0.4
    (6, CAT, (120, 20, 60, 24), 0.8),  # both
    (7, CAT, (20, 20, 60, 60), 0.2),  # right, not drawn
    (7, CAT, (100, 100, 60, 60), 0.7),  # background
    (8, CAT, (100, 100, 60, 60), 0.2),  # background, not drawn
]


@pytest.fixture
def case():
    """Truth, detections and their errors; image 8 has no objects."""
    truth = Truth(
        [{"id": i, "file_name": f"${i}_a$.png", "width": 200, "height": 150} for i in (8, 7, 6, 5)],
        [
            {"id": i, "image_id": image, "category_id": label, "bbox": list(box), "area": box[2] * box[3], "iscrowd": 0}
            for i, (image, label, box) in enumerate(TRUTH, start=1)
        ],
        [
            {"id": CAT, "name": "cat"},
            {"id": DOG, "name": "dog $x$"},
            {"id": 9, "name": "no such thing here at all, none"},
        ],
    )
    image, label, box, score = map(np.array, zip(*FOUND))
    detections = Detections(image, label, box.astype(float), score)
    return truth, detections, explain(truth, detections)


@pytest.fixture(scope="session")
def near():
    """The number of pixels in an image that are close to a colour."""

    def count(picture, colour):
        bgr = [int(colour[i : i + 2], 16) for i in (5, 3, 1)]
        return int((np.abs(picture.astype(int) - bgr).max(-1) < 30).sum())

    return count
