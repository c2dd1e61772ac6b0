"""Run the tests of the installed Ultralytics with the plugin and without it: what passes without it passes with it.

    python tests/upstream/run.py [--quick] [--jobs 2] [--weights ../shared/weights] [--folder build/upstream]

The tests are those of Ultralytics' source distribution of the same version. They run offline on a copy of the installed
package, because it writes its test runs beside itself, each time with settings, weights and data of its own (`stage`).
Ends with status 1, and a table, if a test passes without the plugin and not with it.
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
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
VARIANTS = {"without": "1", "with": "0"}  # name -> TINTBOX_DISABLE
# What starts subprocesses or trains, as far as ten minutes go: the tasks that our patches have most to do with.
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


def environment(place: Path, disable: str) -> dict[str, str]:
    """Return the environment of a variant's processes."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return os.environ | {
        "TINTBOX_DISABLE": disable,
        "YOLO_CONFIG_DIR": str(place / "config"),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join(map(str, (place, HERE))),
        "PATH": path,
    }


def prepare(folder: Path, archive: Path, weights: Path | None) -> None:
    """Make a folder per variant: the package, its tests, data, weights and settings."""
    first = folder / next(iter(VARIANTS))
    for name in VARIANTS:
        shutil.rmtree(folder / name, ignore_errors=True)
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
    subprocess.run([sys.executable, HERE / "stage.py"], env=environment(first, "1") | given, check=True, cwd=first)
    for name in list(VARIANTS)[1:]:
        shutil.copytree(first, folder / name, ignore=shutil.ignore_patterns("config"))
        code = f"import stage, pathlib; stage.settle(pathlib.Path({str(folder / name)!r}))"
        env = environment(folder / name, "1")
        subprocess.run([sys.executable, "-c", code], env=env, check=True, cwd=folder / name)


def test(place: Path, disable: str, words: list[str], timeout: int) -> Result:
    """Run the tests in a variant's folder."""
    report = place / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "chosen", f"--timeout={timeout}", f"--junitxml={report}"]
    with (place / "log.txt").open("w") as log:
        subprocess.run(
            [*command, *words], cwd=place, env=environment(place, disable), stdout=log, stderr=log, check=False
        )
    if not report.is_file():
        raise SystemExit(f"no test ran; see {place / 'log.txt'}")
    return read(report)


def read(report: Path) -> Result:
    """Return what a junit file says."""
    found: Result = {}
    for case in ElementTree.parse(report).iter("testcase"):
        bad = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        outcome = (
            {"failure": "failed", "error": "failed", "skipped": "skipped"}[bad.tag] if bad is not None else "passed"
        )
        why = " ".join((bad.get("message") or "").split())[:160] if bad is not None else ""
        # pytest numbers parameters that are paths; one task more would give new names to all that follow.
        name = re.sub(r"\b(weight|model)\d+\b", r"\1", f"{case.get('classname')}::{case.get('name')}")
        while name in found:
            name += "'"
        found[name] = (outcome, why, float(case.get("time") or 0))
    return found


def compare(stock: Result, plugin: Result) -> list[str]:
    """Return a line for each test that passes without the plugin and not with it."""
    lost = []
    for name, (outcome, _, _) in sorted(stock.items()):
        now, why, _ = plugin.get(name, ("missing", "", 0.0))
        if outcome == "passed" and now != "passed":
            lost.append(f"{name}: {now} with the plugin; {why}")
    return lost


def main() -> int:
    """Prepare, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="what starts subprocesses, some eight minutes on two cores"
    )
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="2: both variants side by side")
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
    begin = time.perf_counter()
    if not args.keep:
        prepare(folder, archive, args.weights.resolve() if args.weights.is_dir() else None)
    print(f"ultralytics {version}: prepared in {time.perf_counter() - begin:.0f} s", flush=True)
    words = words or (["-k", f"not ({' or '.join(LEFT_OUT)})", *QUICK] if args.quick else ["tests"])
    begin = time.perf_counter()
    with ThreadPoolExecutor(args.jobs) as pool:
        runs = {name: pool.submit(test, folder / name, off, words, args.timeout) for name, off in VARIANTS.items()}
        results = {name: run.result() for name, run in runs.items()}
    for name, result in results.items():
        counts = Counter(outcome for outcome, _, _ in result.values())
        took = sum(seconds for _, _, seconds in result.values())
        print(f"{name:>8}: {len(result)} tests in {took:.0f} s, {dict(counts)}")
    whys = Counter(why for outcome, why, _ in results["without"].values() if outcome == "skipped")
    for why, count in whys.most_common():
        print(f"skipped without the plugin: {count} x {why}")
    more = sorted(set(results["with"]) - set(results["without"]))
    for name in more:
        print(f"with the plugin only: {name}: {' '.join(results['with'][name][:2])}")
    lost = compare(results["without"], results["with"])
    print("\n".join(lost) or "every test that passes without the plugin passes with it")
    print(f"took {time.perf_counter() - begin:.0f} s")
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
