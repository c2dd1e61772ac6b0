"""Run the tests of the installed Ultralytics with the plugin: what passes without it passes with it.

    python tests/upstream/run.py [--quick] [--jobs 2] [--weights ../shared/weights] [--folder build/upstream]

The tests are those of Ultralytics' source distribution of the same version. They run offline on a copy of the installed
package, because it writes its test runs beside itself, each time with settings, weights and data of its own (`stage`).
What does not pass with the plugin is run again without it. Ends with status 1 if a test passes then.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from queue import Queue
from typing import TypeVar
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
# What starts subprocesses or trains, as far as five minutes go: the tasks that our patches have most to do with.
QUICK = (
    "tests/test_python.py::test_train_multi",
    "tests/test_python.py::test_model_tune",
    "tests/test_cli.py",
    "tests/test_engine.py",
)
LEFT_OUT = (
    *("solutions", "rtdetr", "fastsam", "distill", "mobilesam", "nan_recovery"),
    *("classify", "depth", "semantic", "obb", "cls", "sem"),
)
Result = dict[str, tuple[str, str, float]]  # test -> outcome, why, seconds
T = TypeVar("T")


def distribution(folder: Path, version: str) -> Path | None:
    """Return the source distribution, fetched if need be, or None where no package index can be reached."""
    file = folder / f"ultralytics-{version}.tar.gz"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        words = ["download", "--quiet", "--no-binary", ":all:", "--no-deps", f"ultralytics=={version}"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words, "--dest", folder], capture_output=True, text=True, check=False
        )
        if not file.is_file():
            print((done.stderr.strip().splitlines() or ["pip says nothing"])[-1])
            return None
    return file


def environment(place: Path, plugin: bool) -> dict[str, str]:
    """Return the environment of the processes in a folder."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return os.environ | {
        "TINTBOX_DISABLE": "0" if plugin else "1",
        "YOLO_CONFIG_DIR": str(place / "config"),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join(map(str, (place, HERE))),
        "PATH": path,
    }


