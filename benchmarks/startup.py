"""The plugin's cost for a Python start that never imports Ultralytics.

    python benchmarks/startup.py [--n 200]

Starts the interpreter alternately with and without the start-up file (it is renamed), and prints the difference of the
medians; then the time of the file's own work, measured inside a process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import machine

INSIDE = (
    "import sys, time; line = open(sys.argv[1]).read();"
    "sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, '__name__', '') != 'TintboxStart'];"
    "t = time.perf_counter(); exec(line); print(time.perf_counter() - t)"
)


def start() -> float:
    """Return the seconds that an interpreter takes to start and exit."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = machine.make_parser(__doc__, n=200)
    n = parser.parse_args().n
    print(machine.describe())
    file = Path(sysconfig.get_path("purelib"), "tintbox_autoload.pth")
    aside = file.with_suffix(".aside")
    with_plugin, without = [], []
    try:
        for _ in range(n):
            file.rename(aside)
            without.append(1e3 * start())
            aside.rename(file)
            with_plugin.append(1e3 * start())
    finally:
        if aside.exists():
            aside.rename(file)
    inside = [1e3 * float(subprocess.check_output([sys.executable, "-c", INSIDE, file])) for _ in range(30)]
    print(f"n = {n}, milliseconds, median (lowest to highest)")
    print(f"without   {machine.spread(without, 2)}")
    print(f"with      {machine.spread(with_plugin, 2)}")
    print(f"difference of medians {statistics.median(with_plugin) - statistics.median(without):+.2f}")
    print(f"start-up file's own work, inside a process, n = 30: {machine.spread(inside, 2)}")


if __name__ == "__main__":
    main()
