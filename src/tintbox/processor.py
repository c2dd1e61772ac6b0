"""What the processor offers: arithmetic in bfloat16, and steps of Adam in one kernel."""

from __future__ import annotations

import torch


def fast_bfloat16() -> bool:
    """Return whether the CPU multiplies bfloat16 natively (AVX512-BF16 or AMX); elsewhere it is slower than float32."""
    probes = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(probe() for probe in probes if probe)


def fuse(optimizer: torch.optim.Optimizer) -> None:
    """Let Adam and AdamW step in one kernel for each tensor instead of ten, as Ultralytics does on a GPU alone.

    The same formula, rounded otherwise. A PyTorch older than 2.4 has no such kernel for a CPU and goes on as before.
    """
    if not isinstance(optimizer, (torch.optim.Adam, torch.optim.AdamW)):
        return
    try:
        torch.optim.Adam([torch.zeros(1)], fused=True)
    except RuntimeError:
        return
    for group in optimizer.param_groups:
        group["fused"] = True
