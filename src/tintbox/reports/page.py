"""The page: collects what is known of the runs and renders the template."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

import tintbox
from tintbox.errors import escape_controls
from tintbox.plugins.coco_eval.metrics import TITLES
from tintbox.reports import (
    encoding,
    evaluation_figures,
    freezing,
    machines,
    metrics,
    pairs,
    pictures,
    scripts,
    seeds,
    tables,
)
from tintbox.reports.entries import Entry, Section
from tintbox.reports.figures import Figure, as_json, colour
from tintbox.reports.subjects import Subject
from tintbox.reports.tables import Table
from tintbox.reports.verdict import verdict

HERE = Path(__file__).parent
Evaluated = tuple[dict[str, Figure], Table]  # of an IoU type: figures by element id, and a table
TASKS = {
    "detect": "Detection", "segment": "Segmentation", "pose": "Pose", "obb": "Oriented boxes",
    "classify": "Classification", "colorize": "Colourisation", "semantic": "Semantic segmentation", "depth": "Depth",
}  # fmt: skip


@dataclass(frozen=True)
class Album:
    """The images of a dataset, ready for the template."""

    data: str
    rows: Sequence[tuple[str, Sequence[encoding.Encoded]]]
    key: Sequence[tuple[str, str]]


@dataclass
class Content:
    """A section, ready for the template.

    Attributes:
        id: Its element id; the ids of its figures begin with it.
        section: The task and its runs.
        title: The heading.
        verdict: Which run is best, and whether that may be chance.
        summary, seeds, differs, machines: Tables, None if there is nothing to show.
        arguments: Tables of all arguments.
        curves: The figures of ``results.csv`` by element id.
        classes, errors: Per IoU type, figures by id and a table.
        schedules: What trained when.
        albums: Images by dataset.
        notes: Block of the page -> what is missing in it and why.
    """

    id: str
    section: Section
    title: str
    verdict: tuple[str, str]
    summary: Table
    seeds: Table | None
    differs: Table | None
    arguments: Sequence[Table]
    machines: Table
    curves: dict[str, Figure]
    classes: list[Evaluated]
    errors: list[Evaluated]
    schedules: Sequence[freezing.Schedule]
    albums: list[Album] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield all figures with their ids."""
        yield from self.curves.items()
        for found, _ in [*self.classes, *self.errors]:
            yield from found.items()


def content(section: Section, place: int, drawn: Sequence[Figure]) -> Content:
    """Return what is known of a section's runs, without the images.

    ``place`` numbers the page's sections from 0; ``drawn`` are the section's `curves.curves`.
    """
    own = f"section-{place}"  # text from a file, such as a task, might equal another element's id
    entries = section.entries
    criterion = metrics.criterion(section)
    kept = pairs.evaluate_again(entries, criterion.kind) if criterion.kind else {}
    settings = [] if metrics.other_data(section) else seeds.settings(entries, criterion.values)
    shown, unrecorded = freezing.schedules(entries)
    task = section.task
    classes, errors = evaluations(entries, own)
    many = f"{len(entries)} runs" if len(entries) > 1 else "one run"
    return Content(
        id=own,
        section=section,
        title=f"{TASKS.get(task, task.capitalize())}: {many}",
        verdict=verdict(section, criterion, kept, settings),
        summary=tables.summary(section, criterion, kept),
        seeds=tables.seed_table(settings, criterion),
        differs=tables.difference_table(entries),
        arguments=tables.all_arguments(entries),
        machines=machines.machines(entries),
        curves={f"{own}-curve-{i}": figure for i, figure in enumerate(drawn)},
        classes=classes,
        errors=errors,
        schedules=shown,
        notes={
            "pictures": [],
            "freeze": unrecorded,
            "classes": list_unevaluated(entries),
            "machines": list_unrecorded(entries),
        },
    )


