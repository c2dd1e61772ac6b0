"""What `amp=auto` and `amp=bf16` mean on the device that trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from tintbox.plugins.autoload import TASK
from tintbox.plugins.options import AMP_AUTO, pick_own
from tintbox.processor import fast_bfloat16

BF16 = "bf16"


@dataclass(frozen=True)
class Policy:
    """How a run computes, stored as ``trainer.tintbox_policy``.

    Attributes:
        amp: The value passed to Ultralytics.
        on_processor: Whether the run is on a CPU and should be fast there, with channels last and all cores.
        remark: What to log about the arithmetic, part of a line; empty for nothing.
        requested: The run's argument.
        workers: The run's argument, the most loader processes.
    """

    amp: bool | str
    on_processor: bool = False
    remark: str = ""
    requested: str = AMP_AUTO
    workers: int = 0


def choose(amp: Any, device: torch.device, task: str) -> Policy | None:
    """Return how a run computes, or None where Ultralytics decides, as for every value other than these two.

    ``auto`` is bfloat16 on processors and CUDA devices with native support, and the same as ``amp=True`` elsewhere.

    Args:
        amp: The run's argument.
        device: The training device.
        task: The task; a colouriser has its own mixed precision on a CPU.
    """
    if amp not in (AMP_AUTO, BF16):
        return None
    if device.type == "cpu":
        chosen = Policy(BF16, True, "bfloat16") if fast_bfloat16() else float32("this processor has no native bfloat16")
        return replace(Policy(True, False, chosen.remark) if task == TASK else chosen, requested=amp)
    if amp == BF16:
        return None  # Ultralytics handles it
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return Policy(BF16 if native else True)


def float32(why: str) -> Policy:
    """Return the policy of a run on a CPU that is to be fast, but without bfloat16."""
    return Policy(False, True, f"float32 ({why})")


def record(trainer: Any) -> dict[str, Any]:
    """Return a run's arguments for its checkpoints, as a stock Ultralytics and the next machine can do them.

    A stock Ultralytics refuses to resume `bf16` on a CPU; tintbox's values are kept apart from what stock reads.
    """
    arguments, policy = vars(trainer.args), getattr(trainer, "tintbox_policy", None)
    if policy and policy.on_processor:
        return {**arguments, "amp": AMP_AUTO, "workers": policy.workers}
    return arguments


def own(arguments: Mapping[str, Any], trainer: Any) -> dict[str, Any]:
    """Return tintbox's own arguments among those of `record`, with `amp` as the user gave it."""
    ours, policy = pick_own(arguments), getattr(trainer, "tintbox_policy", None)
    return {**ours, "amp": policy.requested} if policy else ours
