"""Settings for a dataset, a model and a machine, each with its reason in numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.description import YAMLS
from tintbox.recipes.advice import advise
from tintbox.recipes.pace import Pace
from tintbox.recipes.survey import Survey

STEPS = 600  # of the optimizer, which a pretrained detector needs to settle on a few hundred pictures
LEAST_EPOCHS, MOST_EPOCHS = 20, 300
SIZES = range(320, 1281, 32)
USUAL = 640  # pixels: what detectors are pretrained with
SEEN = 16  # pixels of a small box's side that the finest cells, 8 pixels wide, can tell
SMALL = 0.1  # quantile of the box sides that counts as small
BATCH, SMALL_BATCH = 16, 8
MANY_STEPS = 20  # of an epoch, from which on batches need not be small
CLOSING = 10  # epochs without mosaic at the end, as Ultralytics
WAKE = 0.1  # of the epochs: when the backbone begins to train
COLOURED = 0.5  # how far colours tell classes, from which on they must not be shifted
GREY = 0.9  # share of grey pictures from which on colours are nothing to learn
IMBALANCE = 10  # boxes of the most frequent class by those of the rarest
SIDES = re.compile(r"(?<![a-z])(left|right|links|rechts|lhs|rhs)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Setting:
    """One training argument.

    Attributes:
        name: Of the argument.
        value: None leaves Ultralytics' own, and is written as a comment.
        reason: Why, in a line.
        instead: What to set if one knows better than the pictures, of a value that is left.
    """

    name: str
    value: Any
    reason: str
    instead: Any = None


@dataclass(frozen=True)
class Recipe:
    """Settings, and what would help more than any of them."""

    settings: list[Setting]
    advice: list[str]

    def arguments(self) -> dict[str, Any]:
        """Return the training arguments."""
        return {s.name: s.value for s in self.settings if s.value is not None}


def choose_size(survey: Survey) -> tuple[int, int]:
    """Return the side in pixels that the boxes need at least, and the one that is wanted where time allows."""
    train = survey.splits["train"]
    small = float(np.quantile(train.sides, SMALL))
    longest = int(train.sizes.max())
    largest = next((size for size in SIZES if size >= longest), SIZES[-1])
    needed = next((size for size in SIZES if size * small >= SEEN), SIZES[-1])
    needed = min(needed, largest)
    return needed, max(needed, min(USUAL, largest))


def choose_batch(survey: Survey) -> int:
    """Return how many pictures make a batch: 8 where an epoch would have few steps of 16, fewer where under four.

    With equal passes over 90 to 218 pictures, batches of 8 were ahead of 16, and not with 448: docs/few-labels.md.
    """
    pictures = survey.splits["train"].used
    most = BATCH if pictures >= MANY_STEPS * BATCH else SMALL_BATCH
    return max(2, min(most, 2 ** int(math.log2(max(pictures // 4, 2)))))


def is_pretrained(model: str | Path) -> bool:
    """Return whether a model has learnt something: of a YAML the weights are random."""
    return Path(model).suffix not in YAMLS


def choose(
    survey: Survey,
    pace: Pace,
    minutes: float,
    imgsz: int | None = None,
    epochs: int | None = None,
    pretrained: bool = True,
) -> Recipe:
    """Return the recipe for a dataset.

    Args:
        survey: What it holds.
        pace: How fast the model trains here.
        minutes: How long the training may take.
        imgsz: The side in pixels that the user wants.
        epochs: The passes over the pictures that the user wants; the minutes do not count then.
        pretrained: Whether the model has learnt something.

    Raises:
        TintboxError: Not even one epoch fits into the time.
    """
    schedule = choose_schedule(survey, pace, minutes, imgsz, epochs)
    settings = [*schedule, *choose_learning(survey, pretrained), *choose_loss(survey), *choose_augmentation(survey)]
    begin = "begin with pretrained weights (model=yolo11n.pt, say): these are random, and take far more labels"
    return Recipe(settings, [*([] if pretrained else [begin]), *advise(survey)])


def choose_schedule(survey: Survey, pace: Pace, minutes: float, imgsz: int | None, epochs: int | None) -> list[Setting]:
    """Return size, epochs and what goes with them, within the time if the epochs are not given."""
    batch = choose_batch(survey)
    training, validation = (survey.splits[name].used for name in ("train", "val"))
    per_epoch = math.ceil(training / batch)
    wanted = min(max(math.ceil(STEPS / per_epoch), LEAST_EPOCHS), MOST_EPOCHS)
    needed, best = (imgsz, imgsz) if imgsz else choose_size(survey)
    size = best
    while size > needed and not epochs and wanted * pace.epoch(training, validation, size) > 60 * minutes:
        size -= 32
    seconds = pace.epoch(training, validation, size)
    asked, epochs = epochs, epochs or min(wanted, int(60 * minutes / seconds))
    if epochs < 1:
        raise TintboxError(
            f"minutes={minutes:g}: an epoch at {size} px takes about {seconds:.1f} seconds on this machine; "
            f"give minutes={math.ceil(LEAST_EPOCHS * seconds / 60)} for {LEAST_EPOCHS} epochs, or a smaller imgsz="
        )
    total = f"about {epochs * seconds / 60:.1f} minutes on {pace.device}, {seconds:.1f} s an epoch"
    more = "epochs" if asked else "minutes"
    short = f"; {wanted} epochs would be {wanted * per_epoch}, for which give more {more}=" if epochs < wanted else ""
    small = np.quantile(survey.splits["train"].sides, SMALL)
    why = f"a tenth of the boxes are under {small * size:.0f} px wide at this size"
    if imgsz:
        why = f"as asked for; {why}"
    elif size < best:
        why += f"; {best} would take longer than the {minutes:g} minutes"
    closing = max(1, min(CLOSING, epochs // 3))
    return [
        Setting("imgsz", size, why),
        Setting("epochs", epochs, f"{epochs * per_epoch} steps of {batch} pictures{short}; {total}"),
        Setting("batch", batch, f"{per_epoch} steps an epoch of {training} pictures"),
        Setting(
            "nbs", batch, "every batch is a step; Ultralytics collects 64 pictures for one, which leaves few steps"
        ),
        Setting(
            "patience",
            max(20, epochs // 2),
            f"epochs without progress on the {validation} validation pictures: half of all, 20 at least",
        ),
        Setting("close_mosaic", closing, f"the last third of the epochs, {CLOSING} at most, see whole pictures"),
        Setting("amp", "auto", "bfloat16 where this machine multiplies it natively, all cores of a CPU"),
    ]


def choose_learning(survey: Survey, pretrained: bool) -> list[Setting]:
    """Return optimizer, learning rates, and what they are for a backbone that has learnt something."""
    pictures = survey.splits["train"].used
    backbone = [
        Setting("freeze", "backbone", "at first, while neck and head learn new classes and their errors are large"),
        Setting("unfreeze", {WAKE: "backbone"}, "after a tenth of the epochs, one at least"),
        Setting("lr_scale", {"backbone": 0.5}, f"{pictures} pictures move what millions have taught half as fast"),
    ]
    return [
        Setting("optimizer", "AdamW", "named, because auto chooses a learning rate of its own"),
        Setting("lr0", 0.001, "of neck and head" if pretrained else "of all layers: none has learnt anything yet"),
        *(backbone if pretrained else []),
        Setting("lrf", 0.01, "the last learning rate as a share of the first"),
        Setting("cos_lr", True, "a cosine between them"),
        Setting("momentum", 0.9, "AdamW's beta1"),
        Setting("weight_decay", 0.0005, "as Ultralytics"),
        Setting("warmup_epochs", 1.0, "one epoch of warm-up"),
        Setting("warmup_bias_lr", 0.0, "biases warm up from 0 like the weights"),
    ]


def choose_loss(survey: Survey) -> list[Setting]:
    """Return what the imbalance of the classes asks for."""
    counts = survey.counts("train")
    there = counts[counts > 0]
    ratio = there.max() / there.min()
    if ratio < IMBALANCE or len(there) < 2:
        return []
    rare, common = (
        survey.names[int(i)] for i in (np.where(counts > 0, counts, counts.max() + 1).argmin(), counts.argmax())
    )
    reason = f"{common} is {ratio:.0f} times as frequent; finds more {rare}, raises more false alarms: docs/loss.md"
    return [Setting("cls_pos_weight", None, reason, instead="balanced")]


def choose_augmentation(survey: Survey) -> list[Setting]:
    """Return what colours and directions ask for; what cannot be known stays as Ultralytics has it."""
    grey = survey.splits["train"].grey
    found = []
    if grey >= GREY:
        reason = f"{100 * grey:.0f}% of the pictures are grey"
        found += [Setting("hsv_h", 0.0, reason), Setting("hsv_s", 0.0, reason)]
    elif survey.colours is not None and survey.colours >= COLOURED:
        found.append(
            Setting(
                "hsv_h",
                0.0,
                f"a box's mean colour tells its class: {100 * survey.colours:.0f} of 100; 0 is chance, 100 always",
            )
        )
    sided = [name for name in survey.names if SIDES.search(name)]
    characters = [name for name in survey.names if len(name) == 1 and name.isalnum()]
    if sided:
        found.append(Setting("fliplr", 0.0, f"a mirrored '{sided[0]}' is none"))
    elif len(characters) > 2:
        found.append(
            Setting("fliplr", 0.0, f"classes are characters ({', '.join(characters[:3])}, ...), which mirroring spoils")
        )
    else:
        found.append(
            Setting("fliplr", None, "if a mirrored object is another one, which pictures do not tell", instead=0.0)
        )
    return found
