"""Module specs for the import system: of patched modules, and of those that run as scripts."""

from __future__ import annotations

import importlib.abc
import importlib.util
from importlib.machinery import ModuleSpec
from types import ModuleType

from tintbox.plugins.host.table import apply, modules


def find_spec(name: str) -> ModuleSpec | None:
    """Return the spec for a module of Ultralytics that is patched on import, or None to leave it to the others."""
    if name in REDIRECTS:
        return importlib.util.spec_from_loader(name, RedirectLoader(REDIRECTS[name]))
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


# `python -m ultralytics.cfg.__init__`, which Ultralytics runs as a subprocess, executes a second, unpatched copy of the
# module under the name __main__; the stock package has no `ultralytics.cfg.__main__` at all.
RUN_ENTRYPOINT = "from ultralytics.cfg import entrypoint\nentrypoint()\n"
REDIRECTS = {"ultralytics.cfg.__init__": RUN_ENTRYPOINT, "ultralytics.cfg.__main__": RUN_ENTRYPOINT}


class RedirectLoader(importlib.abc.InspectLoader):
    """The loader of a module whose source is a few lines of ours."""

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, fullname: str) -> str:
        """Return the source text that stands for the module ``fullname``."""
        return self.source

    def is_package(self, fullname: str) -> bool:
        """Return False: the module has no submodules."""
        return False
