"""The `tintbox recipe` command: look, time, choose, write, say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tintbox.folds.groups import AUTO
from tintbox.recipes import pace as machine
from tintbox.recipes import probing, recipe_file, rules, splitting, survey
from tintbox.recipes.labels import count_faults
from tintbox.recipes.policies import POLICY
from tintbox.recipes.rules import Recipe
from tintbox.recipes.survey import Survey

Table = tuple[str, dict[str, str], list[list[str]]]  # title, alignment by header, rows


class Written(NamedTuple):
    """A recipe that was written.

    Attributes:
        held: What the dataset holds.
        recipe: The recipe.
        pace: How fast the model trains here.
        told: What was found out about the pictures on the way, in lines.
        probe: What was tried and what came out, None without a probe.
        data: The dataset's YAML, the one with a validation split if that was made.
        file: The recipe's file.
    """

    held: Survey
    recipe: Recipe
    pace: machine.Pace
    told: list[str]
    probe: probing.Outcome | None
    data: str
    file: Path


def recipe(
    model: str | Path,
    data: str | Path,
    minutes: float = 30,
    imgsz: int | None = None,
    epochs: int | None = None,
    device: Any = None,
    out: str | Path = "recipe.yaml",
    probe: bool = False,
    split: float | None = None,
    groups: Any = AUTO,
) -> Written:
    """Write a recipe for a dataset, a model and this machine.

    Args:
        model: A checkpoint or a model's YAML.
        data: The dataset's YAML.
        minutes: How long the training may take.
        imgsz: Side in pixels, if it is not to be chosen.
        epochs: Passes over the pictures, if they are not to be chosen; the minutes do not count then.
        device: Where to train.
        out: The file to write.
        probe: Whether to try policies on folds of the training pictures, in up to half of the minutes.
        split: The share of the training pictures to keep for validation, of a dataset that has no validation split.
        groups: Which pictures stay together in a fold or split; see `tintbox.folds.groups.find`.

    Raises:
        TintboxError: The dataset cannot be learnt from, the time is too short, or the file cannot be written.
    """
    told: list[str] = []
    source = str(data)
    if split is not None:
        made, told = splitting.split(data, split, out, groups)
        source = str(made)
    held = survey.take(source)
    request = {"model": str(model), "data": source, "minutes": minutes, "imgsz": imgsz, "epochs": epochs}
    request |= {"device": device, "groups": groups}
    known = probing.resume(probing.folder_of(out), request) if probe else None
    pace = known or time_steps(held, str(model), source, imgsz, device)
    if not probe:
        chosen = rules.choose(held, pace, minutes, imgsz, epochs)
        file = recipe_file.write(out, chosen, str(model), source, minutes)
        return Written(held, chosen, pace, told, None, source, file)
    found = probing.probe(held, pace, request, out)
    file = recipe_file.write(out, found.recipe, str(model), source, minutes, found.comments())
    return Written(held, found.recipe, pace, told, found, source, file)


def time_steps(held: Survey, model: str, data: str, imgsz: int | None, device: Any) -> machine.Pace:
    """Return how fast a model trains on a dataset here, with everything awake, as it is in most epochs."""
    size = imgsz or rules.choose_size(held)[1]
    learning = rules.Recipe(rules.choose_learning(held), []).arguments()
    settings = {key: value for key, value in learning.items() if key not in POLICY}
    settings["batch"] = rules.choose_batch(held)
    settings |= {"nbs": settings["batch"], "amp": "auto", "imgsz": size, "device": device}
    return machine.measure(model, data, settings)


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


def as_json(written: Written) -> str:
    """Return all of it as JSON."""
    held, chosen, pace = written.held, written.recipe, written.pace
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
        "recipe": str(written.file),
        "data": written.data,
        "arguments": chosen.arguments(),
        "reasons": {s.name: s.reason for s in chosen.settings},
        "advice": chosen.advice,
        "pace": {"seconds_per_picture": pace.seconds, "imgsz": pace.imgsz, "device": pace.device},
        "splits": splits,
        "shared": {" and ".join(names): pairs for names, pairs in held.shared.items()},
        "colours": held.colours,
        "probe": written.probe.as_dict() if written.probe else None,
    }
    return json.dumps(content, indent=2)
