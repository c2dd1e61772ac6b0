"""What `tintbox doctor` finds out: versions, whether the plugin is active here, whether it fits this Ultralytics."""

from __future__ import annotations

import importlib
import os
import platform
import sys
import sysconfig
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from tintbox.plugins import autoload, host

PACKAGES = ("tintbox", "ultralytics", "torch", "torchvision", "numpy", "opencv-python", "pycocotools", "scikit-learn")
START_UP = ("tintbox_autoload.start", "tintbox_autoload.pth")


@dataclass(frozen=True)
class Check:
    """One Ultralytics name that a patch relies on, or a patch as a whole."""

    name: str
    patch: str
    state: str  # "ok", "missing", or what went wrong


@dataclass
class Report:
    """What was found."""

    versions: dict[str, str] = field(default_factory=dict)
    start_up: Path | None = None
    plugin: str = ""
    checks: list[Check] = field(default_factory=list)
    device: str = ""
    problems: list[str] = field(default_factory=list)


def examine() -> Report:
    """Look at this environment. Imports Ultralytics."""
    report = Report(versions={"python": platform.python_version()})
    for package in PACKAGES:
        try:
            report.versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            report.versions[package] = "missing"
            report.problems.append(f"package {package} is missing")
    report.start_up = start_up_file()
    if autoload.disabled():
        report.plugin = f"off: TINTBOX_DISABLE={os.environ['TINTBOX_DISABLE']}"
        report.problems.append("the plugin is switched off by TINTBOX_DISABLE")
    elif autoload.installed():
        report.plugin = "active at start-up"
    else:
        report.plugin = "not active at start-up"
        report.problems.append("the start-up file did not run; reinstall tintbox with pip into this environment")
    for p in host.PATCHES:
        report.checks += check(p, applied=autoload.installed())
    report.problems += [f"{c.patch}: {c.name} {c.state}" for c in report.checks if c.state != "ok"]
    import torch

    cuda = torch.cuda.is_available()
    report.device = torch.cuda.get_device_name(0) if cuda else f"cpu ({os.cpu_count()} cores)"
    return report


def check(p: host.Patch, applied: bool) -> list[Check]:
    """Return a check per name that the patch relies on; where all are there, its own state if it should be applied."""
    patch = p.function.__name__
    try:
        module = importlib.import_module(p.module)
    except ImportError as error:
        return [Check(p.module, patch, f"missing ({error})")]
    checks = []
    for name in p.names:
        try:
            host.resolve(module, name)
            state = host.state(p) if applied else "ok"
        except AttributeError:
            state = "missing"
        checks.append(Check(f"{p.module}.{name}", patch, state))
    return checks


def start_up_file() -> Path | None:
    """Return the start-up file in this environment's site-packages that this Python reads, or None."""
    names = START_UP if sys.version_info >= (3, 15) else START_UP[1:]  # .start is PEP 829
    folders = dict.fromkeys(sysconfig.get_path(key) for key in ("purelib", "platlib"))
    return next((path for folder in folders for name in names if (path := Path(folder, name)).exists()), None)
