"""What `amp=auto` and `amp=bf16` mean on the device that trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from tintbox.plugins.options import AMP_AUTO
from tintbox.processor import fast_bfloat16

BF16 = "bf16"


@dataclass(frozen=True)
class Policy:
    """How a run computes, as ``trainer.tintbox_policy``.

    Attributes:
        amp: What Ultralytics is told.
        on_processor: Whether the run is on a CPU and has asked to be fast there, with channels last and all cores.
        remark: What the user is told of the arithmetic, part of a line; empty for nothing.
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
        chosen = Policy(BF16, True, "bfloat16") if fast_bfloat16() else float32("this processor has no native bfloat16")
        return Policy(True, False, chosen.remark) if task == "colorize" else chosen
    if amp == BF16:
        return None  # Ultralytics' own
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return Policy(BF16 if native else True)


def float32(why: str) -> Policy:
    """Return the policy of a run on a CPU that is to be fast but for bfloat16."""
    return Policy(False, True, f"float32 ({why})")


def record(trainer: Any) -> dict[str, Any]:
    """Return a run's arguments as its checkpoints keep them: it is resumed by what its next processor can do.

    A stock Ultralytics refuses to resume `bf16` on a CPU; what tintbox adds is kept apart from what stock reads.
    """
    arguments, policy = vars(trainer.args), getattr(trainer, "tintbox_policy", None)
    return {**arguments, "amp": AMP_AUTO} if policy and policy.on_processor else arguments
