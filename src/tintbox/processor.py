"""What suits the processor: native bfloat16, fused Adam steps, gradients without gaps."""

from __future__ import annotations

import torch


def fast_bfloat16() -> bool:
    """Return whether the CPU multiplies bfloat16 natively (AVX512-BF16 or AMX); otherwise float32 is faster."""
    probes = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(probe() for probe in probes if probe)


def fuse(optimizer: torch.optim.Optimizer) -> None:
    """Let Adam and AdamW use one kernel per tensor and step instead of ten, as Ultralytics does on a GPU only.

    The formula is the same, the rounding differs. PyTorch before 2.4 has no such kernel for a CPU; nothing changes.
    """
    if not isinstance(optimizer, (torch.optim.Adam, torch.optim.AdamW)):
        return
    try:
        torch.optim.Adam([torch.zeros(1)], fused=True)
    except RuntimeError:
        return
    for group in optimizer.param_groups:
        group["fused"] = True


def close_gaps(tensor: torch.Tensor) -> None:
    """Make the gradient that a tensor (B, C, H, W) will get contiguous in memory, channels last.

    The gradient of one part of a concatenation is not: with 24 of 25 channels, the ReLU before it takes 25 times as
    long on a CPU, with 32 of 64 channels a SiLU eight times.
    """
    if tensor.requires_grad:
        tensor.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))
