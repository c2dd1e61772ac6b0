"""Every module that has logic has a test module of its name, at the mirrored place."""

from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
# Source folder -> the folder of its tests. The links in src/tintbox lead to the others.
MIRRORED = {
    "src/tintbox": "tests",
    "plugins": "tests/plugins",
    "colorization": "tests/colorization",
    "datasets": "tests/datasets",
}
LINKS = {"plugins", "colorization", "datasets", "cfg"}
# What needs none, and why.
EXCEPTIONS = {
    "src/tintbox/limits.py": "numbers; the tests of what reads a file hold it to them",
    "src/tintbox/cli/tables.py": "a table; tests/cli/test_keys.py holds every row against its command",
}


def modules():
    """Every module but ``__init__`` with the place of its tests, by its path in the repository."""
    found = {}
    for folder, tests in MIRRORED.items():
        for file in sorted((REPO / folder).rglob("*.py")):
            inside = file.relative_to(REPO / folder)
            if file.name == "__init__.py" or (folder == "src/tintbox" and inside.parts[0] in LINKS):
                continue
            name = f"test_{file.stem.strip('_')}.py"  # `__main__` is tested by test_main.py
            found[f"{folder}/{inside.as_posix()}"] = REPO / tests / inside.parent / name
    return found


MODULES = modules()


@pytest.mark.parametrize("module", sorted(MODULES.keys() - EXCEPTIONS.keys()))
def test_a_module_has_tests_of_its_own(module):
    place = MODULES[module]
    assert place.is_file(), f"write {place.relative_to(REPO)}, or give a reason among the exceptions"
    assert "def test_" in place.read_text(encoding="utf-8")


def test_exceptions_are_modules_that_have_none():
    assert MODULES.keys() >= EXCEPTIONS.keys()
    assert not [module for module in EXCEPTIONS if MODULES[module].is_file()]


def test_the_packages_without_modules_hold_no_logic():
    """A package's own file says what it is; the public API, the seam and the table of patches are tested as wholes."""
    wholes = {"src/tintbox", "plugins/host"}
    for folder in MIRRORED:
        for file in (REPO / folder).rglob("__init__.py"):
            place = file.parent.relative_to(REPO).as_posix()
            if place not in wholes and not (set(Path(place).parts[2:3]) & LINKS):
                assert "\ndef " not in file.read_text(encoding="utf-8"), place