def evaluations(entries: Sequence[Entry], own: str) -> tuple[list[Evaluated], list[Evaluated]]:
    """Return the figures and tables of COCO evaluations, by class and by kind of error; ids begin with ``own``."""
    classes, errors = [], []
    for kind in TITLES:
        if table := tables.per_class(entries, kind):
            figures = {
                f"{own}-classes-{kind}": evaluation_figures.class_figure(entries, kind),
                f"{own}-precision-{kind}": evaluation_figures.precision_figure(entries, kind),
            }
            classes.append(({name: figure for name, figure in figures.items() if figure}, table))
        if table := tables.errors(entries, kind):
            figure = evaluation_figures.error_figure(entries, kind)
            errors.append(({f"{own}-errors-{kind}": figure} if figure else {}, table))
    return classes, errors


def list_unevaluated(entries: Sequence[Entry]) -> list[str]:
    """Return notes on runs that lack a possible COCO evaluation, and how to get it."""
    if entries[0].run.task not in ("detect", "segment"):
        return []
    notes = [f"{entry.name}: {entry.coco_problem}." for entry in entries if entry.coco_problem]
    none = [entry for entry in entries if not entry.coco and not entry.coco_problem]
    if none:
        run = none[0].run.folder
        weights, out = (shlex.quote(str(path)) for path in (run / "weights" / "best.pt", run / "val"))
        command = f"tintbox coco-eval model={weights} out={out}"
        notes.append(
            f"{', '.join(entry.name for entry in none)}: no COCO evaluation, so no intervals, AP by class and kinds of "
            f"errors. Train with coco_eval=True, or: {command}"
        )
    elsewhere = [entry for entry in entries if entry.coco and entry.coco.folder != entry.run.folder]
    notes += [f"{e.name}: from {e.coco.folder.name}/ (split {e.coco.split})." for e in elsewhere if e.coco]
    return notes


def list_unrecorded(entries: Sequence[Entry]) -> list[str]:
    """Return a note on runs whose versions and hardware are not recorded."""
    none = [entry.name for entry in entries if not entry.run.environment]
    if not none:
        return []
    why = "no environment.json, which runs with arguments of tintbox's write; what is known, the checkpoint says"
    return [f"{', '.join(none)}: {why}."]


def add_pictures(found: Content, subjects: Sequence[Subject], conf: float, imgsz: Any, room: int) -> int:
    """Add the images of a section, and return how many bytes they take, up to ``room``; see `pictures.strips`."""
    taken = 0
    notes = found.notes["pictures"]
    for place, subject in enumerate(subjects):
        rows, missing = pictures.strips(subject, conf, imgsz)
        encoded, fewer = encoding.fit(rows, (room - taken) // (len(subjects) - place))
        notes += [*missing, *([fewer] if fewer else [])]
        taken += encoding.weight(encoded)
        found.albums.append(Album(subject.data, encoded, encoding.key(subject) if subject.boxes else []))
    return taken


def render(sections: Sequence[Content], left_out: Sequence[str], folders: Mapping[str, str]) -> str:
    """Return the page as HTML; ``left_out`` are notes on runs that are not shown, ``folders`` the runs' by name."""
    entries = [entry for found in sections for entry in found.section.entries]
    plotly, script = scripts.plotly(), (HERE / "page.js").read_text(encoding="utf-8")
    figures = dict(figure for found in sections for figure in found.figures())
    return template().render(
        colours={entry.index: colour(entry) for entry in entries},
        title=title(entries),
        sections=sections,
        entries=entries,
        left_out=left_out,
        folders=folders,
        data=scripts.encode(as_json(figures)),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        scripts=(plotly, script),
        policy=scripts.policy((plotly, script)),
        version=tintbox.__version__,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
    )


@cache
def template() -> Template:
    """Return the page's template, which escapes every text that is not marked as safe."""
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("page.html")


def finalize(value: Any) -> Any:
    """Return a value as the template shows it: text without control characters, unless it is marked as safe."""
    return escape_controls(value) if type(value) is str else value


def title(entries: Sequence[Entry]) -> str:
    """Return the page's title."""
    names = [entry.name for entry in entries]
    if len(names) > 3:
        return f"{len(names)} runs compared"
    return " against ".join([names[0], *([" and ".join(names[1:])] if names[1:] else [])])
