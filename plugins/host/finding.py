"""Module specs for the import system: of patched modules, and of those that run as scripts."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

from tintbox.plugins.host.table import apply, modules


def find_spec(name: str) -> ModuleSpec | None:
    """Return the spec for a module of Ultralytics that is patched on import, or None to leave it to the others."""
    if name in SCRIPTS:
        # The origin becomes `sys.argv[0]`, which Ultralytics takes for a path; it is the one that stock's own would be.
        package = sys.modules.get("ultralytics.cfg")
        return spec_from_loader(name, ScriptLoader(), origin=getattr(package, "__file__", None) or name)
    if name not in modules():
        return None
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return None
    exec_module = spec.loader.exec_module

    def exec_and_patch(module: ModuleType) -> None:
        exec_module(module)
        apply(module)

    spec.loader.exec_module = exec_and_patch  # type: ignore[method-assign]
    return spec


# `python -m ultralytics.cfg.__init__`, by which Ultralytics starts its subprocesses, executes a second, unpatched copy
# of the module under the name __main__; the stock package has no `ultralytics.cfg.__main__` at all.
SCRIPTS = ("ultralytics.cfg.__init__", "ultralytics.cfg.__main__")
RUN_ENTRYPOINT = """\
if __name__ == "__main__":  # a process that multiprocessing spawns runs this again, under another name
    from ultralytics.cfg import entrypoint
    entrypoint()
"""


class ScriptLoader(importlib.abc.InspectLoader):
    """The loader of a module whose source is a few lines of ours: they run the command."""

    def get_source(self, fullname: str) -> str:
        """Return the source text that stands for the module ``fullname``."""
        return RUN_ENTRYPOINT

    def is_package(self, fullname: str) -> bool:
        """Return False: the module has no submodules."""
        return False
