"""Module specs for the import system: for patched modules, and for those that run as scripts."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

from tintbox.plugins.host.table import apply, modules


def find_spec(name: str) -> ModuleSpec | None:
    """Return the spec of an Ultralytics module that is patched on import, or None to leave it to other finders."""
    if name in SCRIPTS:
        # The origin becomes `sys.argv[0]`, which Ultralytics expects to be a path; stock would have the same one.
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


# Ultralytics starts its subprocesses as `python -m ultralytics.cfg.__init__`, which executes a second, unpatched copy
# of the module under the name __main__; the stock package has no `ultralytics.cfg.__main__` at all.
SCRIPTS = ("ultralytics.cfg.__init__", "ultralytics.cfg.__main__")
RUN_ENTRYPOINT = """\
if __name__ == "__main__":  # a process that multiprocessing spawns runs this again, under another name
    from ultralytics.cfg import entrypoint
    entrypoint()
"""


class ScriptLoader(importlib.abc.InspectLoader):
    """Loader of a module whose source is a few lines of ours that run the command."""

    def get_source(self, fullname: str) -> str:
        """Return the source text used for the module ``fullname``."""
        return RUN_ENTRYPOINT

    def is_package(self, fullname: str) -> bool:
        """Return False: the module has no submodules."""
        return False
