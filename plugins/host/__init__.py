"""The only place that patches Ultralytics: one small function per patch, in a table.

Every patch names the Ultralytics module that it changes, the attributes that it relies on, and why there is no other
way. It runs right after that module's own code, so other modules that import names from it get the patched ones.
`tests/plugins/host/test_contract.py` asserts every name, so an Ultralytics upgrade fails there and nowhere else. A
patch that cannot be applied says so in one line and leaves the rest alone; `capabilities` then says what is off.

Verified against Ultralytics 8.4.190.
"""

import tintbox.plugins.host.capabilities as capabilities  # full path, so that an error names it if it is missing
import tintbox.plugins.host.refusals as refusals  # first: a run is refused before anything else happens
from tintbox.plugins.host.finding import find_spec
from tintbox.plugins.host.table import PATCHES, Patch, apply, broken, modules, read, state

REGISTERING = (
    *("anchors", "checkpoints", "configuration", "evaluation", "extension", "models"),
    *("precision", "run_arguments", "runs", "model_methods"),
    "mistakes",  # last, to see what the other patches let through
)
for _name in REGISTERING:
    read(f"{__name__}.{_name}")

__all__ = [
    "PATCHES",
    "Patch",
    "apply",
    "broken",
    "capabilities",
    "find_spec",
    "modules",
    "refusals",
    "state",
]
