"""Who matches detections with truth: hotcoco.

hotcoco (MIT, Rust) was chosen over faster-coco-eval (Apache, C++): both give pycocotools' arrays, hotcoco in a tenth of
the time and without copying every annotation (benchmarks/coco_eval_speed.py). pycocotools is the definition, which the
tests compare with.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from types import MappingProxyType
from typing import Any

import hotcoco
import numpy as np

from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.ranks import ranks, sorted_ids
from tintbox.plugins.coco_eval.data.rows import no_collection
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.matches import Matches, Partners
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS, Curves

CHUNK = 250  # images whose matches are read at once: hotcoco hands them over as Python lists, 50 times their size


class Evaluator:
    """The detections of one split against its truth.

    Attributes:
        image_ids, category_ids: ``(I,)`` and ``(K,)`` int64, the truth's ids in rising order.
    """

    def __init__(
        self,
        truth: Truth,
        detections: Detections,
        iou_type: str = "bbox",
        *,
        thresholds: Sequence[float] = tuple(IOU_THRESHOLDS),
        areas: Mapping[str, tuple[float, float]] = MappingProxyType(AREAS),
        max_detections: Sequence[int] = MAX_DETECTIONS,
    ) -> None:
        """Load both; matching comes later, for all images or some.

        Args:
            truth: The ground truth.
            detections: The detections, of images and categories of the truth.
            iou_type: ``"bbox"``, or ``"segm"`` where both have masks.
            thresholds: IoU from which on an object is found.
            areas: Ranges of object size in square pixels by name.
            max_detections: Limits of the detections that count, per image and class.
        """
        self.iou_type, self.thresholds, self.areas, self.limits = iou_type, thresholds, areas, max_detections
        self.image_ids = sorted_ids(image["id"] for image in truth.images)
        self.category_ids = sorted_ids(category["id"] for category in truth.categories)
        self._count = len(detections)
        self._pair = _load(self._content(truth, masks=iou_type == "segm"), self._renumbered(detections))

    def curves(self) -> Curves:
        """Return precision and recall of every class, size and limit.

        For those who want nothing else: without handing the matches over it takes a tenth of the time.
        """
        evaluation = self._evaluated(range(len(self.image_ids)))
        with _silence():
            evaluation.accumulate()
        return Curves(evaluation.eval["precision"], evaluation.eval["recall"])

    def matches(self) -> Matches:
        """Return what was matched at every threshold and size: all that numbers, intervals and errors are made of."""
        parts, partners = [], []
        for entries in self._entries():
            parts.append(self._columns(entries))
            partners.append(self._partners(entries))
        return Matches.join(parts, len(self.category_ids), len(self.image_ids), Partners.join(partners, self._count))

    def partners(self) -> Partners:
        """Return which object each detection found at the first threshold, over the first range of sizes."""
        return Partners.join(map(self._partners, self._entries()), self._count)

    def _entries(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the engine's records of some images at a time: one per class, area and image with anything in it.

        They are those of pycocotools' ``evalImgs``, in its order within the images of a part. Images, categories,
        truths and detections go by their places from 1 on: the first two among the sorted ids, the others as they are.
        """
        with no_collection():  # the records have no cycles, and looking for some takes two thirds of the time
            for start in range(0, len(self.image_ids), CHUNK):
                evaluation = self._evaluated(range(len(self.image_ids))[start : start + CHUNK])
                yield [entry for entry in evaluation.evalImgs if entry is not None]

    def _content(self, truth: Truth, *, masks: bool) -> dict[str, list[dict[str, Any]]]:
        """Return what the engines need of the truth, with places for ids."""
        images = ranks(self.image_ids, (image["id"] for image in truth.images), "images: id")
        image = ranks(self.image_ids, (row["image_id"] for row in truth.annotations), "annotations: image_id")
        label = ranks(self.category_ids, (row["category_id"] for row in truth.annotations), "annotations: category_id")
        keys = ("bbox", "area", "iscrowd", *["segmentation"] * masks)
        return {
            "images": [
                {"id": i, **{key: row[key] for key in ("width", "height") if row.get(key) is not None}}
                for i, row in zip((images + 1).tolist(), truth.images)
            ],
            "annotations": [
                {"id": i, "image_id": own, "category_id": kind, **{key: row[key] for key in keys if key in row}}
                for i, (row, own, kind) in enumerate(
                    zip(truth.annotations, (image + 1).tolist(), (label + 1).tolist()), start=1
                )
            ],
            "categories": [{"id": i, "name": str(i)} for i in range(1, len(self.category_ids) + 1)],
        }

    def _renumbered(self, detections: Detections) -> Detections:
        """Return detections with places for ids."""
        image = ranks(self.image_ids, detections.image_id, "detections: image_id")
        label = ranks(self.category_ids, detections.category_id, "detections: category_id")
        return replace(detections, image_id=image + 1, category_id=label + 1)

    def _evaluated(self, images: Sequence[int]) -> Any:
        """Return a COCOeval that has matched these images, by their places from 0 on."""
        evaluation = hotcoco.COCOeval(*self._pair, self.iou_type)
        params = evaluation.params
        params.img_ids = [place + 1 for place in images]
        params.iou_thrs, params.max_dets = list(self.thresholds), list(self.limits)
        params.area_rng, params.area_rng_lbl = [list(area) for area in self.areas.values()], list(self.areas)
        with _silence():
            evaluation.evaluate()
        return evaluation

    def _columns(self, entries: list[dict[str, Any]]) -> dict[str, np.ndarray]:
        """Return the columns of Matches for some records."""
        areas = {tuple(limits): i for i, limits in enumerate(self.areas.values())}
        sizes = np.array([len(entry["dtScores"]) for entry in entries], dtype=np.int64)
        group = np.array([(e["category_id"] - 1) * len(areas) + areas[tuple(e["aRng"])] for e in entries], np.int64)
        image = np.array([entry["image_id"] - 1 for entry in entries], dtype=np.int64)
        positives = [len(e["gtIgnore"]) - int(sum(e["gtIgnore"])) for e in entries]
        return {
            "group": np.repeat(group, sizes),
            "image": np.repeat(image, sizes),
            "rank": np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes),
            "score": np.fromiter(chain.from_iterable(e["dtScores"] for e in entries), float, sizes.sum()),
            "matched": _rows((e["dtMatched"] for e in entries), len(self.thresholds), sizes),
            "ignored": _rows((e["dtIgnore"] for e in entries), len(self.thresholds), sizes),
            "truth_group": group,
            "truth_image": image,
            "positives": np.array(positives, dtype=np.int64),
        }

    def _partners(self, entries: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows of detections in some records, the truth's rows that they found, and whether they are ignored."""
        first = list(next(iter(self.areas.values())))
        own = [entry for entry in entries if entry["aRng"] == first]
        rows, truths = (np.array([*chain.from_iterable(ids)], np.int64) - 1 for ids in (
            (e["dtIds"] for e in own), (e["dtMatches"][0] for e in own),
        ))  # fmt: skip
        return rows, truths, np.array([*chain.from_iterable(e["dtIgnore"][0] for e in own)], bool)


def _rows(blocks: Iterator[Any], levels: int, sizes: np.ndarray) -> np.ndarray:
    """Return blocks ``(levels, D)`` side by side as one bool array ``(levels, sum of D)``, D given by ``sizes``."""
    total = int(sizes.sum())
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(blocks)), dtype=bool, count=levels * total)
    start = np.cumsum(sizes) - sizes
    # In `flat` a block lies whole, row after row: element (t, j) of block e is at T * start[e] + t * sizes[e] + j.
    first = np.repeat((levels - 1) * start, sizes) + np.arange(total)
    return flat[first + np.arange(levels)[:, None] * np.repeat(sizes, sizes)]


def _load(content: dict[str, Any], detections: Detections) -> tuple[Any, Any]:
    """Return the engine's own objects for truth and detections."""
    coco = hotcoco.COCO(content)
    if not detections.own_boxes:
        return coco, coco.load_res(detections.rows())
    table = np.column_stack([detections.image_id, detections.bbox, detections.score, detections.category_id])
    masks: Any = detections.segmentation or None
    return coco, coco.load_res(table.astype(np.float64), segmentation=masks)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep the engine's progress lines off the standard output."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
