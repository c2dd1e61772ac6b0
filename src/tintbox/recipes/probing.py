"""A probe: short runs of several policies on folds of the training images, for what the data alone can't decide.

`tintbox study` trains them. They use neither validation nor test images, which remain an independent check.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from tintbox import atomic, json_file
from tintbox.errors import TintboxError, explain_refusal, one_line
from tintbox.folds import files, groups
from tintbox.folds.pictures import Pictures, gather
from tintbox.limits import JSON_BYTES
from tintbox.recipes import policies, rules
from tintbox.recipes.pace import Pace
from tintbox.recipes.policies import FOLDS, POLICY, Finding, Plan
from tintbox.recipes.recipe_file import as_yaml
from tintbox.recipes.rules import Recipe
from tintbox.studies import checks, crossing, place
from tintbox.studies import command as study
from tintbox.studies.grid import Grid, from_values
from tintbox.studies.pooled import CrossedCell, Pools

FILE, DATA, GROUPS = "probe.json", "data.yaml", "groups.csv"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a probe.

    Attributes:
        recipe: The recipe, with the chosen policy.
        planned: What the probe tried.
        findings: The results, the recipe's own policy first.
        pictures: Number of training images that all policies were measured on.
        folder: The folder of the runs.
    """

    recipe: Recipe
    planned: Plan
    findings: Sequence[Finding]
    pictures: int
    folder: Path

    @property
    def chosen(self) -> str:
        """The name of the chosen policy."""
        return (policies.pick(self.findings) or self.findings[0]).name

    @property
    def level(self) -> float:
        """The confidence level of the differences' intervals."""
        return policies.level(len(self.findings) - 1)

    def comments(self) -> list[str]:
        """Return every policy with its numbers, one per line."""
        tried = self.planned.policies
        lines = [
            f"probe: {FOLDS * len(tried)} runs of {self.planned.epochs} epochs on {FOLDS} folds of the {self.pictures} "
            f"training images, kept in {self.folder}; AP in points, with the difference from {self.findings[0].name} "
            f"and its {100 * self.level:.1f}% interval:"
        ]
        for one in self.findings:
            what = ", ".join(f"{key}={as_yaml(value)}" for key, value in tried[one.name].items())
            lines.append(f"- {one.line} ({what or 'one rate for all layers'}){': chosen' * (one.name == self.chosen)}")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        return {
            "folder": str(self.folder),
            "folds": FOLDS,
            "epochs": self.planned.epochs,
            "pictures": self.pictures,
            "chosen": self.chosen,
            "level": self.level,
            "policies": {
                one.name: {
                    "arguments": dict(self.planned.policies[one.name]),
                    "AP": asdict(one.ap),
                    "difference": asdict(one.gap) if one.gap else None,
                }
                for one in self.findings
            },
        }


def folder_of(out: str | Path) -> Path:
    """Return the folder of a recipe's probe, next to the recipe."""
    return Path(out).with_name(f"{Path(out).stem}-probe")


def go_elsewhere(folder: Path) -> str:
    """Return how to have a probe that cannot go on in a folder, as text."""
    return f"remove {folder} or give another out="


def resume(folder: Path, request: Mapping[str, Any]) -> Pace | None:
    """Return the pace that the probe in a folder began with, so that its runs stay the same; None without a probe.

    Raises:
        TintboxError: It began with other arguments, or the folder is not a probe's.
    """
    with explain_refusal(f"{folder}: cannot be read", "; give another out="):
        if not (folder / FILE).is_file():
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise TintboxError(f"{folder} is there and is no probe; give another out=")
            return None
    found = json_file.read(folder / FILE, JSON_BYTES)
    try:
        kept = found["pace"]
        pace = Pace(float(kept["seconds"]), int(kept["imgsz"]), str(kept["device"]), float(kept["saving"]))
        if not (0 < pace.seconds < math.inf and pace.imgsz > 0 and 0 <= pace.saving < math.inf):
            raise ValueError("no pace")
        begun = dict(found["request"])
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise TintboxError(f"{folder / FILE}: no probe's; {go_elsewhere(folder)}") from error
    if differing := [key for key in {**begun, **request} if begun.get(key) != request.get(key)]:
        was = one_line(", ".join(f"{key}={begun.get(key)}" for key in sorted(differing)))
        raise TintboxError(f"{folder} has a probe with {was}; remove it or give another out=")
    return pace


