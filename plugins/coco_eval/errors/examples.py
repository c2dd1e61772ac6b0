"""Drawings of the images with the worst errors in a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tintbox.errors import TintboxError, one_line
from tintbox.plugins.coco_eval.columns import sorted_ids
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.errors.picture import Box, census, draw, read_picture
from tintbox.plugins.coco_eval.errors.tide import KINDS, Explanation

SCORE = 0.25  # detections below it are neither drawn nor counted
LONGEST = 200  # bytes of an image's name in that of its drawing; file systems allow 255 in all


@dataclass(frozen=True)
class Weight:
    """The severity of the errors in one image.

    Attributes:
        lost: Number of objects not found.
        false: Sum of the scores of the false detections that are drawn.
    """

    image_id: int
    lost: int
    false: float

    @property
    def total(self) -> float:
        """One per object not found, plus the score of each false detection."""
        return self.lost + self.false


def weigh(explanation: Explanation, truth: Truth, detections: Detections) -> list[Weight]:
    """Return the images with errors, worst first; ties are in order of id."""
    ids = sorted_ids(image["id"] for image in truth.images)
    lost = np.isin(explanation.truth_kind, ("missed", "covered"))
    wrong = np.isin(explanation.detection_kind, KINDS) & (detections.score >= SCORE)
    rows = np.array([row["image_id"] for row in truth.annotations], np.int64)[lost]
    objects = np.bincount(np.searchsorted(ids, rows), minlength=len(ids))
    scores = np.bincount(np.searchsorted(ids, detections.image_id[wrong]), detections.score[wrong], len(ids))
    weights = [Weight(*row) for row in zip(ids.tolist(), objects.tolist(), scores.tolist())]
    return sorted((weight for weight in weights if weight.total > 0), key=lambda weight: -weight.total)


def draw_worst(
    explanation: Explanation,
    truth: Truth,
    detections: Detections,
    paths: Mapping[int, str | Path],
    folder: str | Path,
    n: int = 20,
) -> None:
    """Draw the images with the worst errors: truth on the left, detections on the right, coloured by kind of error.

    Images are ranked by the number of objects not found plus the scores of false detections. Masks are shown as boxes.
    An image whose file, given by image id in ``paths``, can't be read is drawn as a grey area. The files are
    ``01_<name of the image>.jpg`` and so on, worst first.

    Raises:
        TintboxError: The folder cannot be written.
    """
    folder = Path(folder)
    worst = weigh(explanation, truth, detections)[:n]
    images = {image["id"]: image for image in truth.images}
    names = {category["id"]: str(category["name"]) for category in truth.categories}
    truth_image = np.array([row["image_id"] for row in truth.annotations], np.int64)
    partner = _partners(explanation, detections)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for rank, weight in enumerate(worst, start=1):
            image = images[weight.image_id]
            objects = [
                _object(explanation, truth, row, names, partner.get(row, ("missed", 1.0)))
                for row in np.flatnonzero(truth_image == weight.image_id).tolist()
            ]
            rows = np.flatnonzero((detections.image_id == weight.image_id) & (detections.score >= SCORE))
            rows = rows[np.argsort(detections.score[rows], kind="stable")]  # high scores on top
            found = [_detection(explanation, truth, detections, row, names) for row in rows.tolist()]
            picture, width, height = read_picture(paths.get(weight.image_id), image, [*objects, *found])
            name = one_line(image.get("file_name", weight.image_id)).encode("utf-8", "replace").decode()
            title = (
                f"{rank} of {len(worst)}: {name}, weight {weight.total:.2f}: "
                f"{weight.lost} not found, scores of false detections {weight.false:.2f}"
            )
            panels = {
                f"truth: {census(objects, 'found')}": objects,
                f"detections from {SCORE:g} on: {census(found, 'right')}": found,
            }
            faint = f"only by a detection below {SCORE:g}"
            stem = Path(name).stem.encode()[:LONGEST].decode(errors="ignore")
            file = folder / f"{rank:0{max(2, len(str(len(worst))))}d}_{stem}.jpg"
            draw(picture, width, height, panels, faint, title, file)
    except OSError as error:
        raise TintboxError(f"examples: {folder} cannot be written ({one_line(error)})") from error


def _object(
    explanation: Explanation,
    truth: Truth,
    row: int,
    names: dict[int, str],
    partner: tuple[str, float],
) -> Box:
    """Return the box of a truth object, coloured by its outcome."""
    annotation = truth.annotations[row]
    state = str(explanation.truth_kind[row])
    kind = partner[0] if state in ("found", "covered") else state
    words = names[annotation["category_id"]] + (" (crowd)" if state == "ignored" else "")
    faint = state in ("found", "covered") and partner[1] < SCORE
    return Box(tuple(annotation["bbox"]), kind, words, lost=state in ("missed", "covered"), faint=faint)


def _detection(explanation: Explanation, truth: Truth, detections: Detections, row: int, names: dict[int, str]) -> Box:
    """Return the box of a detection, coloured by its kind, with the object that it fails to localise."""
    kind, concerned = str(explanation.detection_kind[row]), int(explanation.detection_truth[row])
    words = f"{names[int(detections.category_id[row])]} {detections.score[row]:.2f}"
    other = None
    if kind == "classification":
        words += f", is {names[truth.annotations[concerned]['category_id']]}"
    if kind in ("localisation", "both"):
        other = tuple(truth.annotations[concerned]["bbox"])
    return Box(tuple(detections.bbox[row].tolist()), kind, words, other=other)


def _partners(explanation: Explanation, detections: Detections) -> dict[int, tuple[str, float]]:
    """Return kind and score of the detection that found each object, else of the highest-scoring one that covers it."""
    kinds = explanation.detection_kind
    rows = np.flatnonzero(np.isin(kinds, ("true positive", "classification", "localisation")))
    rows = rows[np.lexsort((detections.score[rows], kinds[rows] == "true positive"))]  # the last one per object wins
    partners = zip(kinds[rows].tolist(), detections.score[rows].tolist())
    return dict(zip(explanation.detection_truth[rows].tolist(), partners))
