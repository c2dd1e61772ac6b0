"""The progress of a study: finished runs, current runs with their epochs, and the expected end."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from tintbox.studies import outcome
from tintbox.studies.grid import Run
from tintbox.studies.outcome import Outcome
from tintbox.terminal import console


def clock(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


class Progress:
    """What is shown while a study runs: a live display in a terminal, a line per event elsewhere.

    Attributes:
        shares: Run's name -> the fraction of its epochs that is done, 0..1.
    """

    def __init__(self, runs: Sequence[Run], done: Mapping[str, Outcome], folder: Path) -> None:
        self.runs, self.folder = runs, folder
        self.ended = dict(done)
        self.shares = {run.name: 1.0 if run.name in done else self.share(run)[0] for run in runs}
        self.begun, self.at_first = time.monotonic(), sum(self.shares.values())
        self.console = console()
        self.live = Live(console=self.console, refresh_per_second=2, transient=True) if sys.stdout.isatty() else None
        self.reported: set[str] = set()

    def __enter__(self) -> Progress:
        """Start the display."""
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Stop the display."""
        if self.live:
            self.live.stop()

    def share(self, run: Run) -> tuple[float, str]:
        """Return the fraction of a run's epochs that is done, and the same as text."""
        done = outcome.trained_epochs(self.folder / run.name)
        epochs = outcome.planned_epochs(self.folder / run.name)
        if math.isinf(epochs):  # its arguments are not written yet, or damaged
            return 0.0, "starting"
        return min(1.0, done / epochs), f"epoch {done} of {epochs:.0f}"

    def estimate_remaining(self) -> float | None:
        """Return the expected remaining seconds, None while unknown; all runs are assumed to take equally long."""
        gained = sum(self.shares.values()) - self.at_first
        if gained < 0.02:
            return None
        return (time.monotonic() - self.begun) * (len(self.runs) - sum(self.shares.values())) / gained

    def update(self, running: Sequence[Run], ended: Sequence[tuple[Run, Outcome]]) -> None:
        """Show the current runs, and those that ended since the last call."""
        for run, found in ended:
            self.ended[run.name], self.shares[run.name] = found, 1.0
            self.tell(f"{run.name}: {found.state}{': ' + found.reason if found.reason else ''}{self.describe_end()}")
        said = {}
        for run in running:
            self.shares[run.name], said[run.name] = self.share(run)
            if not self.live and run.name not in self.reported:
                self.reported.add(run.name)
                self.tell(f"{run.name}: started")
        if self.live:
            self.live.update(self.picture(running, said))

    def tell(self, line: str) -> None:
        """Print a line above the display, with the number of runs that have ended."""
        self.console.print(
            f"[{len(self.ended)}/{len(self.runs)}] {line}", markup=False, highlight=False, soft_wrap=True
        )

    def describe_end(self) -> str:
        """Return the expected end of the study as text."""
        left = self.estimate_remaining()
        if left is None or len(self.ended) == len(self.runs):
            return ""
        return f"; about {clock(left)} left, until {time.strftime('%H:%M', time.localtime(time.time() + left))}"

    def picture(self, running: Sequence[Run], said: Mapping[str, str]) -> Group:
        """Return the display: a bar for the study, and a line per current run."""
        shown = Table.grid(padding=(0, 1))
        failed = sum(found.state == outcome.FAILED for found in self.ended.values())
        words = f"{len(self.ended)} of {len(self.runs)} runs done" + (f", {failed} failed" if failed else "")
        shown.add_row(words, ProgressBar(total=len(self.runs), completed=sum(self.shares.values()), width=40))
        for run in running:
            bar = ProgressBar(total=1.0, completed=self.shares[run.name], width=40)
            shown.add_row(f"  {escape(run.name)}", bar, said.get(run.name, ""))
        return Group(shown, self.describe_end().removeprefix("; "))
