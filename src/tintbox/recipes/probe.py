"""A probe: short runs of several policies on folds of the training pictures, where looking at the data can't decide.

`tintbox study` trains them. Neither validation nor test pictures are looked at: what those say later is news.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tintbox import atomic, json_file
from tintbox.errors import TintboxError, one_line
from tintbox.folds import files, groups
from tintbox.folds.pictures import Pictures, gather
from tintbox.limits import JSON_BYTES
from tintbox.recipes.pace import REST, VALIDATION, Pace
from tintbox.recipes.recipe_file import as_yaml
from tintbox.recipes.rules import Recipe, Setting
from tintbox.studies import checks, crossing
from tintbox.studies import command as study
from tintbox.studies.grid import Grid, from_values
from tintbox.studies.pooled import CrossedCell, Estimate, Pools

SHARE = 0.5  # of the minutes, at most
FOLDS = 3
LEAST_EPOCHS, LEAST_STEPS = 5, 100  # of a run from which policies can be told apart
STARTUP = 10.0  # seconds of a run before its first step and after its last
FILE, DATA, CANDIDATES_FOLDER = "probe.json", "data.yaml", "candidates"
# What a policy is made of, and the policies that are tried beside the recipe's own.
POLICY = ("freeze", "unfreeze", "freeze_bn", "lr_scale")
CANDIDATES: dict[str, dict[str, Any]] = {
    "backbone-0.1": {"lr_scale": {"backbone": 0.1}},
    "backbone-0.3": {"lr_scale": {"backbone": 0.3}},
    "one-rate": {},
    "frozen": {"freeze": "backbone"},
    "frozen-5-rest-0.3": {"freeze": "backbone[:5]", "lr_scale": {"backbone": 0.3}},
    "batchnorms-0.1": {"freeze_bn": True, "lr_scale": {"backbone": 0.1}},
    "decay-0.8": {"lr_scale": 0.8},
}
OWN = "recipe"  # the recipe's policy, where it is none of these


@dataclass(frozen=True)
class Plan:
    """What is tried.

    Attributes:
        policies: By name; the recipe's own comes first.
        epochs: Of each run.
        seconds: What all runs take, about.
    """

    policies: Mapping[str, Mapping[str, Any]]
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Finding:
    """What came out for a policy.

    Attributes:
        name: Its name.
        ap: COCO's AP over all training pictures.
        gap: How far it is ahead of the recipe's own policy; None for that.
    """

    name: str
    ap: Estimate
    gap: Estimate | None

    @property
    def line(self) -> str:
        """It in words, in points of AP."""
        own = f"{self.name}: AP {100 * self.ap.value:.1f}"
        return own if self.gap is None else f"{own}, {margin(self.gap)}"


@dataclass(frozen=True)
class Result:
    """The outcome of a probe.

    Attributes:
        findings: Of every policy, the recipe's own first.
        winner: The name of the best policy that is better beyond chance; None for the recipe's own.
        pictures: Number of training pictures that all are judged on.
        folder: Where the runs are.
    """

    findings: Sequence[Finding]
    winner: str | None
    pictures: int
    folder: Path


def margin(gap: Estimate) -> str:
    """Return a difference in points with its interval."""
    points = Estimate(*(100 * value for value in (gap.value, gap.low, gap.high)))
    return f"{points.value:+.1f} [{points.low:+.1f}, {points.high:+.1f}]"


def policies_beside(arguments: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the policies to try by name, the one that a recipe has by its arguments first."""
    own = {key: arguments[key] for key in POLICY if key in arguments}
    name = next((name for name, policy in CANDIDATES.items() if policy == own), OWN)
    return {name: own, **{other: policy for other, policy in CANDIDATES.items() if other != name}}


def plan(recipe: Recipe, pictures: int, pace: Pace, minutes: float) -> Plan:
    """Return what is tried within a share of the minutes.

    Args:
        recipe: The recipe for the run itself.
        pictures: How many there are to train on.
        pace: How fast the model trains here.
        minutes: For the probe and the run together.

    Raises:
        TintboxError: They do not suffice; the line says how many would.
    """
    arguments = recipe.arguments()
    policies = policies_beside(arguments)
    picture = pace.at(int(arguments["imgsz"]))
    epoch = len(policies) * (FOLDS - 1) * pictures * picture * REST
    rest = len(policies) * (FOLDS * STARTUP + 2 * VALIDATION * pictures * picture)  # the last epoch's, and best.pt's
    steps = math.ceil(pictures * (FOLDS - 1) / FOLDS / int(arguments["batch"]))
    most = int(arguments["epochs"])
    least = min(max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / steps)), most)
    epochs = min(int((60 * SHARE * minutes - rest) / epoch), most)
    if epochs < least:
        wanted = math.ceil((rest + least * epoch) / 60 / SHARE)
        raise TintboxError(
            f"minutes={minutes:g}: a probe of {len(policies)} policies on {FOLDS} folds takes about "
            f"{math.ceil(wanted * SHARE)} minutes on {pace.device}, which may be {100 * SHARE:.0f}% of all; give "
            f"minutes={wanted}, or leave probe=true out"
        )
    return Plan(policies, epochs, rest + epochs * epoch)


