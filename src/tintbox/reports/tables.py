"""The tables of a report as data, which the template turns into HTML, escaping every text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tintbox.errors import value_text
from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.plugins.coco_eval.metrics import TITLES
from tintbox.plugins.coco_eval.tables import digits_of, number, span
from tintbox.reports import metrics, pairs, seeds
from tintbox.reports.entries import OWN_DEFAULTS, Entry, Section, argument
from tintbox.reports.evaluations import Part
from tintbox.reports.metrics import Criterion
from tintbox.reports.verdict import are_equal, paired_gap, percent

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.evaluation import Evaluation

DASH = "–"
LONGEST = 1e9  # longest plausible duration in seconds, 30 years


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        run: The index of the run that it belongs to and is hidden with; None for none.
        note: Small print after the text, such as an interval.
        best: Whether it is the best of its column.
        words: Whether it holds words rather than a number.
        swatch: Whether it is preceded by the run's colour.
    """

    text: str
    run: int | None = None
    note: str = ""
    best: bool = False
    words: bool = False
    swatch: bool = False


@dataclass(frozen=True)
class Row:
    """A row: its heading, its cells, and the index of the run that it belongs to and is hidden with."""

    head: Cell
    cells: Sequence[Cell]
    run: int | None = None


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows; printed above it and read by screen readers.
        columns: The column headings, starting with that of the row headings.
        rows: The rows.
        notes: Sentences below it.
    """

    caption: str
    columns: Sequence[Cell]
    rows: Sequence[Row]
    notes: Sequence[str] = field(default=())


def run_columns(first: str, entries: Iterable[Entry], words: bool = False) -> list[Cell]:
    """Return the column headings: a word for the row headings, then one per run, for numbers or words."""
    return [Cell(first, words=True), *(Cell(e.name, e.index, words=words, swatch=True) for e in entries)]


def texts_by_run(caption: str, first: str, entries: Sequence[Entry], texts: Mapping[str, Sequence[str]]) -> Table:
    """Return a table of texts: a row per key of ``texts``, which has a text per run, and a column per run."""
    rows = [
        Row(Cell(key, words=True), [Cell(text, e.index, words=True) for e, text in zip(entries, own)])
        for key, own in texts.items()
    ]
    return Table(caption, run_columns(first, entries, words=True), rows)


def texts_of_all(caption: str, first: str, texts: Mapping[str, str]) -> Table:
    """Return a table of texts that all runs share: a row per key, a single column."""
    rows = [Row(Cell(key, words=True), [Cell(text, words=True)]) for key, text in texts.items()]
    return Table(caption, [Cell(first, words=True), Cell("all runs", words=True)], rows)


def summary(section: Section, criterion: Criterion, kept: Mapping[int, Evaluation]) -> Table:
    """Return a row per run: the deciding number, the other metrics at the best epoch, epochs, time, seed."""
    entries, first = section.entries, section.entries[0]
    names = metrics.columns(entries, "metrics/")
    known = [value.value for value in criterion.values.values() if not math.isnan(value.value)]
    top = max(known, default=math.nan)
    apart = not all(are_equal(top, value) for value in known)  # otherwise none is best
    differences = {e.index: pairs.difference(kept, first, e) for e in entries} if criterion.kind else {}
    compared = any(differences.values())
    mixed = bool(metrics.other_data(section))
    # If the deciding number is this column of results.csv, it is not shown twice.
    main = section.entries[0].run.metric
    kinds = {e.index: metrics.iou_type(e, main) for e in entries}
    some = not criterion.kind and any(kinds.values())  # evaluated, but not all, or not alike
    rest = [*([main] if criterion.kind and main in names else []), *(name for name in names if name != main)]
    headings = [criterion.title.removesuffix(" at the best epoch"), *([f"against {first.name}"] if compared else [])]
    headings += ["COCO AP"] if some else []
    headings += ["best epoch", "time", "seed", *(metrics.title(name, section.task) for name in rest)]
    rows = []
    for entry in entries:
        value = criterion.values[entry.index]
        best = apart and are_equal(value.value, top) and not mixed
        cells = [Cell(number(value.value), note=span(value.bounds), best=best)]
        if compared:
            cells.append(difference_cell(paired_gap(differences[entry.index])))
        if some:
            own = entry.coco.parts[kinds[entry.index]].metrics["AP"] if entry.coco else Estimate(math.nan)
            cells.append(Cell(number(own.value) if entry.coco else DASH, note=span(own.bounds)))
        cells += [Cell(epochs(entry), note=entry.state), Cell(duration(entry.run.seconds))]
        cells += [Cell(value_text(entry.run.arguments.get("seed", DASH)))]
        cells += [Cell(number(metrics.read_best(entry.run, name))) for name in rest]
        cells += [Cell(Path(value_text(entry.run.arguments.get("model", DASH))).name, words=True)]
        rows.append(Row(Cell(entry.name, swatch=True), cells, entry.index))
    columns = [Cell(text) for text in ("run", *headings)] + [Cell("model", words=True)]
    levels = sorted({e.coco.parts[kinds[e.index]].level for e in entries if e.coco})
    notes = [describe_intervals(levels, first.name if compared else "")] if levels else []
    return Table("The runs, at their best epochs", columns, rows, notes)


def difference_cell(gap: Estimate) -> Cell:
    """Return the cell of a difference, with its digits as in `tintbox compare`; a dash if it is NaN."""
    digits = digits_of(gap.bounds)
    return Cell(DASH if math.isnan(gap.value) else number(gap.value, "+", digits), note=span(gap.bounds, "+", digits))


def describe_intervals(levels: Sequence[float], first: str) -> str:
    """Explain the intervals of COCO evaluations and, if a run is named, the differences to it."""
    shares = " and ".join(map(percent, levels))
    against = f"Against {first}: the difference on the same images, resampled in pairs. " if first else ""
    return (
        f"In brackets: {shares} intervals from resamples of the images. They say what other images might change, not "
        f"what another seed might. {against}The other metrics are Ultralytics' own at the best epoch, whose AP differs "
        "slightly from COCO's."
    )


def epochs(entry: Entry) -> str:
    """Return the best epoch and the number of epochs, e.g. ``17 of 20``."""
    run = entry.run
    text = f"{run.curves['epoch'][run.best]:g} of {run.epochs}"
    return f"{text} (planned {entry.planned})" if run.epochs < entry.planned else text


def duration(seconds: float) -> str:
    """Return a duration as text, e.g. ``1 h 05 min``; a dash for none or an implausible one."""
    if not 0 < seconds < LONGEST:
        return DASH
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    if round(seconds) < 3600:
        return f"{round(seconds) // 60} min {round(seconds) % 60:02d} s"
    return f"{round(seconds / 60) // 60} h {round(seconds / 60) % 60:02d} min"


def seed_table(settings: Sequence[seeds.Setting], criterion: Criterion) -> Table | None:
    """Return a row per setting with the mean and spread over its seeds, None if no setting has two."""
    if not settings:
        return None
    rows = []
    for setting in settings:
        gap = None if setting is settings[0] else seeds.difference(setting, settings[0])
        numbers = [setting.mean, setting.spread, min(setting.values), max(setting.values)]
        behind = Cell(DASH) if gap is None else difference_cell(gap)
        row = [Cell(str(len(setting.values))), *(Cell(number(one)) for one in numbers), behind]
        rows.append(Row(Cell(setting.title, words=True), row))
    columns = [Cell(text) for text in ("setting", "seeds", "mean", "sd", "lowest", "highest", "against the best")]
    note = f"sd: sample standard deviation; difference of means with Welch's {percent(seeds.SURE)} interval"
    if len(settings) > 2:
        note += "; as the best is chosen by its mean, equal settings have an interval without zero more often than that"
    return Table(f"{criterion.title} over seeds", columns, rows, [f"{note}."])


def difference_table(entries: Sequence[Entry]) -> Table | None:
    """Return a row per argument in which the runs differ, a column per run; for one run, the non-default ones."""
    if len(entries) > 1:
        keys, caption = list(seeds.find_varied(entries)), "Arguments that differ"
    else:
        keys, caption = list_changes(entries[0]), "Arguments that are not Ultralytics' defaults"
    return texts_by_run(caption, "argument", entries, _values(entries, keys)) if keys else None


def list_changes(entry: Entry) -> list[str]:
    """Return the arguments of a run that differ from the defaults, without housekeeping."""
    from ultralytics.utils import DEFAULT_CFG_DICT

    defaults = {**OWN_DEFAULTS, **DEFAULT_CFG_DICT}
    known = entry.run.arguments
    return [key for key in known if key not in seeds.HOUSEKEEPING and known[key] != defaults.get(key)]


def all_arguments(entries: Sequence[Entry]) -> list[Table]:
    """Return tables of all arguments, a row each: those that differ with a column per run, the others with one."""
    keys = sorted(dict.fromkeys(str(key) for entry in entries for key in entry.run.arguments))
    title = "All arguments, as args.yaml has them"
    every = _values(entries, keys, stock=False)
    if len(entries) == 1:
        return [texts_by_run(title, "argument", entries, every)]
    shared = {key: own[0] for key, own in every.items() if len(set(own)) == 1}
    differing = {key: own for key, own in every.items() if key not in shared}
    found = [texts_by_run(f"{title}: different", "argument", entries, differing)] if differing else []
    return [*found, *([texts_of_all(f"{title}: equal in all runs", "argument", shared)] if shared else [])]


def _values(entries: Sequence[Entry], keys: Iterable[str], stock: bool = True) -> dict[str, list[str]]:
    """Return each argument's values by run as text; what a run lacks is stock behaviour, or else a dash."""

    def value(entry: Entry, key: str) -> str:
        known = entry.run.arguments
        return value_text(argument(known, key)) if stock or key in known else DASH

    return {key: [value(entry, key) for entry in entries] for key in keys}


