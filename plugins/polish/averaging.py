"""Averages of a fine-tuned network with the one its training started from (WiSE-FT, Wortsman et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tintbox.errors import TintboxError
from tintbox.plugins.freeze import selection
from tintbox.plugins.transfer import handover

Weights = Mapping[str, torch.Tensor]


def common_weights(network: Any, start: Any, file: str | Path) -> Weights:
    """Return the weights and BatchNorm statistics of the starting network, without its head, by name.

    The head is left out because it was made for other classes.

    Raises:
        TintboxError: The two differ in more than the head.
    """
    own, other = handover.trunk_state(network), handover.trunk_state(start)
    if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in other.items()}:
        raise TintboxError(
            f"start={file}: {selection.title(start)} has other layers than {selection.title(network)}, which cannot "
            "have been trained from it; give the checkpoint that was"
        )
    return floats(other)


def floats(values: Weights) -> Weights:
    """Return the floating-point values as float32."""
    return {name: value.float() for name, value in values.items() if value.is_floating_point()}


@torch.no_grad()
def average(network: Any, start: Weights, share: float) -> None:
    """Replace a network's values by ``share`` times themselves plus ``1 - share`` times the starting ones.

    Args:
        network: The fine-tuned network, float32; modified.
        start: The starting network's values; others of the network are left as they are.
        share: From 0 to 1; with 1, nothing changes.
    """
    own = network.state_dict()
    for name, value in start.items():
        own[name].lerp_(value.to(own[name].device), 1 - share)
