"""The cells of a study with folds: each cell's predictions are pooled over its folds and evaluated on all images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tintbox import atomic
from tintbox.errors import TintboxError, one_line
from tintbox.folds.files import Folds
from tintbox.plugins.coco_eval import bootstrap, output, pooling, seeds
from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.plugins.coco_eval.evaluation import Evaluation, evaluate, without_masks
from tintbox.plugins.coco_eval.metrics import column, overall
from tintbox.plugins.coco_eval.outcome import IOU_TYPES, Predictions
from tintbox.run_folder import ARGUMENTS, RESULTS, RunFolder
from tintbox.studies import crossing
from tintbox.studies.cells import Group, Result, mean, without_seed
from tintbox.studies.grid import REPLICATE, Grid, Run
from tintbox.studies.outcome import FINISHED
from tintbox.studies.values import texts

AP = column("AP")
VALIDATED = ("metrics/", "val/")  # columns of ``results.csv`` that a validation fills


@dataclass(frozen=True)
class CrossedCell(Group):
    """The runs of a study that differ only in seed and fold, for the seeds of which all folds are finished.

    Attributes:
        seeds: Seed -> IoU type -> evaluation over all images.
        seconds: Seed -> training time in seconds, summed over the folds.
    """

    seeds: dict[Any, Mapping[str, Evaluation]]
    seconds: dict[Any, float]

    def estimate(self, kind: str) -> Estimate:
        """Return the mean AP over the seeds, with an interval over images."""
        found = [kinds[kind] for kinds in self.seeds.values()]
        samples = np.mean([overall(one.samples)[:, AP] for one in found], axis=0)
        value, settings, support = np.array(np.mean(self.values(kind))), found[0].settings, found[0].support[-1, AP]
        bounds = bootstrap.interval(samples, value, settings.level, support)
        return Estimate(float(value), *np.clip(bounds, 0, 1).tolist())

    def values(self, kind: str, place: int = AP) -> list[float]:
        """Return one of COCO's twelve numbers for each seed."""
        return [float(kinds[kind].values[place]) for kinds in self.seeds.values()]

    def difference(self, other: CrossedCell, kind: str, level: float | None = None) -> Estimate | None:
        """Return the difference in AP to another cell, paired by seed and image.

        The interval is over images, and over seeds if they have several in common; its confidence level is that of the
        evaluations unless given. None if the two have no seed in common, or were evaluated on different images, labels
        or classes.
        """
        both = [
            (self.seeds[seed][kind], other.seeds[seed][kind])
            for seed in self.seeds
            if seed in other.seeds and kind in other.seeds[seed]
        ]
        if not both or len({one.fingerprint for pair in both for one in pair}) > 1:
            return None
        samples = np.array([overall(one.samples)[:, AP] - overall(two.samples)[:, AP] for one, two in both])
        values = np.array([one.values[AP] - two.values[AP] for one, two in both])
        settings, support = both[0][0].settings, both[0][0].support[-1, AP]
        bounds = seeds.difference_interval(samples, values, level or settings.level, support)
        return Estimate(float(values.mean()), *bounds.tolist())


