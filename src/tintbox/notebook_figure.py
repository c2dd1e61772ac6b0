"""The figure that the public API returns. Importing this module imports matplotlib."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

from tintbox import figures


class NotebookFigure(Figure):
    """A figure that a notebook shows as the value of a cell, even where pyplot has not been imported."""

    def _repr_png_(self) -> bytes:
        """Return the PNG that a notebook shows."""
        stream = BytesIO()
        figures.render(self, stream, "figure")
        return stream.getvalue()