def prepare(first: Path, others: list[Path], archive: Path, weights: Path | None) -> None:
    """Fill the folders: each has the package, its tests, data, weights and settings."""
    for place in (first, *others):
        shutil.rmtree(place, ignore_errors=True)
    first.mkdir(parents=True)
    with tarfile.open(archive) as files:
        inside = [m for m in files.getmembers() if m.isfile() and Path(m.name).parts[1] == "tests"]
        for member in inside:
            target = first / Path(*Path(member.name).parts[1:])
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(files.extractfile(member).read())
    package = Path(find_spec("ultralytics").origin).parent
    shutil.copytree(package, first / "ultralytics", ignore=shutil.ignore_patterns("__pycache__"))
    (first / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow: long\n")
    given = {"UPSTREAM_WEIGHTS": str(weights)} if weights else {}
    subprocess.run([sys.executable, HERE / "stage.py"], env=environment(first, False) | given, check=True, cwd=first)
    for place in others:
        shutil.copytree(first, place, ignore=shutil.ignore_patterns("config"))
        code = f"import stage, pathlib; stage.settle(pathlib.Path({str(place)!r}))"
        subprocess.run([sys.executable, "-c", code], env=environment(place, False), check=True, cwd=place)


def run_pytest(place: Path, plugin: bool, words: list[str]) -> str:
    """Return what pytest prints in a folder, which is also added to the folder's log."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "chosen", *words]
    with (place / "log.txt").open("a+") as log:
        begin = log.tell()
        subprocess.run(command, cwd=place, env=environment(place, plugin), stdout=log, stderr=log, check=False)
        log.seek(begin)
        return log.read()


def run_tests(place: Path, plugin: bool, words: list[str], timeout: int) -> Result:
    """Run tests in a folder."""
    report = place / "junit.xml"
    report.unlink(missing_ok=True)
    run_pytest(place, plugin, [*words, f"--timeout={timeout}", f"--junitxml={report}"])
    if not report.is_file():
        raise SystemExit(f"no test ran; see {place / 'log.txt'}")
    return read(report)


def run_with_plugin(places: list[Path], files: list[str], words: list[str], timeout: int) -> Result:
    """Run the tests of files with the plugin, in as many processes as there are folders; each takes the next file."""
    free: Queue[Path] = Queue()
    for place in places:
        free.put(place)

    def run(file: str) -> Result:
        place = free.get()
        try:
            return run_tests(place, True, [file, *words], timeout)
        finally:
            free.put(place)

    with ThreadPoolExecutor(len(places)) as pool:
        return {name: result for results in pool.map(run, files) for name, result in results.items()}


def collect(place: Path, words: list[str]) -> dict[str, str]:
    """Return the tests that there are without the plugin: name as in `read` -> name for pytest."""
    found: dict[str, str] = {}
    for line in run_pytest(place, False, [*words, "--collect-only"]).splitlines():
        if "::" in line:
            *folders, test = line.partition("[")[0].split("::")
            module = ".".join(folders).replace(".py", "").replace("/", ".")
            add(found, f"{module}::{test}{line[line.index('[') :] if '[' in line else ''}", line)
    return found


def add(found: dict[str, T], name: str, value: T) -> None:
    """Put a test in a table under a name of its own.

    pytest numbers parameters that are paths; one task more would give new names to all that follow.
    """
    name = re.sub(r"\b(weight|model)\d+\b", r"\1", name)
    while name in found:
        name += "'"
    found[name] = value


def read(report: Path) -> Result:
    """Return what a junit file says."""
    found: Result = {}
    for case in ElementTree.parse(report).iter("testcase"):
        bad = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        outcome = (
            {"failure": "failed", "error": "failed", "skipped": "skipped"}[bad.tag] if bad is not None else "passed"
        )
        why = " ".join((bad.get("message") or "").split())[:160] if bad is not None else ""
        add(found, f"{case.get('classname')}::{case.get('name')}", (outcome, why, float(case.get("time") or 0)))
    return found


def main() -> int:
    """Prepare, run with the plugin, run again without it what does not pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="what starts subprocesses, some three minutes on two cores"
    )
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes side by side")
    parser.add_argument("--timeout", type=int, default=300, help="seconds for a test")
    parser.add_argument("--weights", type=Path, default=REPO.parent / "shared" / "weights")
    parser.add_argument("--folder", type=Path, default=REPO / "build" / "upstream")
    parser.add_argument("--keep", action="store_true", help="use the folder as an earlier run has left it")
    parser.epilog = "Any other words go to pytest, e.g. tests/test_cli.py -k train."
    args, words = parser.parse_known_args()
    version, folder = metadata.version("ultralytics"), args.folder.resolve()
    if (archive := distribution(folder, version)) is None:
        print(f"upstream tests skipped: no source distribution of ultralytics {version} can be had here")
        return 0
    stock, places = folder / "without", [folder / f"with-{i + 1}" for i in range(args.jobs)]
    begin = time.perf_counter()
    if not args.keep:
        prepare(stock, places, archive, args.weights.resolve() if args.weights.is_dir() else None)
    print(f"ultralytics {version}: prepared in {time.perf_counter() - begin:.0f} s", flush=True)
    files = [word for word in words if (stock / word.partition("::")[0]).exists()]
    words = [word for word in words if word not in files]
    if not files and args.quick:
        files, words = list(QUICK), [*words, "-k", f"not ({' or '.join(LEFT_OUT)})"]
    files = files or sorted(str(file.relative_to(stock)) for file in (stock / "tests").glob("test_*.py"))
    begin = time.perf_counter()
    plugin = run_with_plugin(places, files, words, args.timeout)
    counts = Counter(outcome for outcome, _, _ in plugin.values())
    print(f"with the plugin: {len(plugin)} tests in {time.perf_counter() - begin:.0f} s, {dict(counts)}", flush=True)
    for why, count in Counter(why for outcome, why, _ in plugin.values() if outcome == "skipped").most_common():
        print(f"skipped with the plugin: {count} x {why}")
    known = collect(stock, [*files, *words])
    for name in sorted(set(plugin) - set(known)):
        print(f"with the plugin only: {name}: {' '.join(plugin[name][:2])}")
    again = [test for name, test in known.items() if plugin.get(name, ("missing",))[0] != "passed"]
    results = run_tests(stock, False, again, args.timeout) if again else {}
    lost = [name for name, (outcome, _, _) in sorted(results.items()) if outcome == "passed"]
    print(f"without the plugin: {len(known)} tests, of which {len(again)} did not pass with it and were run")
    for name in lost:
        print(f"passes without the plugin only: {name}; with it: {' '.join(plugin.get(name, ('missing',))[:2])}")
    if not lost:
        print("every test that passes without the plugin passes with it")
    print(f"took {time.perf_counter() - begin:.0f} s")
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
