"""Which modules of tintbox exist and work, for `tintbox doctor`.

A missing module is known by what refers to it: an import in a module or in the YAML of a downloaded dataset, or a
string that is a module's name.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "tintbox"
NAME = re.compile(rf"{PACKAGE}(\.[a-z_0-9]+)+")
TABLED = re.compile(rf"{PACKAGE}(\.[a-z_0-9]+){{2,}}")  # a name with a single dot may be a file's
IN_YAML = re.compile(rf"from ({PACKAGE}[.\w]+) import")  # the code that downloads a dataset
IMPORTERS = ("import_module", "import_optional")
RUN = f"{PACKAGE}.__main__"  # importing it would run the command


def take() -> dict[str, str]:
    """Return every module that exists or that another one refers to -> "ok", or what is wrong with it."""
    files, yamls = sources(".py"), sources(".yaml")
    states = {name: trial(name) for name in sorted(files) if name != RUN}
    states.setdefault(PACKAGE, "missing")  # Python takes a folder without it for a package, too
    for file in (*files.values(), *yamls.values()):
        for module, attribute in read_names(file):
            name = f"{module}.{attribute}" if attribute else module
            if name not in states and not (attribute and has_attribute(module, attribute)):
                states[name] = "missing"
    return states


def has_attribute(module: str, attribute: str) -> bool:
    """Return whether a module has an attribute; True if it can't be imported, which is reported by its own name."""
    try:
        return hasattr(importlib.import_module(module), attribute)
    except Exception:  # noqa: BLE001  a broken module may raise anything
        return True


def sources(suffix: str) -> dict[str, Path]:
    """Return the dotted names of the package's files with a suffix -> the files."""
    spec = find_spec(PACKAGE)
    found: dict[str, Path] = {}
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for folder, _, names in os.walk(root, followlinks=True):  # a checkout links to its folders
            for name in names:
                path = Path(folder, name)
                if path.suffix == suffix:
                    parts = [PACKAGE, *path.relative_to(root).with_suffix("").parts]
                    found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def trial(name: str) -> str:
    """Return "ok" if a module can be imported, else why not."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        return f"needs {error.name}, which is missing" if error.name != name else "missing"
    except Exception as error:  # noqa: BLE001  a broken module may raise anything
        return f"broken, {type(error).__name__}: {error}"
    return "ok"


def read_names(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the modules of the package that a file refers to, each with the name imported from it, or ""."""
    if file.suffix == ".yaml":
        yield from ((name, "") for name in IN_YAML.findall(file.read_text(encoding="utf-8", errors="replace")))
        return
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE:
            yield node.module or "", ""
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if NAME.fullmatch(alias.name))
        elif (
            isinstance(node, ast.Call) and (getattr(node.func, "attr", "") or getattr(node.func, "id", "")) in IMPORTERS
        ):
            values = [str(word.value) for word in node.args if isinstance(word, ast.Constant)]
            yield from ((value, "") for value in values if NAME.fullmatch(value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and TABLED.fullmatch(node.value):
            yield node.value, ""