@dataclass
class Pools:
    """The pooled evaluations of a study with folds; each setting and seed is evaluated once.

    Attributes:
        problems: Folder name of a setting and seed -> why its predictions cannot be pooled.
    """

    folder: Path
    grid: Grid
    folds: Folds
    problems: dict[str, str] = field(default_factory=dict)
    _known: dict[str, dict[str, Evaluation]] = field(default_factory=dict)

    def update(self, results: Sequence[Result]) -> list[CrossedCell]:
        """Return the cells with at least one complete seed, from the results of all runs in the order of the grid.

        A folder is written for each newly completed seed.
        """
        cells: dict[tuple[str, ...], CrossedCell] = {}
        runs = self.grid.pooled().runs()  # each represents all folds of a setting and seed
        for i, (run, shown) in enumerate(zip(runs, texts([run.settings for run in runs]))):
            folds = results[i * self.grid.folds : (i + 1) * self.grid.folds]
            if not all(one.outcome and one.outcome.state == FINISHED and one.found for one in folds):
                continue
            try:
                kinds = self._evaluate(run, folds)
            except (TintboxError, OSError) as error:
                self.problems[run.name] = one_line(error)
                continue
            self.problems.pop(run.name, None)
            seed = run.settings.get(REPLICATE)
            new = CrossedCell(without_seed(run.settings), without_seed(shown), {}, {})
            cell = cells.setdefault(run.cell, new)
            cell.seeds[seed] = kinds
            cell.seconds[seed] = sum(one.found.seconds for one in folds if one.found)
        return list(cells.values())

    def _evaluate(self, run: Run, folds: Sequence[Result]) -> dict[str, Evaluation]:
        if run.name not in self._known:
            found = pooling.pool([self.folder / one.run.name for one in folds], self.folds.grouped)
            chosen = crossing.evaluation_settings(run.arguments)
            # By the task: of a model that finds nothing, the predictions do not tell that it has masks.
            masks = not without_masks(found.truth) and any(one.found.task == "segment" for one in folds if one.found)
            wanted = IOU_TYPES["segment" if masks else "detect"]
            kinds = {kind: evaluate(found.truth, found.detections, kind, chosen) for kind in wanted}
            write(self.folder / run.name, found, kinds, run, folds)
            self._known[run.name] = kinds
        return self._known[run.name]


def write(folder: Path, found: Predictions, kinds: Mapping[str, Evaluation], run: Run, folds: Sequence[Result]) -> None:
    """Write the folder of a setting and seed: the pooled results of its folds, in the form of a single run's folder.

    `tintbox report` and `tintbox compare` accept it as such: the arguments are the folds', the dataset is the study's,
    and every number of an epoch is the mean over the folds.
    """
    runs = [one.found for one in folds if one.found]
    names = [one.run.name for one in folds]
    about = {"model": ", ".join(names), "data": str(run.arguments["data"]), "split": "all folds"}
    output.save(folder, kinds, about, pictures=run.arguments.get("plots") is not False)
    own = {"data": str(run.arguments["data"]), "name": folder.name, "save_dir": str(folder)}
    atomic.write_text(folder / ARGUMENTS, yaml.safe_dump({**runs[0].arguments, **own}, sort_keys=False))
    atomic.write_csv(folder / RESULTS, mean_curves(runs))
    pooling.save(folder, found, names)  # last: with this file, `tintbox compare` accepts the folder


def mean_curves(runs: Sequence[RunFolder]) -> Iterator[Sequence[Any]]:
    """Yield the rows of a ``results.csv`` of means over runs, as many as the shortest has; times are summed.

    The last row has the means of the runs' own last epochs. What an epoch without validation has of it becomes NaN.
    """
    columns = [name for name in runs[0].curves if all(name in run.curves for run in runs)]
    validated = [run for run in runs if ends_validated(run)]
    how: Mapping[str, Callable[[Sequence[float]], float]] = {"epoch": lambda them: int(min(them)), "time": sum}
    yield columns
    for epoch in (*range(min(run.epochs for run in runs) - 1), -1):
        row = []
        for name in columns:
            known = runs if not name.startswith(VALIDATED) else validated if epoch == -1 else []
            numbers = [(run.times if name == "time" else run.curves[name])[epoch] for run in known]
            row.append(how.get(name, mean)(numbers) if numbers else math.nan)
        yield row


def ends_validated(run: RunFolder) -> bool:
    """Return whether a fold's run was validated in its last epoch, as it is unless ``time=`` ends it.

    Otherwise its row repeats the numbers of the epoch before, which are 0 until there is a validation.
    """
    ends = [[0.0, *values][-2:] for name, values in run.curves.items() if name.startswith(VALIDATED)]
    return any(last != before for before, last in ends)
