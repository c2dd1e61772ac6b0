"""Where a run was made: ``environment.json`` in its folder, so that a report can say it later, on another machine.

Runs of tintbox's, and those of a study, write it; a plain run of Ultralytics leaves the files that a stock one leaves.
"""

from __future__ import annotations

import json
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tintbox import atomic
from tintbox.run_folder import ENVIRONMENT
from tintbox.threads import cores

if TYPE_CHECKING:
    import torch

PACKAGES = ("tintbox", "ultralytics", "torch", "torchvision", "numpy", "opencv-python")


def describe(device: torch.device) -> dict[str, Any]:
    """Return versions and hardware, the device of the run among it."""
    import torch

    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": versions,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": cores(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def on_pretrain_routine_start(trainer: Any) -> None:
    """Write the file; a resumed run keeps that of its beginning."""
    file = Path(trainer.save_dir) / ENVIRONMENT
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(file, json.dumps(describe(trainer.device), indent=1))
