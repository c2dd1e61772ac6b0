"""What `amp=auto` and `amp=bf16` mean on the device that trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from tintbox.plugins.options import AMP_AUTO
from tintbox.processor import fast_bfloat16

BF16 = "bf16"


@dataclass(frozen=True)
class Policy:
    """How a run computes.

    Attributes:
        amp: What Ultralytics is told.
        on_processor: Whether the run is on a CPU and has asked to be fast there, with channels last and all cores.
        remark: What the user is told, in a line; empty for nothing.
    """

    amp: bool | str
    on_processor: bool = False
    remark: str = ""


def choose(amp: Any, device: torch.device, task: str) -> Policy | None:
    """Return how a run computes, or None where Ultralytics decides, as it does for all values but these two.

    ``auto`` is bfloat16 on processors and CUDA devices that multiply it natively, and elsewhere what ``amp=True`` is.

    Args:
        amp: The run's argument.
        device: Where it trains.
        task: What it trains; a colouriser has mixed precision of its own on a CPU.
    """
    if amp not in (AMP_AUTO, BF16):
        return None
    if device.type == "cpu":
        if task == "colorize":
            return Policy(True)
        if fast_bfloat16():
            return Policy(BF16, True, f"amp={amp}: bfloat16 autocast, channels last, all cores")
        why = "this processor does not multiply bfloat16 natively"
        return Policy(False, True, f"amp={amp}: {why}: float32, channels last, all cores")
    if amp == BF16:
        return None  # Ultralytics' own
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return Policy(BF16 if native else True)


def record(arguments: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Return a run's arguments as its checkpoints keep them: a stock Ultralytics refuses to resume `bf16` on a CPU."""
    amp = arguments.get("amp")
    return {**arguments, "amp": AMP_AUTO if device.type == "cpu" and amp == BF16 else amp}
