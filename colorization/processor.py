"""What the processor offers: its cores, and arithmetic in bfloat16."""

from __future__ import annotations

import torch

from tintbox.environment import cores
from tintbox.plugins.autoload import USER_THREADS, most_threads


def use_all_cores(device: torch.device) -> None:
    """Let torch use every core that this process may run on, unless the user set ``OMP_NUM_THREADS`` or uses a GPU.

    ``TINTBOX_THREADS`` is the limit, where processes share the machine.

    Ultralytics leaves torch one thread, which suits a data loader's worker but not a process of its own.
    """
    if device.type == "cpu" and not USER_THREADS:
        threads = min(cores(), most_threads() or cores())
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def fast_bfloat16() -> bool:
    """Return whether the CPU multiplies bfloat16 natively (AVX512-BF16 or AMX); elsewhere it is slower than float32."""
    probes = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(probe() for probe in probes if probe)
