"""Count the imports of tintbox that pyright cannot resolve: ``pyright --outputjson | python tools/unresolved.py``."""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Print the unresolved imports and their number; the exit status is 1 if there are any."""
    result = json.load(sys.stdin)
    found = [
        f"{entry['file']}:{entry['range']['start']['line'] + 1}: {entry['message']}"
        for entry in result["generalDiagnostics"]
        if entry.get("rule") in ("reportMissingImports", "reportMissingModuleSource", "reportAttributeAccessIssue")
        and '"tintbox' in entry["message"]
    ]
    print(*found, f"{len(found)} unresolved imports of tintbox in {result['summary']['filesAnalyzed']} files", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
