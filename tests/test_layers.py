"""What import-linter cannot say: every module has a layer, and only the seam uses Ultralytics' private names."""

import ast
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
FOLDERS = ("src/tintbox", "plugins", "colorization", "datasets")
SEAM = REPO / "plugins" / "host"


def modules(folder):
    """The names of what lies directly in a package."""
    return {f.stem for f in folder.iterdir() if f.suffix == ".py" or (f / "__init__.py").exists()} - {"__init__"}


def private_names(source):
    """The names with a leading underscore that a module imports from Ultralytics, or reads off a module of it."""
    tree, aliases, found = ast.parse(source), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ultralytics":
            found |= {part for part in node.module.split(".") if private(part)}
            found |= {name.name for name in node.names if private(name.name)}
            aliases |= {name.asname or name.name for name in node.names if name.name.islower()}  # perhaps a module
        elif isinstance(node, ast.Import):
            used = [name for name in node.names if name.name.split(".")[0] == "ultralytics"]
            found |= {part for name in used for part in name.name.split(".") if private(part)}
            aliases |= {name.asname or "ultralytics" for name in used}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            root = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in aliases:
                found.add(node.attr)
    return found


def private(name):
    return name.startswith("_") and not name.startswith("__")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from ultralytics.nn.tasks import _SafeLoad", {"_SafeLoad"}),
        ("from ultralytics.nn import tasks\ntasks._SafeLoad._build()", {"_SafeLoad", "_build"}),
        ("import ultralytics.nn.tasks\nultralytics.nn.tasks._SafeLoad", {"_SafeLoad"}),
        ("import ultralytics.nn.tasks as t\nt._SafeLoad", {"_SafeLoad"}),
        ("import torch\nfrom ultralytics import YOLO\ntorch._C\nYOLO.__name__\nself._mine", set()),
    ],
)
def test_private_names_are_found(source, names):
    assert private_names(source) == names


def test_only_the_seam_uses_private_names_of_ultralytics():
    found = {
        str(file.relative_to(REPO)): names
        for folder in FOLDERS
        for file in (REPO / folder).rglob("*.py")
        if SEAM not in file.parents and (names := private_names(file.read_text(encoding="utf-8")))
    }
    assert not found, "move it to plugins/host, where test_contract.py watches it"


def test_every_module_has_a_layer():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
    settings = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {name.strip() for layer in layers for name in layer.replace("|", ":").split(":")}
    there = modules(REPO / "src" / "tintbox") | {f"plugins.{name}" for name in modules(REPO / "plugins")}
    assert there - {"plugins"} == named, "add it to the layers of [tool.importlinter] in pyproject.toml"
