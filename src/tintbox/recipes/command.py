"""The `tintbox recipe` command: inspect the data, measure the speed, choose settings, write and show them."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tintbox import checkpoint_file
from tintbox.errors import TintboxError
from tintbox.folds.groups import AUTO
from tintbox.plugins.detector import TASKS
from tintbox.recipes import pace as timing
from tintbox.recipes import probing, recipe_file, rules, splitting, survey
from tintbox.recipes.policies import POLICY
from tintbox.recipes.rules import Recipe
from tintbox.recipes.survey import Split, Survey
from tintbox.studies import files

MINUTES = 30  # time limit for the training, unless it or the epochs are given
TIMING = 0.1  # of the minutes, at most, go to timing steps, though two steps are always timed
MOST_CLASSES = 30  # shown in a table

Table = tuple[str, dict[str, str], list[list[str]]]  # title, alignment by header, rows


class Written(NamedTuple):
    """A written recipe.

    Attributes:
        held: The contents of the dataset.
        pace: The model's training speed on this machine.
        remarks: Remarks on how the images were split, as lines.
        data: The dataset's YAML: the new one if a validation split was made.
        command: The command that trains with it.
    """

    held: Survey
    recipe: Recipe
    pace: timing.Pace
    remarks: list[str]
    probe: probing.Outcome | None
    data: str
    file: Path
    command: str


def recipe(
    model: str | Path,
    data: str | Path,
    minutes: float | None = None,
    imgsz: int | None = None,
    epochs: int | None = None,
    device: Any = None,
    out: str | Path = "recipe.yaml",
    probe: bool = False,
    split: float | None = None,
    groups: Any = AUTO,
) -> Written:
    """Write a recipe for a dataset, a model and this machine; `tintbox recipe -h` explains the arguments.

    Raises:
        TintboxError: The model does not exist, the dataset cannot be trained on, the time is too short, or the file
            cannot be written.
    """
    if epochs and minutes and not probe:
        raise TintboxError(f"minutes={minutes:g}: epochs={epochs} says how long the training is; leave one of them out")
    minutes = minutes or MINUTES
    imgsz = imgsz and 32 * math.ceil(imgsz / 32)  # as in training
    remarks: list[str] = []
    source = str(data)
    recipe_file.check(out)
    task = files.model(str(model)).task
    if task not in (None, *TASKS):
        raise TintboxError(f"model={model}: recipes are for {', '.join(TASKS)}; this is a model to {task}")
    if checkpoint_file.mentions(Path(model), b"tintbox.plugins.extend"):
        raise TintboxError(
            f"model={model} is an extended model; take the recipe for the model that it extends, and add extend=true"
        )
    if groups != AUTO and not probe and split is None:
        raise TintboxError(
            f"groups={groups}: it says what stays together in a fold or split; give probe=true or split="
        )
    if split is not None:
        made, remarks = splitting.split(data, split, out, groups)
        source = str(made)
    held = survey.take(source, pose=task == "pose")
    request = {"model": str(model), "data": source, "minutes": minutes, "imgsz": imgsz, "epochs": epochs}
    request |= {"device": device, "groups": groups}
    known = probing.resume(probing.folder_of(out), request) if probe else None
    pace = known or time_steps(held, str(model), source, imgsz, device, 60 * TIMING * minutes)
    weights = rules.trained_weights(model, task)
    choose = partial(rules.choose, held, pace, imgsz=imgsz, epochs=epochs, weights=weights)
    found = probing.probe(choose, pace, request, out) if probe else None
    chosen, measured = (found.recipe, found.comments()) if found else (choose(minutes), [])
    file = recipe_file.write(out, chosen, str(model), source, None if epochs else minutes, measured)
    return Written(held, chosen, pace, remarks, found, source, file, recipe_file.command(model, source, file))


def time_steps(
    held: Survey, model: str, data: str, imgsz: int | None, device: Any, limit: float = math.inf
) -> timing.Pace:
    """Return how fast a model trains on a dataset here with no layer frozen, as in most epochs, timed up to a limit."""
    size = imgsz or rules.choose_size(held)[1]
    batch = rules.choose_batch(held)
    learning = {s.name: s.value for s in rules.choose_learning(held, pretrained=True) if s.name not in POLICY}
    given = {"batch": batch, "nbs": batch, "amp": "auto", "imgsz": size, "device": device}
    return timing.measure(model, data, {**learning, **given}, limit)


def tables(held: Survey, chosen: Recipe) -> list[Table]:
    """Return the tables to show: splits, classes and settings."""
    splits = []
    numbers = ("images", "skipped", "boxes", "backgrounds", "small box", "at border", "greyscale", "faults")
    for name, split in held.splits.items():
        small, border = small_box(split), at_border(split)
        splits.append([
            name, f"{len(split.files):,}", f"{len(split.files) - split.used:,}", f"{len(split.labels.classes):,}",
            f"{split.labels.unlabelled + split.labels.empty:,}", "" if small is None else f"{small:.0f} px",
            "" if border is None else f"{100 * border:.0f}%", f"{100 * split.grey:.0f}%",
            f"{sum(map(len, split.labels.faults.values())):,}",
        ])  # fmt: skip
    settings = [[s.name, show_value(s), s.reason] for s in chosen.settings]
    return [
        (f"{held.title}: splits", {"split": "left", **dict.fromkeys(numbers, "right")}, splits),
        ("boxes per class", {"class": "left", **dict.fromkeys(held.splits, "right")}, class_rows(held)),
        ("settings", dict.fromkeys(("argument", "value", "reason"), "left"), settings),
    ]


def small_box(split: Split) -> float | None:
    """Return the root of the area, in pixels, under which a tenth of a split's boxes are; None without boxes."""
    return float(np.quantile(split.pixels, survey.SMALL)) if len(split.pixels) else None


