"""What `tintbox doctor` checks: versions, whether the plugin is active here, complete, and fits Ultralytics.

It must work even if tintbox itself is broken: it imports only the standard library, tries everything else, and prints
plain text.
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any

from tintbox.cli.inventory import take

PACKAGES = ("tintbox", "ultralytics", "torch", "torchvision", "numpy", "opencv-python", "pycocotools", "scikit-learn")
LACKS = re.compile(r"needs (\w+)[\w.]*, which is missing")  # of `inventory.trial`
# What tintbox depends on, as it is imported: named once if missing, not with every module that needs it.
NEEDED = {
    *("PIL", "cv2", "filelock", "jinja2", "matplotlib", "msgspec", "numpy", "plotly", "psutil", "pycocotools", "rich"),
    *("scipy", "sklearn", "torch", "typer", "ultralytics", "yaml"),
}
START_UP = ("tintbox_autoload.start", "tintbox_autoload.pth")


@dataclass(frozen=True)
class Check:
    """One Ultralytics name that a patch relies on, or a patch as a whole."""

    name: str
    patch: str
    state: str  # "ok", "missing", or what went wrong


@dataclass
class Report:
    """The findings."""

    versions: dict[str, str] = field(default_factory=dict)
    start_up: Path | None = None
    plugin: str = ""
    checks: list[Check] = field(default_factory=list)
    capabilities: dict[str, str] = field(default_factory=dict)  # title -> "ok" or why it is off; empty without plugin
    modules: dict[str, str] = field(default_factory=dict)  # broken modules of tintbox -> what is wrong
    lacking: list[str] = field(default_factory=list)  # packages that tintbox depends on
    device: str = ""
    problems: list[str] = field(default_factory=list)


def examine() -> Report:
    """Examine this environment. Imports Ultralytics and all of tintbox."""
    report = Report(versions={"python": platform.python_version()})
    for package in PACKAGES:
        try:
            report.versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            report.versions[package] = "missing"
            report.problems.append(f"package {package} is missing")
    report.start_up = start_up_file()
    try:
        plugin(report)
    except Exception as error:  # noqa: BLE001  the inventory names the module
        report.plugin = report.plugin or "off"
        report.problems.append(f"the plugin is off: {type(error).__name__}: {error}")
    report.modules |= {name: state for name, state in take().items() if state != "ok"}
    for name, state in list(report.modules.items()):
        if (found := LACKS.fullmatch(state)) and found[1] in NEEDED:
            report.lacking = sorted({*report.lacking, found[1]})
            del report.modules[name]
    report.problems += [f"{package} cannot be imported, and tintbox needs it" for package in report.lacking]
    report.problems += [f"module {name}: {state}" for name, state in report.modules.items()]
    try:
        import torch

        cuda = torch.cuda.is_available()
        report.device = torch.cuda.get_device_name(0) if cuda else f"cpu ({os.cpu_count()} cores)"
    except ImportError as error:
        report.device = f"unknown ({error})"
    return report


def plugin(report: Report) -> None:
    """Check the plugin: whether it is active, its patches, its capabilities."""
    from tintbox.plugins import autoload

    active = autoload.is_installed() and not autoload.is_disabled()
    if autoload.is_disabled():
        report.plugin = f"off: TINTBOX_DISABLE={os.environ['TINTBOX_DISABLE']}"
        report.problems.append("the plugin is switched off by TINTBOX_DISABLE")
    elif active:
        report.plugin = "active at start-up"
    else:
        report.plugin = "not active at start-up"
        report.problems.append("the start-up file did not run; reinstall tintbox with pip into this environment")

    from tintbox.plugins import host

    if find_spec("ultralytics") is None:
        return  # there is nothing to patch
    # A missing module of patches is reported nowhere else.
    report.modules = {module: why.removeprefix(f"{module}: ") for module, why in host.broken.items()}
    for p in host.PATCHES:
        report.checks += check(p, applied=active, host=host)
    report.problems += [f"{c.patch}: {c.name} {c.state}" for c in report.checks if c.state != "ok"]
    if active:
        report.capabilities = {c.title: host.capabilities.lacks(c) or "ok" for c in host.capabilities.CAPABILITIES}
        lacking = {title: why for title, why in report.capabilities.items() if why != "ok"}
        report.problems += [f"{title} is off and refused: {why}" for title, why in lacking.items()]


def check(p: Any, applied: bool, host: Any) -> list[Check]:
    """Return a check per name that a patch relies on; if the name exists and the patch should be applied, its state."""
    patch = p.function.__name__
    try:
        module = importlib.import_module(p.module)
    except ImportError as error:
        return [Check(p.module, patch, f"missing ({error})")]
    checks = []
    for name in p.names:
        try:
            attrgetter(name)(module)
            state = host.state(p) if applied else "ok"
        except AttributeError:
            state = "missing"
        checks.append(Check(f"{p.module}.{name}", patch, state))
    return checks


def start_up_file() -> Path | None:
    """Return the start-up file that this Python reads in the environment's site-packages, or None."""
    names = START_UP if sys.version_info >= (3, 15) else START_UP[1:]  # .start is PEP 829
    folders = dict.fromkeys(sysconfig.get_path(key) for key in ("purelib", "platlib"))
    return next((path for folder in folders for name in names if (path := Path(folder, name)).exists()), None)


def columns(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows as lines of aligned columns."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table)


def main(verbose: bool = False) -> int:
    """Print the findings; return the exit status, 1 if there is a problem.

    If ``verbose``, every name of Ultralytics that a patch relies on is listed, else those with a problem.
    """
    report = examine()
    print("versions\n" + columns(report.versions.items()))
    if report.capabilities:
        states = {title: "ok" if state == "ok" else "off" for title, state in report.capabilities.items()}
        print("\ncapabilities\n" + columns((state, title) for title, state in states.items()))
    listed = [(c.state, c.name, c.patch) for c in report.checks if verbose or c.state != "ok"]
    fitting = sum(c.state == "ok" for c in report.checks)
    print(
        f"\nnames of Ultralytics that patches rely on: {fitting} of {len(report.checks)} fit" + (":" if listed else "")
    )
    if listed:
        print(columns(listed))
    print(f"\nstart-up file: {report.start_up or 'none found; reinstall tintbox with pip'}")
    print(f"plugin: {report.plugin}")
    print(f"device: {report.device}")
    if report.problems:
        print(f"\n{len(report.problems)} problem(s):\n" + "\n".join(report.problems))
        if report.lacking or "missing" in report.versions.values():
            print("\ninstall what is missing: pip install tintbox")
        if report.modules:
            print("\nreinstall tintbox: pip install --force-reinstall --no-deps tintbox")
        return 1
    print("\nall well")
    return 0
