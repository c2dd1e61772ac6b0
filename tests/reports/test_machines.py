"""Versions and hardware in a report."""

import json

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
