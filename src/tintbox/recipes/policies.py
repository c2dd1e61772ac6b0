"""The policies that a probe tries (how much to freeze, how fast the backbone learns), and which one it chooses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.plugins.freeze import selectors
from tintbox.recipes.pace import VALIDATION, Pace
from tintbox.recipes.rules import Recipe, Setting
from tintbox.studies.pooled import CrossedCell

SHARE = 0.5  # of the minutes, at most, go to the probe
FOLDS = 3
LEAST_EPOCHS, LEAST_STEPS = 5, 100  # of a run, so that policies can be told apart
ERROR = 0.05  # chance that any of a probe's intervals is without the true difference
STARTUP = 10.0  # seconds that a run spends before its first step and after its last
# The arguments that make up a policy, and the policies tried in addition to the recipe's own.
POLICY = selectors.ARGUMENTS
CANDIDATES: dict[str, dict[str, Any]] = {
    "backbone-0.1": {"lr_scale": {"backbone": 0.1}},
    "backbone-0.3": {"lr_scale": {"backbone": 0.3}},
    "one-rate": {},
    "frozen": {"freeze": "backbone"},
    "frozen-5-rest-0.3": {"freeze": "backbone[:5]", "lr_scale": {"backbone": 0.3}},
    "batchnorms-0.1": {"freeze_bn": True, "lr_scale": {"backbone": 0.1}},
    "decay-0.8": {"lr_scale": 0.8},
}
OWN = "recipe"  # the recipe's policy, if it is none of these


@dataclass(frozen=True)
class Plan:
    """What a probe tries.

    Attributes:
        policies: Arguments by policy name; the recipe's own policy comes first.
        epochs: Epochs of each run.
        seconds: Approximate time of all runs.
    """

    policies: Mapping[str, Mapping[str, Any]]
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Finding:
    """The result of a policy.

    Attributes:
        ap: COCO's AP over all training images.
        gap: Its lead over the recipe's own policy; None for that policy itself.
    """

    name: str
    ap: Estimate
    gap: Estimate | None

    @property
    def line(self) -> str:
        """The result in words, in AP points."""
        own = f"{self.name}: AP {100 * self.ap.value:.1f}"
        return own if self.gap is None else f"{own}, {margin(self.gap)}"


def margin(gap: Estimate) -> str:
    """Return a difference in points with its interval."""
    value, low, high = (round(100 * x, 1) + 0.0 for x in (gap.value, gap.low, gap.high))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def policies_beside(arguments: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the policies to try, by name; the one that a recipe's arguments express comes first."""
    own = {key: arguments[key] for key in POLICY if key in arguments}
    name = next((name for name, policy in CANDIDATES.items() if policy == own), OWN)
    return {name: own, **{other: policy for other, policy in CANDIDATES.items() if other != name}}


def plan(recipe: Recipe, pictures: int, pace: Pace, minutes: float) -> Plan:
    """Return what to try within the probe's share of the minutes; `needed` returns how many minutes are enough."""
    tried = policies_beside(recipe.arguments())
    epoch, rest = _seconds(recipe, len(tried), pictures, pace)
    epochs = min(int((60 * SHARE * minutes - rest) / epoch), int(recipe.arguments()["epochs"]))
    return Plan(tried, epochs, rest + epochs * epoch)


def needed(recipe: Recipe, pictures: int, pace: Pace) -> float:
    """Return how many minutes probe and run need together for policies to be told apart."""
    arguments = recipe.arguments()
    epoch, rest = _seconds(recipe, len(policies_beside(arguments)), pictures, pace)
    steps = math.ceil(pictures * (FOLDS - 1) / FOLDS / int(arguments["batch"]))
    least = min(max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / steps)), int(arguments["epochs"]))
    return (rest + least * epoch) / 60 / SHARE


def _seconds(recipe: Recipe, tried: int, pictures: int, pace: Pace) -> tuple[float, float]:
    """Return the seconds of one epoch of all runs together, and of what each run does once."""
    imgsz = int(recipe.arguments()["imgsz"])
    judging = 2 * VALIDATION * pictures * pace.at(imgsz)  # after the last epoch, and of best.pt
    epoch = FOLDS * pace.epoch(pictures * (FOLDS - 1) / FOLDS, 0, imgsz)
    return tried * epoch, tried * (FOLDS * STARTUP + judging)


def level(others: int) -> float:
    """Return the confidence level of each interval among several: ERROR is divided among them (Bonferroni)."""
    return 1 - ERROR / max(1, others)


def find(cells: Sequence[CrossedCell]) -> list[Finding]:
    """Return the results, the recipe's own policy first: AP of masks if all have masks, else of boxes."""
    first = cells[0]
    kind = "segm" if all("segm" in kinds for cell in cells for kinds in cell.seeds.values()) else "bbox"
    return [
        Finding(
            Path(str(cell.settings["cfg"])).stem,
            cell.estimate(kind),
            None if cell is first else cell.difference(first, kind, level(len(cells) - 1)),
        )
        for cell in cells
    ]


def pick(findings: Sequence[Finding]) -> Finding | None:
    """Return the policy furthest ahead among those whose interval is above zero; None to keep the recipe's own."""
    sure = [(one.gap.value, one) for one in findings if one.gap and one.gap.low > 0]
    return max(sure, key=lambda pair: pair[0])[1] if sure else None


def apply(recipe: Recipe, planned: Plan, findings: Sequence[Finding], pictures: int) -> Recipe:
    """Return a recipe with the chosen policy and the numbers behind it, measured on this number of images."""
    over = f"AP points over {findings[0].name} on {FOLDS} folds of the {pictures} training images"
    over += ", by resampling images; one run each"
    winner = pick(findings)
    if winner is None or winner.gap is None:
        why = f"measured: none of {len(findings) - 1} other policies is better beyond chance"
        gaps = [(one.gap.value, f"{one.name}: {margin(one.gap)}") for one in findings if one.gap]
        if gaps:
            why += f"; the best, {max(gaps, key=lambda gap: gap[0])[1]} {over}"
        name = next((s.name for s in recipe.settings if s.name in POLICY), "lr0")
        settings = [replace(s, reason=f"{s.reason}; {why}") if s.name == name else s for s in recipe.settings]
        return replace(recipe, settings=settings)
    why = f"measured: {winner.name} is ahead by {margin(winner.gap)} {over}"
    why += f"; the largest of {len(findings) - 1} leads, so it is overstated"
    chosen = [Setting(key, value, why) for key, value in planned.policies[winner.name].items()]
    chosen = chosen or [Setting("lr_scale", None, f"not set, one learning rate for all layers; {why}")]
    kept = [s for s in recipe.settings if s.name not in POLICY]
    place = next((i + 1 for i, s in enumerate(kept) if s.name == "lr0"), len(kept))
    return replace(recipe, settings=[*kept[:place], *chosen, *kept[place:]])
