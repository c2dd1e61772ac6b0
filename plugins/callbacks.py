"""The callbacks that tintbox adds to Ultralytics' defaults: module-level functions, because DDP workers pickle them."""

from __future__ import annotations

from typing import Any


def on_export_start(exporter: Any) -> None:
    """Add what a colouriser needs to predict (palette, input channels, pixel scale) to the export's metadata."""
    metadata = getattr(exporter.model, "metadata", None)
    if callable(metadata):
        exporter.metadata.update(metadata())
