"""The choice of images in a report: the same ones of a dataset for every run that was trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tintbox.datasets.reading.description import describe
from tintbox.datasets.reading.layout import split_pictures
from tintbox.errors import TintboxError, one_line, suggest, value_text
from tintbox.plugins.detector import TASKS
from tintbox.reports.boxes import Boxes, by_name, choose, read_truth
from tintbox.reports.entries import Entry, Section

COLORIZE = "colorize"


@dataclass(frozen=True)
class Subject:
    """The images of a dataset, and the runs that predict them.

    Attributes:
        entries: The runs that were trained on the dataset.
        truth: The labelled boxes by file; empty for colourisers, where the image itself is the ground truth.
    """

    data: str
    entries: Sequence[Entry]
    files: Sequence[str]
    truth: Mapping[str, Boxes]
    classes: Sequence[str]

    @property
    def boxes(self) -> bool:
        """Whether it is about boxes rather than colours."""
        return self.entries[0].run.task != COLORIZE


def subjects(
    section: Section, split: str, n: int, seed: int, images: Sequence[str] | None
) -> tuple[list[Subject], list[str], set[str]]:
    """Return the images of a section by dataset, notes on missing ones, and the names of all available images.

    For each dataset they are ``n`` random images, chosen by the seed, or those named in ``images``.
    """
    if section.task not in (*TASKS, COLORIZE):
        return [], [f"Images are shown of detectors and colourisers, not of {section.task} models."], set()
    by_data: dict[str, list[Entry]] = {}
    for entry in section.entries:
        data = entry.run.arguments.get("data")
        by_data.setdefault(data if isinstance(data, str) else value_text(data), []).append(entry)
    labelled = section.task in TASKS
    found, notes = [], []
    names: set[str] = set()
    for data, entries in by_data.items():
        try:
            described = describe(data, download=False)
            truth, classes, lost = read_truth(described, split) if labelled else ({}, [], [])
            pictures = list(truth) if labelled else split_pictures(described, split)
            known = by_name(pictures)
            names |= known.keys()
            wanted = None if images is None else [name for name in images if name in known]
            files = [] if wanted == [] else choose(pictures, min(n, len(pictures)), seed, wanted, split)
        except TintboxError as error:
            notes.append(f"{', '.join(e.name for e in entries)}: no images: {one_line(error)}")
            continue
        if lost:
            notes.append(f"{one_line(data)}: {len(lost)} of its images left out, e.g. {lost[0]}")
        if files:
            boxes = {file: truth[file] for file in files if file in truth}
            found.append(Subject(one_line(data), entries, files, boxes, classes))
    return found, notes, names


def check_names(images: Sequence[str] | None, names: set[str], split: str) -> None:
    """Raise TintboxError if a requested image is in none of the available datasets."""
    for name in images or ():
        if names and name not in names:
            hint = suggest(name, names) or "; write it with its suffix"
            raise TintboxError(f"images={name}: no image of that name in split '{split}' of any run's dataset{hint}")
