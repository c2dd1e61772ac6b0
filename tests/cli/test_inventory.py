"""The inventory of tintbox's modules."""

from tintbox.cli import inventory


def test_all_modules_are_there_and_work():
    states = inventory.take()
    assert set(states.values()) == {"ok"}
    assert {"tintbox", "tintbox.errors", "tintbox.environment", "tintbox.plugins.loss.bce"} <= set(states)


def test_what_a_file_names_is_found(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(
        "from tintbox.plugins import files as f\nimport tintbox.errors, os\nfrom os import path\n"
        "def late():\n    from tintbox.studies.grid import Grid\n    importlib.import_module('tintbox.limits')\n"
        "TABLE = ('tintbox.colorization.trainer', 'tintbox.json', 'tintbox')\n"
    )
    assert set(inventory.read_names(file)) == {
        ("tintbox.plugins", ""),
        ("tintbox.plugins", "files"),
        ("tintbox.errors", ""),
        ("tintbox.studies.grid", ""),
        ("tintbox.studies.grid", "Grid"),
        ("tintbox.limits", ""),
        ("tintbox.colorization.trainer", ""),
    }
