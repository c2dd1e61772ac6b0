"""The table of versions and hardware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tintbox.errors import value_text
from tintbox.reports.entries import Entry
from tintbox.reports.tables import Table, texts_by_run, texts_of_all

NOT_RECORDED = "not recorded"


def machines(entries: Sequence[Entry]) -> Table:
    """Return versions and hardware: a column per run, or a single one if they are the same for all."""
    known = [machine(entry) for entry in entries]
    keys = dict.fromkeys(key for facts in known for key in facts)
    kept = {key: [facts.get(key, NOT_RECORDED) for facts in known] for key in keys}
    if len(entries) > 1 and all(len(set(values)) == 1 for key, values in kept.items() if key != "date"):
        spans = {key: " to ".join(dict.fromkeys((min(values), max(values)))) for key, values in kept.items()}
        return texts_of_all("Versions and hardware", "", spans)
    return texts_by_run("Versions and hardware", "", entries, kept)


def machine(entry: Entry) -> dict[str, str]:
    """Return what is known of the machine that a run was made on; for a stock run, what its checkpoint says."""
    found: Mapping[str, Any] = entry.run.environment
    versions = found.get("versions")
    versions = dict(versions) if isinstance(versions, dict) else {}
    if "ultralytics" not in versions and "version" in entry.checkpoint:
        versions["ultralytics"] = entry.checkpoint["version"]
    date = found.get("date") or entry.checkpoint.get("date")
    facts = {"date": str(date)[:19].replace("T", " ") if date else NOT_RECORDED}
    facts |= {str(name): str(version) for name, version in versions.items()}
    for key in ("processor", "cores", "device", "system"):
        facts[key] = value_text(found[key]) if key in found else NOT_RECORDED
    return facts
