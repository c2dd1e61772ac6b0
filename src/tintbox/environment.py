"""The environment of a run: ``environment.json`` in its folder, for reports made later or on another machine.

tintbox's runs and those of a study write it; a plain Ultralytics run leaves exactly the files of a stock one.
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
    """Return versions and hardware, including the run's device."""
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
    """Write the file; a resumed run keeps its original one."""
    file = Path(trainer.save_dir) / ENVIRONMENT
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(file, json.dumps(describe(trainer.device), indent=1))
