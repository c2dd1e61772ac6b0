"""Detections of a split, in columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.columns import Rows, no_collection, parse, read_bytes
from tintbox.plugins.coco_eval.run_lengths import boxes_of, read_masks
from tintbox.plugins.coco_eval.truth import Truth


@dataclass(frozen=True)
class Detections:
    """Detections as COCO's result format has them, one row each.

    Attributes:
        image_id: ``(N,)`` int64.
        category_id: ``(N,)`` int64.
        bbox: ``(N, 4)`` float64: x, y, width, height in pixels.
        score: ``(N,)`` float64, 0..1.
        segmentation: ``N`` run-length encodings ``{"size": [height, width], "counts": str}``, or None without masks.
        own_boxes: False if the boxes were taken from the masks. A detection's size is then that of its mask for
            pycocotools, else that of its box.
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
    @no_collection()
    def read(cls, file: str | Path, truth: Truth) -> Detections:
        """Read COCO's result format: a list of objects, which may be empty as may be the file.

        Each has ``image_id``, ``category_id``, ``score`` and ``bbox``, or ``segmentation`` in run lengths, or both.

        Args:
            file: The JSON file.
            truth: What the detections belong to.

        Raises:
            TintboxError: It is no such list, or a row is wrong; the line says which.
        """
        raw = read_bytes(file)
        content = parse(raw, file) if raw.strip() else []
        if isinstance(content, dict):
            raise TintboxError(f"{file}: an object {{...}}, not a list of detections [...]; is it the annotations?")
        rows = Rows(file, "", content)
        if not content:
            return cls.empty()
        image_id, category_id = rows.integers("image_id"), rows.integers("category_id")
        images = {image["id"]: image for image in truth.images}
        classes = [category["id"] for category in truth.categories]
        rows.check_known("image_id", image_id, images, f"the truth has {_span(images)}")
        rows.check_known("category_id", category_id, classes, f"the truth has {_span(classes)}")
        score = rows.numbers("score")
        rows.refuse(~((score >= 0) & (score <= 1)), "has score {}, outside 0..1", score)
        # As for pycocotools, the first row tells which kind they all are.
        segmentation = read_masks(rows, image_id, images) if content[0].get("segmentation") else None
        if segmentation is None or content[0].get("bbox"):
            return cls(image_id, category_id, rows.boxes(), score, segmentation)
        return cls(image_id, category_id, boxes_of(segmentation), score, segmentation, own_boxes=False)

    def rows(self) -> list[dict[str, Any]]:
        """Return the detections as COCO's result format has them, as `pycocotools.coco.COCO.loadRes` takes it."""
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

    @no_collection()
    def save(self, file: str | Path) -> None:
        """Write COCO's result format, with every digit.

        Raises:
            OSError: The file cannot be written.
        """
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_bytes(orjson.dumps(self.rows()))


def _span(ids: Collection[int]) -> str:
    """Return the range of some ids in words."""
    return f"{len(ids)}, {min(ids)} to {max(ids)}" if ids else "none"