def folder_of(out: str | Path) -> Path:
    """Return where the probe for a recipe lies: beside it."""
    return Path(out).with_name(f"{Path(out).stem}-probe")


def resume(folder: Path, request: Mapping[str, Any]) -> Pace | None:
    """Return the pace that a probe was begun with in a folder, None if there is none.

    Raises:
        TintboxError: It was begun with other arguments, or the folder is something else.
    """
    if not (folder / FILE).is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise TintboxError(f"{folder} is there and is no probe; give another out=")
        return None
    found = json_file.read(folder / FILE, JSON_BYTES)
    try:
        pace = Pace(float(found["pace"]["seconds"]), int(found["pace"]["imgsz"]), str(found["pace"]["device"]))
        if not (0 < pace.seconds < math.inf and pace.imgsz > 0):
            raise ValueError("no pace")
        begun = dict(found["request"])
    except (LookupError, TypeError, ValueError) as error:
        raise TintboxError(f"{folder / FILE}: no probe's; remove {folder} or give another out=") from error
    if differing := [key for key in {**begun, **request} if begun.get(key) != request.get(key)]:
        was = ", ".join(f"{key}={begun.get(key)}" for key in sorted(differing))
        raise TintboxError(f"{folder} has a probe with {was}; remove it or give another out=")
    return pace


def run(
    folder: Path, planned: Plan, recipe: Recipe, pace: Pace, request: Mapping[str, Any], together: Any = groups.AUTO
) -> Result:
    """Train what is not trained yet of a probe, and return what came out.

    Args:
        folder: Where to.
        planned: What is tried.
        recipe: The recipe for the run itself.
        pace: How fast the model trains here; kept, so that the same command goes on with the same runs.
        request: The arguments of the command, with ``model`` and ``data``.
        together: What stays in one fold; see `groups.find`.

    Raises:
        TintboxError: The training pictures cannot be split, the folder cannot be written, or a run has failed.
    """
    pictures = gather(request["data"])
    own = [file for file, split in zip(pictures.files, pictures.splits) if split == "train"]
    if len(own) < FOLDS:
        raise TintboxError(f"probe=true: {len(own)} training pictures are too few for {FOLDS} folds; label more")
    names = None
    if together not in (None, True, False, groups.AUTO, groups.NAMES, groups.NONE):
        found = groups.find(pictures.files, together, FOLDS)
        names = [(file, name) for file, name in zip(pictures.files, found.names) if file in set(own)]
    checks.check_folder(folder, FOLDS * len(planned.policies), word="out")
    atomic.write_text(folder / FILE, json.dumps({"request": dict(request), "pace": asdict(pace)}, indent=1))
    words = write_inputs(folder, planned, recipe, pictures, own, names)
    if names is None:
        words["groups"] = together
    grid = from_values({**{key: [value] for key, value in words.items() if key != "cfg"}, "cfg": words["cfg"]})
    notes = checks.check_arguments(grid, many=False)
    study.train(folder, grid, notes)
    return judge(folder, grid, len(own))