def at_border(split: Split) -> float | None:
    """Return the fraction of a split's boxes that are cut by the image border; None without boxes."""
    return float(split.labels.at_border.mean()) if len(split.labels.classes) else None


def show_value(setting: rules.Setting) -> str:
    """Return a setting's value for the table; for one that keeps the default, also the alternative."""
    if setting.value is not None:
        return recipe_file.as_yaml(setting.value)
    return "default" if setting.instead is None else f"default, or {recipe_file.as_yaml(setting.instead)}"


def class_rows(held: Survey) -> list[list[str]]:
    """Return the boxes of each class per split; of many classes, those with the most and the fewest training boxes."""
    counts = np.stack([held.counts(split) for split in held.splits], axis=1)
    if len(counts) <= MOST_CLASSES:
        return [[name, *(f"{n:,}" for n in row)] for name, row in zip(held.names, counts)]
    order = np.argsort(-counts[:, 0], kind="stable")
    first, between, last = np.split(order, [MOST_CLASSES // 2, -(MOST_CLASSES // 2)])
    rows = [[held.names[i], *(f"{n:,}" for n in counts[i])] for i in (*first, *last)]
    rest = [f"... {len(between)} others", *(f"{n:,}" for n in counts[between].sum(axis=0))]
    return [*rows[: len(first)], rest, *rows[len(first) :]]


def as_json(written: Written) -> str:
    """Return everything as JSON."""
    held, chosen, pace = written.held, written.recipe, written.pace
    names = [name if held.names.count(name) == 1 else f"{name} ({index})" for index, name in enumerate(held.names)]
    splits = {
        name: {
            "pictures": len(split.files),
            "used": split.used,
            "boxes": dict(zip(names, held.counts(name).tolist())),
            "unlabelled": split.labels.unlabelled,
            "empty": split.labels.empty,
            "small_box": small_box(split),
            "at_border": at_border(split),
            "faults": split.labels.faults,
            "damaged": split.unreadable,
            "grey": split.grey,
        }
        for name, split in held.splits.items()
    }
    content = {
        "recipe": str(written.file),
        "data": written.data,
        "arguments": chosen.arguments(),
        "reasons": {s.name: s.reason for s in chosen.settings},
        "instead": {s.name: s.instead for s in chosen.settings if s.instead is not None},
        "advice": chosen.advice,
        "pace": {
            "seconds_per_picture": pace.seconds,
            "seconds_to_save": pace.saving,
            "imgsz": pace.imgsz,
            "device": pace.device,
        },
        "splits": splits,
        "shared": {" and ".join(names): pairs for names, pairs in held.shared.items()},
        "colours": held.colours,
        "probe": written.probe.as_dict() if written.probe else None,
    }
    return json.dumps(content, indent=2)
