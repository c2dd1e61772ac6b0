"""Versions and hardware in a report."""

import json

from tintbox import checkpoint_file
from tintbox.reports import machines

from .conftest import section, texts


def test_versions_and_hardware(detector, stock, copy):
    environment = json.loads((detector / "environment.json").read_text())
    table = machines.machines(section(detector, stock).entries)
    rows = {row[0]: row[1:] for row in texts(table)}
    assert rows["torch"] == [environment["versions"]["torch"], "not recorded"]
    assert rows["ultralytics"] == [environment["versions"]["ultralytics"]] * 2  # the stock run's is in its checkpoint
    assert rows["processor"] == [environment["processor"], "not recorded"]
    same = machines.machines(section(detector, copy(detector, "twin")).entries)
    assert [cell.text for cell in same.columns] == ["", "all runs"]
    assert dict(texts(same))["cores"] == str(environment["cores"])


def test_a_checkpoint_is_not_read_for_what_the_run_has_recorded(detector, stock, monkeypatch):
    read = []
    monkeypatch.setattr(checkpoint_file, "facts", lambda file: read.append(file) or {})
    machines.machines(section(detector, stock).entries)
    assert [file.parent.parent for file in read] == [stock]
