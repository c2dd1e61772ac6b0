"""Freeze schedules in a report."""

import json

from tintbox.reports import freezing

from .conftest import section


def test_freeze_schedule(detector, stock):
    (schedule,), notes = freezing.schedules(section(detector, stock).entries)
    stored = json.loads((detector / "freeze.json").read_text())
    assert [bar.group for bar in schedule.bars] == ["backbone", "neck", "head"] and notes == []
    backbone = schedule.bars[0]
    assert backbone.parameters == f"{stored['stages'][0]['groups'][0]['parameters']:,}"
    assert [(s.width, s.kind, s.text) for s in backbone.segments] == [
        (50.0, "frozen", "1: frozen"),
        (50.0, "trained", "2: trains"),
    ]
    assert "unfreeze={0.5: backbone}" in schedule.arguments


def test_a_schedule_that_was_not_recorded(made):
    found = section(made("old", {"freeze": 10}, val__box_loss=[1.0])).entries
    assert freezing.schedules(found) == ([], ["old: freeze=10; no freeze.json says what trained when."])
