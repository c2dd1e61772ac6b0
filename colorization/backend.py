"""Palette, channels and stride of a model: a ColorizeModel, or Ultralytics' backend around one or around an export."""

from __future__ import annotations

import ast
from typing import Any

from tintbox.colorization.balance import class_weights, shares_of
from tintbox.colorization.model import ColorizeModel
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_base import BasePalette
from tintbox.errors import TintboxError
from tintbox.limits import LITERAL_BYTES


def colouriser_of(model: Any) -> ColorizeModel | None:
    """Return the ColorizeModel itself or the one that Ultralytics' backend wraps; None for an export."""
    network = model if isinstance(model, ColorizeModel) else getattr(model, "model", None)
    return network if isinstance(network, ColorizeModel) else None


def model_palette(model: Any) -> BasePalette:
    """Return the palette of a ColorizeModel, or of Ultralytics' backend around one or around an export.

    Raises:
        TintboxError: If an export carries no readable palette.
    """
    if colouriser := colouriser_of(model):
        return colouriser.palette
    stored = getattr(model, "palette", None)
    if stored is None:
        raise TintboxError("the exported model carries no palette in its metadata; export it again with tintbox active")
    if isinstance(stored, str):
        try:
            stored = ast.literal_eval(stored) if len(stored) <= LITERAL_BYTES else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            stored = None
        if stored is None:
            raise TintboxError("the palette in the exported model's metadata cannot be read; export it again")
    return Palette.from_dict(stored)


def model_channels(model: Any) -> int:
    """Return the number of input channels of a ColorizeModel or of Ultralytics' backend."""
    return int(model.yaml["channels"] if isinstance(model, ColorizeModel) else model.channels)


def model_output_stride(model: Any) -> int:
    """Return the output stride (input pixels per output pixel) of a ColorizeModel or of Ultralytics' backend."""
    return int(getattr(colouriser_of(model) or model, "output_stride", 1))


def adjust_for_inference(palette: BasePalette, args: Any, name: str) -> BasePalette:
    """Return a model's palette, adjusted to the arguments of validation or prediction.

    Raises:
        TintboxError: If they ask for a rebalanced loss and the palette has no weights.
    """
    if args.temperature is not None:
        palette = palette.replace(temperature=float(args.temperature))
    if args.rebalance is None or (args.rebalance == palette.rebalance and palette.weights is not None):
        return palette
    if args.rebalance == 1:
        return palette.replace(rebalance=1.0, weights=None)
    if palette.weights is None or palette.rebalance == 1:
        raise TintboxError(
            f"rebalance={args.rebalance}: the palette of {name} has no rebalancing weights, which are learned in "
            "training; leave rebalance= out, or train with it"
        )
    weights = class_weights(shares_of(palette.weights, palette.rebalance), args.rebalance)
    return palette.replace(rebalance=float(args.rebalance), weights=weights)
