"""Who matches detections with truth: hotcoco, or pycocotools where it is missing.

hotcoco (MIT, Rust) was chosen over faster-coco-eval (Apache, C++): both give pycocotools' arrays, hotcoco in a tenth of
the time and without copying every annotation (benchmarks/coco_eval_speed.py). pycocotools is the definition.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import metadata
from itertools import chain
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.ranks import ranks, sorted_ids
from tintbox.plugins.coco_eval.data.rows import no_collection
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.matches import Matches
from tintbox.plugins.coco_eval.metrics import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS, Curves

TESTED = (1, 3)  # the least version of hotcoco that the tests have seen
CHUNK = 250  # images whose matches are read at once: hotcoco hands them over as Python lists, 50 times their size


@cache
def hotcoco() -> ModuleType | None:
    """Return hotcoco, or None after a line that says why pycocotools takes its place."""
    from ultralytics.utils import LOGGER

    try:
        version = metadata.version("hotcoco")
        if tuple(int(part) for part in version.split(".")[:2]) < TESTED:
            lacks = f"hotcoco {version} is older than {'.'.join(map(str, TESTED))}"
        else:
            import hotcoco as module

            return module
    except (ImportError, ValueError) as error:
        lacks = f"hotcoco is not usable ({error})"
    LOGGER.warning(f"tintbox: {lacks}, so pycocotools evaluates: the same numbers, slower; pip install -U hotcoco")
    return None


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
        fast: bool = True,
        thresholds: Sequence[float] = tuple(IOU_THRESHOLDS),
        areas: Mapping[str, tuple[float, float]] = MappingProxyType(AREAS),
        max_detections: Sequence[int] = MAX_DETECTIONS,
    ) -> None:
        """Load both; matching comes later, for all images or some.

        Args:
            truth: The ground truth.
            detections: The detections, of images and categories of the truth.
            iou_type: ``"bbox"``, or ``"segm"`` where both have masks.
            fast: With hotcoco if it is there; False for pycocotools.
            thresholds: IoU from which on an object is found.
            areas: Ranges of object size in square pixels by name.
            max_detections: Limits of the detections that count, per image and class.
        """
        self.iou_type, self.thresholds, self.areas, self.limits = iou_type, thresholds, areas, max_detections
        self.image_ids = sorted_ids(image["id"] for image in truth.images)
        self.category_ids = sorted_ids(category["id"] for category in truth.categories)
        self._module = hotcoco() if fast else None
        content = self._content(truth, masks=iou_type == "segm")
        self._pair = _load(self._module, content, self._renumbered(detections))

    def curves(self) -> Curves:
        """Return precision and recall of every class, size and limit."""
        evaluation = self._evaluated(range(len(self.image_ids)))
        with _silence():
            evaluation.accumulate()
        found = evaluation.eval
        return Curves(found["precision"], found["recall"], found["scores"])

    def matches(self) -> Matches:
        """Return for each detection whether it was matched, image by image."""
        parts = [self._columns(entries) for entries in self.entries()]
        return Matches.join(parts, len(self.category_ids), len(self.image_ids))

    def entries(self) -> Iterator[list[dict[str, Any]]]:
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
        image_ids = [place + 1 for place in images]
        if self._module:
            evaluation = self._module.COCOeval(*self._pair, self.iou_type)
            params = evaluation.params
            params.img_ids, params.iou_thrs, params.max_dets = image_ids, list(self.thresholds), list(self.limits)
            params.area_rng, params.area_rng_lbl = [list(area) for area in self.areas.values()], list(self.areas)
        else:
            from pycocotools.cocoeval import COCOeval

            evaluation = COCOeval(*self._pair, self.iou_type)
            params = evaluation.params
            params.imgIds, params.iouThrs, params.maxDets = image_ids, np.array(self.thresholds), list(self.limits)
            params.areaRng, params.areaRngLbl = [list(area) for area in self.areas.values()], list(self.areas)
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
        # pycocotools writes the truth's id for a match, hotcoco also a flag.
        matched = "dtMatched" if self._module else "dtMatches"
        return {
            "group": np.repeat(group, sizes),
            "image": np.repeat(image, sizes),
            "rank": np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes),
            "score": np.fromiter(chain.from_iterable(e["dtScores"] for e in entries), float, sizes.sum()),
            "matched": _rows((e[matched] for e in entries), len(self.thresholds), sizes),
            "ignored": _rows((e["dtIgnore"] for e in entries), len(self.thresholds), sizes),
            "truth_group": group,
            "truth_image": image,
            "positives": np.array(positives, dtype=np.int64),
        }


def _rows(blocks: Iterator[Any], levels: int, sizes: np.ndarray) -> np.ndarray:
    """Return blocks ``(levels, D)`` side by side as one bool array ``(levels, sum of D)``, D given by ``sizes``."""
    total = int(sizes.sum())
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(blocks)), dtype=bool, count=levels * total)
    start = np.cumsum(sizes) - sizes
    # In `flat` a block lies whole, row after row: element (t, j) of block e is at T * start[e] + t * sizes[e] + j.
    first = np.repeat((levels - 1) * start, sizes) + np.arange(total)
    return flat[first + np.arange(levels)[:, None] * np.repeat(sizes, sizes)]


def _load(module: ModuleType | None, content: dict[str, Any], detections: Detections) -> tuple[Any, Any]:
    """Return the engine's own objects for truth and detections."""
    if module:
        coco = module.COCO(content)
        if not detections.own_boxes:
            return coco, coco.load_res(detections.rows())
        table = np.column_stack([detections.image_id, detections.bbox, detections.score, detections.category_id])
        masks = detections.segmentation
        return coco, coco.load_res(table.astype(np.float64), **({"segmentation": masks} if masks else {}))
    from pycocotools.coco import COCO

    with _silence():
        coco = COCO()
        coco.dataset = content
        coco.createIndex()
        return coco, coco.loadRes(detections.rows()) if len(detections) else COCO()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep the engines' progress lines off the standard output."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
