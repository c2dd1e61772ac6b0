"""Detections of a split, in columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tintbox import atomic
from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.rows import REFUSED, Rows, is_measurable, parse, pause_collection, read_bytes
from tintbox.plugins.coco_eval.data.run_lengths import boxes_of, read_masks
from tintbox.plugins.coco_eval.data.truth import Truth


class _Box(msgspec.Struct, gc=False):
    """A row of a result file without masks."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    score: float


_BOXES = msgspec.json.Decoder(list[_Box])


@dataclass(frozen=True)
class Detections:
    """Detections as columns of COCO's result format, one row per detection.

    Attributes:
        image_id: ``(N,)`` int64.
        category_id: ``(N,)`` int64.
        bbox: ``(N, 4)`` float64: x, y, width, height in pixels; a box with a negative side overlaps nothing.
        score: ``(N,)`` float64, 0..1.
        segmentation: ``N`` run-length encodings ``{"size": [height, width], "counts": str}``, or None without masks.
        own_boxes: False if the boxes were computed from the masks. pycocotools then takes the mask's area as the size
            of a detection, otherwise the box's.
    """

    image_id: np.ndarray
    category_id: np.ndarray
    bbox: np.ndarray
    score: np.ndarray
    segmentation: list[dict[str, Any]] | None = None
    own_boxes: bool = True

    def __len__(self) -> int:
        return len(self.score)

    @classmethod
    def empty(cls) -> Detections:
        """Return no detections."""
        none = np.zeros(0, dtype=np.int64)
        return cls(none, none, np.zeros((0, 4)), np.zeros(0))

    @classmethod
    def join(cls, parts: Sequence[Detections]) -> Detections:
        """Concatenate the detections of one or more parts, with masks if all parts with detections have them."""
        found = [part for part in parts if len(part)] or parts[:1]
        masks = all(part.segmentation is not None for part in found)
        return cls(
            image_id=np.concatenate([part.image_id for part in found]),
            category_id=np.concatenate([part.category_id for part in found]),
            bbox=np.concatenate([part.bbox for part in found]),
            score=np.concatenate([part.score for part in found]),
            segmentation=[mask for part in found for mask in part.segmentation or ()] if masks else None,
            own_boxes=all(part.own_boxes for part in found),
        )

    @classmethod
    @pause_collection()
    def read(cls, file: str | Path, truth: Truth) -> Detections:
        """Read COCO's result format: a list of objects, ``[]`` for no detections.

        Each has ``image_id``, ``category_id``, ``score``, and ``bbox`` or ``segmentation`` in run lengths or both.

        Raises:
            TintboxError: It is not such a list, or a row is invalid; the message says which.
        """
        raw = read_bytes(file)
        if not raw.strip():
            raise TintboxError(f"{file}: empty; what a model that finds nothing leaves is a list without rows, []")
        ids = [[row["id"] for row in rows] for rows in (truth.images, truth.categories)]
        if (plain := _plain_boxes(raw, *ids)) is not None:
            return plain
        return cls.of(parse(raw, file), file, truth)

    @classmethod
    def of(cls, content: Any, file: str | Path, truth: Truth) -> Detections:
        """Convert the content of a result file to detections; errors name the file.

        Raises:
            TintboxError: It is not a list of detections, or a row is invalid; the message says which.
        """
        images = {image["id"]: image for image in truth.images}
        classes = [category["id"] for category in truth.categories]
        if isinstance(content, dict):
            raise TintboxError(f"{file}: an object {{...}}, not a list of detections [...]; is it the annotations?")
        rows = Rows(file, "", content)
        if not content:
            return cls.empty()
        image_id, category_id = rows.integers("image_id"), rows.integers("category_id")
        rows.check_known("image_id", image_id, images, f"the truth has {_span(images)}")
        rows.check_known("category_id", category_id, classes, f"the truth has {_span(classes)}")
        score = rows.numbers("score")
        rows.refuse(~((score >= 0) & (score <= 1)), "has score {}, outside 0..1", score)
        # As in pycocotools, the first row determines the kind of all rows.
        segmentation = read_masks(rows, image_id, images) if content[0].get("segmentation") else None
        if segmentation is None or content[0].get("bbox"):
            return cls(image_id, category_id, rows.boxes(), score, segmentation)
        return cls(image_id, category_id, boxes_of(segmentation), score, segmentation, own_boxes=False)

    def rows(self) -> list[dict[str, Any]]:
        """Return the detections in COCO's result format, the input of `pycocotools.coco.COCO.loadRes`."""
        columns = {
            "image_id": self.image_id.tolist(),
            "category_id": self.category_id.tolist(),
            "bbox": self.bbox.tolist(),
            "score": self.score.tolist(),
        }
        if self.segmentation is not None:
            columns["segmentation"] = self.segmentation
            if not self.own_boxes:
                del columns["bbox"]
        return [dict(zip(columns, values)) for values in zip(*columns.values())]

    @pause_collection()
    def save(self, file: str | Path) -> None:
        """Write COCO's result format in full precision.

        Raises:
            OSError: The file cannot be written.
        """
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(file, msgspec.json.encode(self.rows()))


def _plain_boxes(raw: bytes, images: list[int], classes: list[int]) -> Detections | None:
    """Return the detections of a valid result file without masks.

    Return None for any other file, which is then read row by row: twice as slow, but it reports what is wrong.
    """
    if b'"segmentation"' in raw:
        return None
    try:
        rows = _BOXES.decode(raw)
        image_id, category_id = (
            np.fromiter(map(attrgetter(key), rows), np.int64, len(rows)) for key in ("image_id", "category_id")
        )
    except (*REFUSED, OverflowError):
        return None
    bbox = np.fromiter(chain.from_iterable(row.bbox for row in rows), np.float64, 4 * len(rows)).reshape(-1, 4)
    score = np.fromiter((row.score for row in rows), np.float64, len(rows))
    good = np.isin(image_id, images) & np.isin(category_id, classes) & (score >= 0) & (score <= 1)
    good &= np.isfinite(bbox).all(1) & is_measurable(bbox)
    return Detections(image_id, category_id, bbox, score) if good.all() else None


def _span(ids: Collection[int]) -> str:
    """Describe the number and range of ids."""
    return f"{len(ids)}, {min(ids)} to {max(ids)}" if ids else "none"
