"""The `tintbox recipe` command: look, time, choose, write, say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tintbox.recipes import pace as machine
from tintbox.recipes import recipe_file, rules, survey
from tintbox.recipes.labels import count_faults
from tintbox.recipes.rules import Recipe
from tintbox.recipes.survey import Survey

Table = tuple[str, dict[str, str], list[list[str]]]  # title, alignment by header, rows


def recipe(
    model: str | Path,
    data: str | Path,
    minutes: float = 30,
    imgsz: int | None = None,
    epochs: int | None = None,
    device: Any = None,
    out: str | Path = "recipe.yaml",
) -> tuple[Survey, Recipe, machine.Pace, Path]:
    """Write a recipe for a dataset, a model and this machine.

    Args:
        model: A checkpoint or a model's YAML.
        data: The dataset's YAML.
        minutes: How long the training may take.
        imgsz: Side in pixels, if it is not to be chosen.
        epochs: Passes over the pictures, if they are not to be chosen; the minutes do not count then.
        device: Where to train.
        out: The file to write.

    Returns:
        What the dataset holds, the recipe, the machine's pace and the file.

    Raises:
        TintboxError: The dataset cannot be learnt from, the time is too short, or the file cannot be written.
    """
    held = survey.take(data)
    size = imgsz or rules.choose_size(held)[1]
    settings = {**rules.Recipe(rules.choose_learning(held), []).arguments(), "batch": rules.choose_batch(held)}
    settings |= {"nbs": settings["batch"], "amp": "auto", "imgsz": size, "device": device}
    pace = machine.measure(str(model), str(data), settings)
    chosen = rules.choose(held, pace, minutes, imgsz, epochs)
    return held, chosen, pace, recipe_file.write(out, chosen, str(model), str(data), minutes)


def tables(held: Survey, chosen: Recipe) -> list[Table]:
    """Return what is shown: the splits, the classes, and the settings."""
    splits, right = (
        [],
        dict.fromkeys(("pictures", "boxes", "backgrounds", "small box", "at a border", "grey", "faults"), "right"),
    )
    for name, split in held.splits.items():
        boxes = len(split.labels.classes)
        width = np.median(split.sizes.max(axis=1))
        splits.append([
            name, f"{len(split.files):,}", f"{boxes:,}", f"{split.labels.unlabelled + split.labels.empty:,}",
            f"{width * np.quantile(split.sides, rules.SMALL):.0f} px" if boxes else "",
            f"{100 * split.labels.at_border.mean():.0f}%" if boxes else "", f"{100 * split.grey:.0f}%",
            f"{count_faults(split.labels).total():,}",
        ])  # fmt: skip
    classes = [[name, *(f"{held.counts(split)[i]:,}" for split in held.splits)] for i, name in enumerate(held.names)]
    settings = [[s.name, "" if s.value is None else recipe_file.as_yaml(s.value), s.reason] for s in chosen.settings]
    return [
        (f"{held.title}: the splits", {"split": "left", **right}, splits),
        ("boxes by class", {"class": "left", **dict.fromkeys(held.splits, "right")}, classes),
        ("settings", dict.fromkeys(("argument", "value", "reason"), "left"), settings),
    ]


def as_json(held: Survey, chosen: Recipe, pace: machine.Pace, file: Path) -> str:
    """Return all of it as JSON."""
    splits = {
        name: {
            "pictures": len(split.files),
            "boxes": dict(zip(held.names, held.counts(name).tolist())),
            "unlabelled": split.labels.unlabelled,
            "empty": split.labels.empty,
            "faults": split.labels.faults,
            "grey": split.grey,
        }
        for name, split in held.splits.items()
    }
    content = {
        "recipe": str(file),
        "arguments": chosen.arguments(),
        "reasons": {s.name: s.reason for s in chosen.settings},
        "advice": chosen.advice,
        "pace": {"seconds_per_picture": pace.seconds, "imgsz": pace.imgsz, "device": pace.device},
        "splits": splits,
        "shared": {" and ".join(names): pairs for names, pairs in held.shared.items()},
        "colours": held.colours,
    }
    return json.dumps(content, indent=2)
