"""The only place that patches Ultralytics: one small function per patch, in a table.

Every patch names the Ultralytics module that it changes, the attributes that it relies on, and why there is no other
way. It runs right after that module's own code, so names that other modules copy out of it are the patched ones.
`tests/plugins/test_host_contract.py` asserts every name, so an Ultralytics upgrade fails there and nowhere else. A
patch that cannot be applied says so in one line and leaves the rest as it is.

Verified against Ultralytics 8.4.190.
"""

from tintbox.plugins.host import (  # noqa: F401  each registers its patches
    anchors,
    checkpoints,
    configuration,
    evaluation,
    models,
    runs,
)
from tintbox.plugins.host.finding import find_spec
from tintbox.plugins.host.table import PATCHES, Patch, apply, modules, resolve, state

__all__ = ["PATCHES", "Patch", "apply", "find_spec", "modules", "resolve", "state"]
