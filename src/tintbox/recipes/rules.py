"""Training settings for a dataset, a model and a machine, each with its reason."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tintbox import yaml_file
from tintbox.errors import TintboxError, counted
from tintbox.plugins.polish import variants
from tintbox.recipes.advice import advise
from tintbox.recipes.pace import Pace
from tintbox.recipes.survey import Survey

TASK_SUFFIXES = {"segment": "-seg", "pose": "-pose", "obb": "-obb"}  # in the names of Ultralytics' weights
STEPS = 600  # optimizer steps that a pretrained detector needs to converge on a few hundred images
LEAST_EPOCHS, MOST_EPOCHS = 20, 300
SIZES = range(320, 1281, 32)
USUAL = 640  # pixels: the size detectors are pretrained at
SEEN = 16  # pixels: the smallest box side that the finest cells, 8 pixels wide, can resolve
BATCH, SMALL_BATCH = 16, 8
MANY_STEPS = 20  # per epoch: with at least so many, batches need not be small
CLOSING = 10  # epochs without mosaic at the end, Ultralytics' default
WAKE = 0.1  # fraction of the epochs after which the backbone trains
COLOURED = 0.5  # how well colours predict classes, from which on hues must not be shifted
GREY = 0.9  # fraction of greyscale images from which on colour augmentation is pointless
IMBALANCE = 10  # ratio of the boxes of the most frequent class to those of the rarest
# A word, or the beginning of one, as in righthand, but not of righteous; TurnLeft is two words.
SIDES = re.compile(
    r"(?<![a-z])((left|right)(?!over|ist|eous|ful|ly|ness|y|s(?![a-z]))|(links|rechts|lhs|rhs)(?![a-z]))", re.IGNORECASE
)
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
MIRRORED = {"left": "right", "right": "left", "links": "rechts", "rechts": "links"}


@dataclass(frozen=True)
class Setting:
    """One training argument.

    Attributes:
        value: Its value; None keeps Ultralytics' default and is written as a comment.
        reason: The reason, in one line.
        instead: For a None value: the value to set if it fits the data.
    """

    name: str
    value: Any
    reason: str
    instead: Any = None


@dataclass(frozen=True)
class Recipe:
    """Settings, and advice on what would help more than any of them."""

    settings: list[Setting]
    advice: list[str]

    def arguments(self) -> dict[str, Any]:
        """Return the training arguments."""
        return {s.name: s.value for s in self.settings if s.value is not None}


def choose_size(survey: Survey) -> tuple[int, int]:
    """Return the smallest image size in pixels that resolves the boxes, and the one to use if there is time."""
    train = survey.splits["train"]
    longest = int(train.sizes.max())
    largest = next((size for size in SIZES if size >= longest), SIZES[-1])
    needed = next((size for size in SIZES if size * train.small >= SEEN), SIZES[-1])
    needed = min(needed, largest)
    return needed, max(needed, min(USUAL, largest))


def choose_batch(survey: Survey) -> int:
    """Return the batch size: 8 if batches of 16 give few steps per epoch, less if 8 give fewer than four.

    With the same epochs on 90 to 218 images, batches of 8 beat 16; with 448 they didn't: docs/few-labels.md.
    """
    pictures = survey.splits["train"].used
    most = BATCH if pictures >= MANY_STEPS * BATCH else SMALL_BATCH
    return max(2, min(most, 2 ** int(math.log2(max(pictures // 4, 2)))))


def choose_closing(epochs: int) -> int:
    """Return the number of epochs without mosaic at the end: in short runs, a third of the epochs was too few.

    Measured with 15 epochs: docs/few-labels.md.
    """
    return max(1, min(CLOSING, 2 * epochs // 3))


def trained_weights(model: str | Path, task: str | None) -> str:
    """Return the weights to start from instead of a YAML, whose weights are random; "" for what is no YAML."""
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    if not yaml_file.is_yaml(model):
        return ""
    own = Path(model).with_suffix(".pt").name
    return own if own in GITHUB_ASSETS_NAMES else f"yolo11n{TASK_SUFFIXES.get(task or '', '')}.pt"


def choose(
    survey: Survey,
    pace: Pace,
    minutes: float,
    imgsz: int | None = None,
    epochs: int | None = None,
    weights: str = "",
) -> Recipe:
    """Return the recipe for a dataset and a model that trains at this pace here.

    ``imgsz`` and ``epochs`` are what the user asked for; the epochs take the place of the time limit. ``weights`` are
    the trained ones that a model with random weights should start from.

    Raises:
        TintboxError: The time is too short for one epoch.
    """
    schedule = choose_schedule(survey, pace, minutes, imgsz, epochs)
    settings = [*schedule, *choose_learning(survey, not weights), *choose_loss(survey), *choose_augmentation(survey)]
    begin = f"start from pretrained weights, e.g. model={weights}: this model's are random and need far more labels"
    size = next(s.value for s in schedule if s.name == "imgsz")
    return Recipe(settings, [*([begin] if weights else []), *advise_size(survey, size), *advise(survey)])


def choose_schedule(
    survey: Survey, pace: Pace, minutes: float, imgsz: int | None, given_epochs: int | None
) -> list[Setting]:
    """Return image size, epochs and the settings that depend on them, within the time limit unless epochs are given."""
    batch = choose_batch(survey)
    training, validation = (survey.splits[name].used for name in ("train", "val"))
    seen = len({file for _, file in survey.shared.get(("train", "val"), ())})  # validation images, in training
    enough = validation - seen >= variants.LEAST
    per_epoch = math.ceil(training / batch)
    wanted = min(max(math.ceil(STEPS / per_epoch), LEAST_EPOCHS), MOST_EPOCHS)
    needed, best = (imgsz, imgsz) if imgsz else choose_size(survey)
    size = best
    while size > needed and not given_epochs and wanted * pace.epoch(training, validation, size) > 60 * minutes:
        size -= 32
    seconds = pace.epoch(training, validation, size)
    epochs = given_epochs or min(wanted, int(60 * minutes / seconds))
    if epochs < 1:
        raise TintboxError(
            f"minutes={minutes:g}: an epoch at {size} px takes about {seconds:.1f} seconds on this machine; "
            f"give minutes={math.ceil(LEAST_EPOCHS * seconds / 60)} for {LEAST_EPOCHS} epochs, or a smaller imgsz="
        )
    total = f"about {epochs * seconds / 60:.1f} minutes on {pace.device}, {seconds:.1f} s per epoch"
    more = "epochs" if given_epochs else "minutes"
    advised = f"; {wanted} epochs ({wanted * per_epoch} steps) are recommended: increase {more}="
    short = advised if epochs < wanted else ""
    shrunk = f"; {best} would take longer than {minutes:g} minutes" * (size < best)
    closing = choose_closing(epochs)
    of_all = ", at most two thirds of all" * (closing < min(CLOSING, epochs))
    unimproved = f"epochs without improvement on {counted(validation, 'validation image')}"
    small = f"{tell_small(survey, size)} at this size"
    return [
        Setting("imgsz", size, f"{'as requested; ' * bool(imgsz)}{small}{shrunk}"),
        Setting("epochs", epochs, f"{counted(epochs * per_epoch, 'step')} of {batch} images{short}; {total}"),
        Setting("batch", batch, f"{counted(per_epoch, 'step')} per epoch with {counted(training, 'image')}"),
        Setting(
            "nbs", batch, "one optimizer step per batch; Ultralytics' default, one step per 64 images, gives few steps"
        ),
        Setting("patience", max(20, epochs // 2), f"{unimproved}: half of all epochs, at least 20"),
        Setting("close_mosaic", closing, f"no mosaic in the last {counted(closing, 'epoch')}{of_all}"),
        Setting("amp", "auto", "bfloat16 if the hardware supports it natively, and all cores of a CPU"),
        *(choose_polish(training, validation, pace, size) if enough and survey.counts("val").any() else []),
    ]


def advise_size(survey: Survey, size: int) -> list[str]:
    """Return what to do about boxes that an image size is too small for."""
    small = survey.splits["train"].small * size
    needed, _ = choose_size(survey)
    told = f"{tell_small(survey, size)} at imgsz={size}, where a detector needs {SEEN}"
    if size < needed:
        return [f"{told}: give imgsz={needed}"]
    if small < SEEN / 2:
        return [f"{told}: cut the images into tiles, about {math.ceil(SEEN / small)} along each side"]
    return []


def tell_small(survey: Survey, size: int) -> str:
    """Return how large the small boxes are at an image size, in words."""
    return f"a tenth of the boxes are under {survey.splits['train'].small * size:.0f} px (square root of the area)"


def choose_polish(training: int, validation: int, pace: Pace, size: int) -> list[Setting]:
    """Return that variants of the trained detector are to be tried on the validation images, and how long it takes."""
    minutes = pace.polish(training, validation, size) / 60
    reason = f"at the end, best.pt becomes its best variant on {validation} validation images, in {minutes:.1f} minutes"
    return [Setting("polish", True, f"{reason} more: docs/polish.md")]


def choose_learning(survey: Survey, pretrained: bool) -> list[Setting]:
    """Return optimizer and learning rates and, for a pretrained backbone, how it is frozen and scaled."""
    images = counted(survey.splits["train"].used, "image")
    slower = f"half the learning rate: pretraining taught the backbone more than {images} can"
    backbone = [
        Setting("freeze", "backbone", "frozen at first, while neck and head learn the classes and the loss is high"),
        Setting("unfreeze", {WAKE: "backbone"}, "after a tenth of the epochs, at least one"),
        Setting("lr_scale", {"backbone": 0.5}, slower),
    ]
    return [
        Setting("optimizer", "AdamW", "set explicitly, because auto chooses its own learning rate"),
        Setting("lr0", 0.001, "for neck and head" if pretrained else "for all layers, since none is pretrained"),
        *(backbone if pretrained else []),
        Setting("lrf", 0.01, "the final learning rate as a fraction of lr0"),
        Setting("cos_lr", True, "a cosine schedule between the two"),
        Setting("momentum", 0.9, "AdamW's beta1"),
        Setting("weight_decay", 0.0005, "Ultralytics' default"),
        Setting("warmup_epochs", 1.0, "one epoch of warm-up"),
        Setting("warmup_bias_lr", 0.0, "biases warm up from 0, like the weights"),
    ]


def choose_loss(survey: Survey) -> list[Setting]:
    """Return what class imbalance calls for."""
    counts = survey.counts("train")
    there = counts[counts > 0]
    ratio = there.max() / there.min()
    if ratio < IMBALANCE or len(there) < 2:
        return []
    rare, common = (
        survey.names[int(i)] for i in (np.where(counts > 0, counts, counts.max() + 1).argmin(), counts.argmax())
    )
    reason = f"{common} is {ratio:.0f} times as frequent; finds more {rare}, with more false positives: docs/loss.md"
    return [Setting("cls_pos_weight", None, reason, instead="balanced")]


def choose_augmentation(survey: Survey) -> list[Setting]:
    """Return what colours and mirrored objects call for; what images don't show keeps Ultralytics' default."""
    grey = survey.splits["train"].grey
    found = []
    if grey >= GREY:
        reason = f"{100 * grey:.0f}% of the images are greyscale"
        found += [Setting("hsv_h", 0.0, reason), Setting("hsv_s", 0.0, reason)]
    elif survey.colours is not None and survey.colours >= COLOURED:
        reason = f"a box's mean colour predicts its class: {100 * survey.colours:.0f} from 0 (chance) to 100 (always)"
        found.append(Setting("hsv_h", 0.0, reason))
    sided = find_sided(survey.names)
    characters = [name for name in survey.names if len(name) == 1 and name.isalnum()]
    if sided:
        found.append(Setting("fliplr", 0.0, f"a mirrored '{sided[0]}' is a different class"))
    elif len(characters) > 2:
        found.append(
            Setting("fliplr", 0.0, f"classes are characters ({', '.join(characters[:3])}, ...), not to be mirrored")
        )
    else:
        found.append(Setting("fliplr", None, "if mirroring changes the class, which images do not show", instead=0.0))
    return found


def find_sided(names: Sequence[str]) -> list[str]:
    """Return the classes that a mirrored image shows as other ones: named after a side, or the mirror of another."""
    known = {name.lower() for name in names}

    def is_mirrored(name: str) -> bool:
        swapped = re.sub("|".join(MIRRORED), lambda side: MIRRORED[side[0]], name.lower())
        return swapped != name.lower() and swapped in known

    return [name for name in names if SIDES.search(HUMP.sub(" ", name)) or is_mirrored(name)]
