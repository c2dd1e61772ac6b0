"""Attacks, mistakes and accidents that must do no harm: results by group, originally and now.

    python benchmarks/attacks.py [pytest arguments, e.g. -x]

The attempts are the tests marked ``attack("GROUP")``. Each is a strange file, a broken installation, a kill or a
newcomer's mistake. It passes if no harm is done: no code in a file runs, no existing data are lost or torn, stock works
as without tintbox, and a mistake is reported in one line. A Hypothesis test counts once and tries 10 to 300 cases.
"Before" is the result when the group was first attacked, with its own counts. benchmarks/kills.py and Ultralytics' own
tests (`make upstream`) have separate tables.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import machine
import runs

REPO = Path(__file__).resolve().parent.parent
BEFORE = {  # group -> the original result
    "arguments": "tracebacks",
    "code in a file": "ran, by 3 commands of 3",
    "files that eat the machine": "6 of 6 did, up to 8.4 GB",
    "import-legacy inputs": "tracebacks",
    "stock suite": "3 commands of stock failed",
    "half-fitting plugin": "trained without what was asked for; any broken module broke stock",
    "kills": "29 files torn in 73 kills",
    "resume": "38 of 38 differed; 21 of 30 had epochs twice",
    "study": "78 of 100 pairs held the lock both",
    "study inputs": "tracebacks",
    "numbers": "AP 0.000 and .337 for 1 and .8",
    "report page": "a button uploads the data; 1 name breaks the page",
    "report inputs": "tracebacks",
    "coco-eval inputs": "tracebacks",
    "colorize inputs": "tracebacks",
    "output": "results lost where the terminal is not UTF-8",
    "newcomer": "50 tracebacks in 406 mistakes",
}
TRACEBACKS = "inputs: 36 tracebacks of 255 in all"


class Groups:
    """A pytest plugin that counts test outcomes by group."""

    def __init__(self) -> None:
        self.groups: dict[str, str] = {}
        self.outcomes: dict[str, Counter[str]] = defaultdict(Counter)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Store the group of every test."""
        for item in items:
            if marker := item.get_closest_marker("attack"):
                self.groups[item.nodeid] = marker.args[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test's outcome; an error in setup or teardown counts as a failure."""
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[self.groups.get(report.nodeid, "?")][report.outcome] += 1

    def table(self) -> str:
        """Return the Markdown table."""
        rows = [(group, BEFORE.get(group, ""), self.outcomes[group]) for group in sorted(self.outcomes)]
        rows.append(("all", TRACEBACKS, sum(self.outcomes.values(), Counter())))
        counted = [
            [group, before, str(sum(found.values())), *(str(found[key]) for key in ("passed", "failed", "skipped"))]
            for group, before, found in rows
        ]
        return runs.tabulate(["attempt", "before", "tests now", "without harm", "harmed", "skipped"], counted)


def main() -> None:
    """Run the tests and print the table."""
    groups = Groups()
    words = ["-q", "-m", "attack", f"--rootdir={REPO}", "-p", "no:cacheprovider", str(REPO / "tests"), *sys.argv[1:]]
    status = pytest.main(words, plugins=[groups])
    print(f"\n{machine.describe('plotly', 'hotcoco', 'hypothesis')}\n\n{groups.table()}")
    raise SystemExit(int(status))


if __name__ == "__main__":
    main()