def probe(choose: Callable[[float], Recipe], pace: Pace, request: Mapping[str, Any], out: str | Path) -> Outcome:
    """Train the runs of a probe that are not finished yet, and return the outcome.

    ``choose`` returns the recipe for a number of minutes; ``request`` has the command's arguments model, data, minutes,
    imgsz, epochs, device and groups.

    Raises:
        TintboxError: The time is too short, the training images cannot be split, or a run failed.
    """
    pictures = gather(request["data"])
    own = [file for file, split in zip(pictures.files, pictures.splits) if split == "train"]
    if len(own) < FOLDS:
        raise TintboxError(f"probe=true: {len(own)} training images are too few for {FOLDS} folds; label more")
    minutes = float(request["minutes"])
    recipe = check_minutes(choose, len(own), pace, minutes)
    planned = policies.plan(recipe, len(own), pace, minutes)
    # The part of its share that the probe does not need goes to the run.
    longer = choose(minutes - planned.seconds / 60)
    if longer.arguments()["imgsz"] == recipe.arguments()["imgsz"]:
        recipe = longer
    together = find_groups(pictures, own, request["groups"])
    folder = folder_of(out)
    checks.check_folder(folder, FOLDS * len(planned.policies), word="out")
    with study.explain_failures(folder):
        atomic.write_text(folder / FILE, json.dumps({"request": dict(request), "pace": asdict(pace)}, indent=1))
        grid = write_study(folder, planned, recipe, pictures, own, request, together)
    notes = [f"the probe takes about {planned.seconds / 60:.1f} of the {minutes:g} minutes"]
    notes += checks.check_arguments(grid, many=False)
    elsewhere = go_elsewhere(folder)
    if other := place.explain_difference(folder, grid):
        raise TintboxError(f"{other}; {elsewhere}")
    study.train(folder, grid, notes, elsewhere=elsewhere)
    findings = policies.find(pool(folder, grid))
    return Outcome(policies.apply(recipe, planned, findings, len(own)), planned, findings, len(own), folder)


def check_minutes(choose: Callable[[float], Recipe], pictures: int, pace: Pace, minutes: float) -> Recipe:
    """Return the recipe for the minutes that the probe leaves.

    Raises:
        TintboxError: They are too few for probe and run; the message says how many are enough.
    """
    choose(minutes)  # at least one epoch has to fit
    wanted = minutes
    while True:  # more minutes may mean larger images, which need even more
        try:
            recipe = choose((1 - policies.SHARE) * wanted)
        except TintboxError:  # not even an epoch
            wanted *= 2
            continue
        need = policies.needed(recipe, pictures, pace)
        if need <= wanted:
            break
        wanted = math.ceil(need)
    if wanted > minutes:
        tried, share = len(policies.policies_beside(recipe.arguments())), 100 * policies.SHARE
        raise TintboxError(
            f"minutes={minutes:g}: too few to try {tried} policies on {FOLDS} folds in {share:.0f}% of them on "
            f"{pace.device}; give minutes={wanted:g}, or leave probe= out"
        )
    return recipe


def find_groups(pictures: Pictures, own: Sequence[str], together: Any) -> Any:
    """Return how training images are grouped: as requested, or a mapping of image to group from a file.

    Raises:
        TintboxError: It is not a file of groups.
    """
    if together in (None, True, False, groups.AUTO, groups.NAMES, groups.NONE):
        return together
    found = dict(zip(pictures.files, groups.find(pictures.files, together, FOLDS).names))
    return {file: found[file] for file in own}


def write_study(
    folder: Path,
    planned: Plan,
    recipe: Recipe,
    pictures: Pictures,
    own: Sequence[str],
    request: Mapping[str, Any],
    together: Any,
) -> Grid:
    """Write a probe's dataset, groups and candidates; return the grid of its study, with one recipe per policy."""
    about = f"the training images of {one_line(pictures.data)}; the folds are made from them, so there is no val"
    files.write_dataset(folder / DATA, {"train": own}, pictures.kept, about)
    if isinstance(together, Mapping):
        atomic.write_csv(folder / GROUPS, together.items())
        together = str(folder / GROUPS)
    short = {"epochs": planned.epochs, "close_mosaic": rules.choose_closing(planned.epochs)}
    common = {key: value for key, value in recipe.arguments().items() if key not in (*POLICY, "patience", "polish")}
    candidates = []
    for name, policy in planned.policies.items():
        file = folder / "policies" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        atomic.write_text(file, yaml.safe_dump({**common, **short, **policy}, sort_keys=False))
        candidates.append(str(file))
    words = {"model": request["model"], "data": str(folder / DATA), "folds": FOLDS, "groups": together, "plots": False}
    words |= {"device": request["device"]} if request["device"] is not None else {}
    return from_values({**{key: [value] for key, value in words.items()}, "cfg": candidates})


def pool(folder: Path, grid: Grid) -> list[CrossedCell]:
    """Return the cells of a probe's study, the recipe's own policy first.

    Raises:
        TintboxError: A cell is incomplete.
    """
    folds = crossing.prepare(folder, grid, go_elsewhere(folder))
    pools = Pools(folder, grid, folds) if folds else None
    cells = pools.update([study.result(folder, run) for run in grid.runs()]) if pools else []
    if len(cells) < len(grid.varied["cfg"]):
        why = next(iter(pools.problems.values()), "runs are missing") if pools else "there are no folds"
        raise TintboxError(f"{folder}: the probe has no result ({why}); {study.go_on(folder)}")
    return cells
