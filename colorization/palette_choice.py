"""The palette of a training run: of those that are named the first, fitted if it is a number, and balanced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics.utils import USER_CONFIG_DIR

from tintbox.colorization.balance import class_weights
from tintbox.colorization.batch import reduce
from tintbox.colorization.data import Pictures
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_base import BasePalette
from tintbox.colorization.palette_cache import fit_palette

SAMPLED = 1000  # training pictures that stand for all


def choose(
    asked: BasePalette | str | Path | int | None,
    own: BasePalette | None,
    others: tuple[BasePalette | dict[str, Any] | str | Path | int | None, ...],
    train: Pictures,
    args: Any,
) -> BasePalette:
    """Return the palette that user, checkpoint, or dataset and model description name, in that order.

    Args:
        asked: What the user asks for: a palette, its name or path, or a number of colours.
        own: The palette of the colouriser that training starts from, which is taken as it is.
        others: What dataset and model description name, and at least one of them does.
        train: The training pictures, which a number of colours is fitted to.
        args: Of the run.
    """
    if asked is None and own is not None:
        return own
    named = next(one for one in (asked, *others) if one is not None)
    scale = float(args.input_scale)
    if isinstance(named, int):
        return fit_palette(train, named, args.seed, scale, USER_CONFIG_DIR / "tintbox" / "palettes")
    if isinstance(named, dict):
        return Palette.from_dict(named)
    return (named if isinstance(named, BasePalette) else Palette.load(named)).but(scale=scale)


def agrees(own: BasePalette, asked: BasePalette | int | None) -> bool:
    """Return whether a run's own palette is the one that is asked for when it goes on, if any is."""
    if asked is None or isinstance(asked, int):
        return asked in (None, len(own))
    return type(asked) is type(own) and np.array_equal(asked.table, own.table)


def adjust(palette: BasePalette, args: Any) -> BasePalette:
    """Return a palette with the temperature and rebalancing that the user asks for; weights are learned anew then."""
    balance = {"temperature": args.temperature, "rebalance": args.rebalance}
    given: dict[str, Any] = {name: float(value) for name, value in balance.items() if value is not None}
    if "rebalance" in given:
        given["weights"] = None
    return palette.but(**given) if given else palette


def weigh(palette: BasePalette, train: Pictures, output_stride: int) -> BasePalette:
    """Return a palette with the weight of each colour in the loss, from its share of the training pixels."""
    shares = palette.shares(sample(train, output_stride))
    return palette.but(weights=class_weights(shares, palette.rebalance))


def sample(train: Pictures, output_stride: int) -> torch.Tensor:
    """Return training pictures that stand for all, at the resolution of the labels: (N, H, W, 3), uint8."""
    pictures = train.sample(SAMPLED).permute(0, 3, 1, 2)
    return torch.cat([reduce(part, output_stride) for part in pictures.split(16)]).permute(0, 2, 3, 1)
