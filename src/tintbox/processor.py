"""What the processor offers: arithmetic in bfloat16."""

from __future__ import annotations

import torch


def fast_bfloat16() -> bool:
    """Return whether the CPU multiplies bfloat16 natively (AVX512-BF16 or AMX); elsewhere it is slower than float32."""
    probes = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(probe() for probe in probes if probe)
