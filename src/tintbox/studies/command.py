"""`tintbox study`: parse, check, train what is not trained yet, and report the results."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tintbox import run_folder
from tintbox.checks import is_whole
from tintbox.errors import TintboxError, counted, reason_of
from tintbox.studies import checks, crossed_table, crossing, lock, outcome, pictures, place, table
from tintbox.studies.cells import Result, group_by_cell
from tintbox.studies.cluster import ClusterRuns, connect
from tintbox.studies.grid import Grid, Run, parse
from tintbox.studies.local import LocalRuns
from tintbox.studies.outcome import Outcome
from tintbox.studies.pooled import Pools
from tintbox.studies.progress import Progress

PAUSE = 0.5  # seconds between polls of the runs


def study(words: Sequence[str], workers: int = 1, ray: str | None = None, yes: bool = False) -> Path:
    """Train the runs of a grid that are not trained yet, and write tables and figures of the results.

    The words are ``key=value`` of `yolo train`, where a value may be a comma-separated list; YAML files with the same;
    or the folder of a study to continue. Returns, errors and other arguments are those of `tintbox.study`.
    """
    with explain_failures():
        folder, grid, notes = prepare(words, many=yes)
    return train(folder, grid, notes, workers, ray)


def train_grid(grid: Grid, workers: int = 1, ray: str | None = None, *, yes: bool = False) -> Path:
    """Check a grid, and train it in the folder that its ``project`` and ``name`` say; the rest as in `study`."""
    with explain_failures():
        notes = checks.check_arguments(grid, many=yes)
        folder, own = place.choose(grid)
    return train(folder, own, notes, workers, ray)


def train(
    folder: Path,
    grid: Grid,
    notes: Sequence[str],
    workers: int = 1,
    ray: str | None = None,
    elsewhere: str = crossing.ELSEWHERE,
) -> Path:
    """Train the untrained runs of a checked grid; arguments and errors as in `study`.

    ``elsewhere`` says how to begin in another folder, for errors about this one.
    """
    if not is_whole(workers, 1):
        raise TintboxError(f"workers={workers}: give a whole number of 1 or more")
    if ray is not None and not isinstance(ray, str):
        raise TintboxError(f"ray={ray}: give the address of a cluster, or auto")
    if ray:
        connect(ray)
    runs = grid.runs()
    with explain_failures(folder):
        checks.check_folder(folder, sum(not outcome.claims_to_be_finished(folder / run.name) for run in runs))
    with lock.hold(folder), explain_failures(folder):
        if other := place.explain_difference(folder, grid):
            raise TintboxError(f"{other}: it has just begun; {elsewhere}")
        place.write(folder, grid)
        folds = crossing.prepare(folder, grid, elsewhere)
        pools = Pools(folder, grid, folds) if folds else None
        done = find_finished(folder, runs)
        todo = [run for run in runs if run.name not in done]
        for note in notes:
            print(f"note: {note}")
        print(
            f"{folder}: {counted(len(runs), 'run')}" + (f", {len(done)} of them done" if done else ""),
            flush=True,
        )
        if todo:
            work = LocalRuns(todo, folder, workers) if ray is None else ClusterRuns(todo, folder, ray, workers)
            drive(folder, runs, done, work, pools)
        show(folder, grid, pools)
    return folder


def prepare(words: Sequence[str], *, many: bool) -> tuple[Path, Grid, list[str]]:
    """Return the study's folder, its checked grid, and notes for the user."""
    if not words:
        raise TintboxError("say what to train, e.g. model=yolo11n.yaml data=bccd.yaml batch=8,16 seed=0,1,2")
    if place.is_folder(words[0]):
        folder = Path(words[0])
        grid = place.read(folder, words[1:])
        notes = checks.check_arguments(grid, many=many or len(words) == 1)
        if other := place.explain_difference(folder, grid):
            raise TintboxError(f"{other}; give a folder of its own, by project= and name=")
        return folder, grid, notes
    grid = parse(words)
    notes = checks.check_arguments(grid, many=many)
    return *place.choose(grid), notes


def find_finished(folder: Path, runs: Sequence[Run]) -> dict[str, Outcome]:
    """Return name -> outcome of the finished runs; the others, failed ones too, are to be trained."""
    known = ((run.name, outcome.read(folder / run.name)) for run in runs)
    return {name: found for name, found in known if found and outcome.is_finished(folder / name, found)}


def drive(
    folder: Path,
    runs: Sequence[Run],
    done: dict[str, Outcome],
    work: LocalRuns | ClusterRuns,
    pools: Pools | None,
) -> None:
    """Wait until all runs have ended, and keep the tables up to date."""
    came = {run.name: result(folder, run) for run in runs}
    try:
        with Progress(runs, done, folder) as progress:
            while len(progress.ended) < len(runs):
                ended = work.poll()
                running = work.list_running()
                progress.update(running, ended)
                if ended:  # the others have not changed, and there may be thousands
                    came |= {run.name: result(folder, run) for run in (*running, *(run for run, _ in ended))}
                    save(folder, list(came.values()), pools)
                time.sleep(PAUSE)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; {go_on(folder)}") from None
    finally:
        work.close()


def go_on(folder: Path) -> str:
    """Return how to continue a study, as text."""
    return f"go on with: tintbox study {shlex.quote(str(folder))}"


@contextlib.contextmanager
def explain_failures(folder: Path | None = None) -> Iterator[None]:
    """Report in one line that a file of the study cannot be read or written, e.g. because the disk is full."""
    try:
        yield
    except TintboxError:
        raise
    except OSError as error:
        where = error.filename or folder or "the study's folder"
        line = f"{where}: {reason_of(error)}"
        raise TintboxError(f"{line}; {go_on(folder) if folder else 'give project='}") from error


def result(folder: Path, run: Run) -> Result:
    """Return the result of a run so far."""
    try:
        found = run_folder.read(folder / run.name)
    except TintboxError:  # there is nothing to read yet
        found = None
    return Result(run, outcome.read(folder / run.name), found)


def save(folder: Path, results: Sequence[Result], pools: Pools | None) -> None:
    """Write a study's tables: of all runs or, with folds, of their pooled predictions."""
    if pools is None:
        table.save(folder, results)
    else:
        crossed_table.save(folder, results, pools)


def show(folder: Path, grid: Grid, pools: Pools | None) -> None:
    """Write the tables and figures of a study, and print the table."""
    came = [result(folder, run) for run in grid.runs()]
    save(folder, came, pools)
    if pools is None and (cells := group_by_cell(came)):
        pictures.draw(folder, cells)
    print(f"\n{(folder / 'study.md').read_text(encoding='utf-8').partition(chr(10))[2].strip()}\n")
    failed = [r.run.name for r in came if r.outcome and r.outcome.state == outcome.FAILED]
    if failed:
        where = folder / failed[0] / outcome.LOG
        raise TintboxError(f"{len(failed)} of {len(came)} runs failed, e.g. {failed[0]}; its log is {where}")
    for name, why in pools.problems.items() if pools else ():
        raise TintboxError(f"{folder / name}: its folds cannot be put together: {why}")