def write_inputs(
    folder: Path,
    planned: Plan,
    recipe: Recipe,
    pictures: Pictures,
    own: Sequence[str],
    names: Sequence[tuple[str, str]] | None,
) -> dict[str, Any]:
    """Write a probe's dataset, groups and candidates, and return the words of its study."""
    folder = folder.resolve()
    about = f"the training pictures of {one_line(pictures.data)} for a probe; folds of them are made, so there is no val"
    files.write_dataset(folder / DATA, {"train": own}, pictures.kept, about)
    words: dict[str, Any] = {"data": str(folder / DATA), "folds": FOLDS, "plots": False, "cfg": []}
    if names is not None:
        rows = "".join(f'"{file}","{name}"\n' for file, name in names)
        atomic.write_text(folder / "groups.csv", rows)
        words["groups"] = str(folder / "groups.csv")
    (folder / CANDIDATES_FOLDER).mkdir(exist_ok=True)
    short = {"epochs": planned.epochs, "close_mosaic": max(1, min(10, planned.epochs // 5))}
    common = {k: v for k, v in recipe.arguments().items() if k not in (*POLICY, "patience")}
    for name, policy in planned.policies.items():
        file = folder / CANDIDATES_FOLDER / f"{name}.yaml"
        atomic.write_text(file, yaml.safe_dump({**common, **short, **policy}, sort_keys=False))
        words["cfg"].append(str(file))
    return words


def judge(folder: Path, grid: Grid, pictures: int) -> Result:
    """Return what the runs of a probe say together.

    Raises:
        TintboxError: They cannot be put together.
    """
    folds = crossing.prepare(folder, grid)
    assert folds is not None  # noqa: S101
    pools = Pools(folder, grid, folds)
    cells = pools.update([study.result(folder, run) for run in grid.runs()])
    if len(cells) < len(grid.varied["cfg"]):
        why = next(iter(pools.problems.values()), "runs are missing")
        raise TintboxError(f"{folder}: the probe has no result ({why}); {study.go_on(folder)}")
    return choose(cells, pictures, folder)


def choose(cells: Sequence[CrossedCell], pictures: int, folder: Path) -> Result:
    """Return what came out: the best policy whose difference to the first has an interval above zero wins."""
    findings = []
    for cell in cells:
        gap = None if cell is cells[0] else cell.difference(cells[0], "bbox")
        findings.append(Finding(Path(str(cell.settings["cfg"])).stem, cell.estimate("bbox"), gap))
    sure = [one for one in findings if one.gap and one.gap.low > 0]
    winner = max(sure, key=lambda one: one.gap.value if one.gap else 0.0).name if sure else None
    return Result(findings, winner, pictures, folder)


def apply(recipe: Recipe, planned: Plan, result: Result) -> Recipe:
    """Return a recipe with the policy that the probe has chosen, and why, in numbers."""
    by_name = {one.name: one for one in result.findings}
    own = result.findings[0].name
    where = f"over {own} on {FOLDS} folds of the {result.pictures} training pictures, 95% interval in brackets"
    if result.winner is None:
        others = [one for one in result.findings[1:] if one.gap]
        nearest = max(others, key=lambda one: one.gap.value if one.gap else 0.0)
        said = f"; measured: none of {len(others)} others is better beyond chance, the nearest, {nearest.name}, by "
        said += f"{margin(nearest.gap)} points of AP {where}" if nearest.gap else ""
        last = [s.name for s in recipe.settings if s.name in POLICY][-1:] or ["lr0"]
        settings = [replace(s, reason=s.reason + said) if s.name == last[0] else s for s in recipe.settings]
        return replace(recipe, settings=settings)
    gap = by_name[result.winner].gap
    why = f"measured: {result.winner} is ahead by {margin(gap)} points of AP {where}" if gap else ""
    policy = planned.policies[result.winner]
    chosen = [Setting(key, value, why) for key, value in policy.items()]
    chosen = chosen or [Setting("lr_scale", None, f"one rate for all; {why}")]
    kept = [s for s in recipe.settings if s.name not in POLICY]
    place = next((i for i, s in enumerate(kept) if s.name == "lr0"), len(kept) - 1) + 1
    return replace(recipe, settings=[*kept[:place], *chosen, *kept[place:]])


def comments(planned: Plan, result: Result) -> list[str]:
    """Return what a recipe's head says of the probe: every policy with its numbers."""
    runs = FOLDS * len(planned.policies)
    head = f"probe: {runs} runs of {planned.epochs} epochs on {FOLDS} folds of the {result.pictures} training pictures"
    lines = [f"{head}; AP in points over all of them, and the difference to the first with its 95% interval:"]
    for one in result.findings:
        policy = ", ".join(f"{k}={as_yaml(v)}" for k, v in planned.policies[one.name].items()) or "one rate, nothing frozen"
        lines.append(f"  {one.line} ({policy}){' <- chosen' * (one.name == (result.winner or result.findings[0].name))}")
    return lines


def as_dict(planned: Plan, result: Result) -> dict[str, Any]:
    """Return a probe as plain data."""
    return {
        "folder": str(result.folder),
        "folds": FOLDS,
        "epochs": planned.epochs,
        "pictures": result.pictures,
        "winner": result.winner or result.findings[0].name,
        "policies": {
            one.name: {
                "arguments": dict(planned.policies[one.name]),
                "AP": asdict(one.ap),
                "against_first": asdict(one.gap) if one.gap else None,
            }
            for one in result.findings
        },
    }
