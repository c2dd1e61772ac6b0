"""Two models' evaluations side by side, with what shows their differences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tintbox.plugins.coco_eval import output, pictures, tables
from tintbox.plugins.coco_eval.differences import Differences
from tintbox.plugins.coco_eval.errors.chart import save
from tintbox.plugins.coco_eval.metrics import column

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Comparison(Differences):
    """The paired bootstrap of two evaluations, with what shows it."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, as ``compare.json`` has it: dicts, lists, texts and numbers, None for "n/a".

        Under ``metrics`` are the twelve numbers of both, their differences with intervals, and whether these are
        distinguishable from zero; under ``classes`` the same of every class.
        """
        return output.comparison_dict(self)

    def plot(self, file: str | Path | None = None) -> Figure:
        """Return the picture of the differences as matplotlib's Figure, saved as well if a file is given.

        Args:
            file: Where to save it; the suffix tells the format.

        Raises:
            TintboxError: The file cannot be written.
        """
        return save(pictures.differences(self), file)

    def __repr__(self) -> str:
        numbers = ", ".join(
            f"{key} {tables.number(self[key], '+')} {tables.span(self.intervals[column(key)], '+')}".strip()
            for key in ("AP", "AP50")
        )
        return f"<{self.names[1]} less {self.names[0]}, {self.first.images:,} images: {numbers}>"

    def _repr_html_(self) -> str:
        """Return the tables, as a notebook shows them."""
        return "".join(table.html() for table in tables.comparison_tables(self))