def parts_of(entries: Sequence[Entry], kind: str) -> list[tuple[Entry, Part]]:
    """Return the runs that have a COCO evaluation of an IoU type, each with that evaluation."""
    return [(entry, entry.coco.parts[kind]) for entry in entries if entry.coco and kind in entry.coco.parts]


def per_class(entries: Sequence[Entry], kind: str) -> Table | None:
    """Return a row per class with each run's AP, None if no run has a COCO evaluation."""
    found = parts_of(entries, kind)
    if not found:
        return None
    names = list(dict.fromkeys(name for _, part in found for name in part.classes))
    rows = []
    for name in names:
        objects = sorted({part.classes[name][0] for _, part in found if name in part.classes})
        values = [part.classes[name][1] if name in part.classes else Estimate(math.nan) for _, part in found]
        cells = [
            Cell(number(value.value), entry.index, note=span(value.bounds)) for (entry, _), value in zip(found, values)
        ]
        rows.append(Row(Cell(name, words=True), [Cell(" / ".join(f"{count:,}" for count in objects)), *cells]))
    columns = run_columns("class", [entry for entry, _ in found])
    return Table(f"COCO AP of {TITLES[kind]} by class", [columns[0], Cell("objects"), *columns[1:]], rows)


def errors(entries: Sequence[Entry], kind: str) -> Table | None:
    """Return a row per kind of error: how much AP50 would gain without it, and its count; None if unknown."""
    found = [(entry, part) for entry, part in parts_of(entries, kind) if part.errors]
    if not found:
        return None
    kinds = list(dict.fromkeys(error for _, part in found for error in part.errors))
    rows = []
    for error in kinds:
        pairs = [part.errors.get(error, (math.nan, 0)) for _, part in found]
        cells = [Cell(number(gain), e.index, note=f"{count:,} ×") for (e, _), (gain, count) in zip(found, pairs)]
        rows.append(Row(Cell(error, words=True), cells))
    measure = found[0][1].measure
    note = "In small: how many errors there are. Gains do not add up: one error can hide another."
    caption = f"What {measure} of {TITLES[kind]} would gain without errors of a kind"
    return Table(caption, run_columns("error", [entry for entry, _ in found]), rows, [note])
