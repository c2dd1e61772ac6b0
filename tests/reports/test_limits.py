"""Files that exhaust time or memory, for `tintbox report`: reported or left out, within two seconds and 500 MB."""

import json
import re
import subprocess
import sys
import zipfile

import pytest
import yaml

from ..pictures import png

pytestmark = pytest.mark.attack("files that eat the machine")

SECONDS, MIB = 5, 500
NUMBERS = {"metrics__mAP50-95(B)": [0.25, 0.5]}
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
# Reports on one folder after the other, and prints the time and the growth of peak memory.
SERVER = """
import json, os, resource, sys, time
from tintbox.errors import TintboxError
from tintbox.reports.command import report
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    folder, pictures = json.loads(line)
    before, begin = peak(), time.process_time()
    try:
        said = report([folder], out="r.html", pictures=pictures).read_text()
        said = said[: said.index("<script>")]
    except TintboxError as error:
        said = f"tintbox: {error}"
    print(json.dumps([time.process_time() - begin, peak() - before, said]), file=answers, flush=True)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A separate process for reports, so that its memory can be measured and its imports are done in advance."""
    folder = tmp_path_factory.mktemp("server")
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder) as process:

        def ask(run, pictures):
            process.stdin.write(json.dumps([str(run), pictures]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture(scope="module")
def warm(server, detector):
    """The process, after it has made a page with pictures."""
    assert server(detector, True)[2].startswith("<!DOCTYPE html>")
    return server


@pytest.fixture
def measured(warm):
    """Report on a run, check time and memory, and return the output."""

    def run(folder, pictures=False):
        seconds, mib, said = warm(folder, pictures)
        assert seconds < SECONDS and mib < MIB, (seconds, mib, said[:300])
        return said

    return run


ARGUMENTS = {
    "billion laughs": (LAUGHS, "more than 100,000 values, aliases put in"),
    "one long text many times": (f"a: &a {'x' * 10**6}\nb: [{', '.join(['*a'] * 10_000)}]", "aliases put in"),
    "deep": ("a: " + "[" * 10**6, "nest"),
    "deep by aliases": (
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 50_000)),
        "50 deep|values",
    ),
    "large": ("a: b\n" * 10**6, "larger than 2 MiB"),
    "many values": ("a: [" + "[]," * 600_000 + "]", "more than 100,000 values"),
    "many": ("".join(f"a{i}: 1\n" for i in range(20_000)), "20,000 arguments, more than 2,000"),
    "a long number": (f"a: {'9' * 10**6}", "a number of more than 400 digits"),
}
RESULTS = {
    "a million rows": ("epoch\n" + "1\n" * 10**6, "more than 500,000 values"),
    "ten million rows": ("epoch,time\n" + "1,2\n" * 10**7, "larger than 8 MiB"),
    "a million columns": (",".join(f"c{i}" for i in range(10**6)) + "\n", "columns, more than 200"),
    "half a million columns": ("epoch," + ",".join(f"c{i}" for i in range(500_000)) + "\n", "columns, more than 200"),
    "a long cell": (f"epoch,time\n1,{'9' * 200_000}\n", "field larger than field limit"),
    "a long name": (f"epoch,{'a' * 140_000}\n1,2\n", "field larger than field limit"),
    "a quote that never ends": ('epoch,time\n1,"' + "2\n" * 10**6, "field larger than field limit"),
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_arguments(measured, made, kind):
    text, words = ARGUMENTS[kind]
    run = made("run", **NUMBERS)
    (run / "args.yaml").write_text(text)
    assert_line(measured(run), words)


@pytest.mark.parametrize("kind", RESULTS)
def test_results(measured, made, kind):
    text, words = RESULTS[kind]
    run = made("run", **NUMBERS)
    (run / "results.csv").write_text(text)
    assert_line(measured(run), words)


def assert_line(said, words):
    assert said.startswith("tintbox: ") and "\n" not in said and re.search(words, said), said[:300]


@pytest.mark.parametrize("name", ["environment.json", "freeze.json", "coco.json"])
@pytest.mark.parametrize(
    "text",
    ["[" * 10**6, "1" * 10**6, f"[{'{},' * 10**7}1]", f"[{'{},' * 1_900_000}1]", '{"a":' * 400 + "1" + "}" * 400],
)
def test_json(measured, made, name, text):
    """The rest of the run is shown."""
    run = made("run", **NUMBERS)
    (run / name).write_text(text)
    said = measured(run)
    assert said.startswith("<!DOCTYPE html>") and (name != "coco.json" or "coco.json" in said)


def test_an_evaluation_of_many_classes(measured, detector, copy):
    run = copy(detector, "many", ap=(0.5, 0.4, 0.6))
    content = json.loads((run / "coco.json").read_text())
    one = next(iter(content["bbox"]["classes"].values()))
    content["bbox"]["classes"] = {f"c{i}": one for i in range(26_000)}
    (run / "coco.json").write_text(json.dumps(content))
    assert "26,000 classes, more than 25,000" in measured(run)


def test_a_checkpoint_that_unpacks_to_more_than_there_is(measured, made, squares):
    run = made("run", {"data": str(squares)}, **NUMBERS)
    (run / "weights").mkdir()
    file = run / "weights" / "best.pt"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("best/data.pkl", "w", force_zip64=True) as member,
    ):
        for _ in range(800):
            member.write(bytes(2**20))
    assert "run: no predictions: " in measured(run, pictures=True)


@pytest.mark.parametrize(
    ("width", "height"), [(60_000, 60_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1), (13_000, 13_000)]
)
@pytest.mark.parametrize("task", ["detect", "colorize"])
def test_pictures_that_claim_to_be_enormous(measured, made, tmp_path, task, width, height):
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    (tmp_path / "images" / "a.png").write_bytes(png(width, height))
    (tmp_path / "images" / "b.png").write_bytes(png(40, 30))
    for name in "ab":
        (tmp_path / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    described = {"path": str(tmp_path), "train": "images", "val": "images", "names": {0: "thing"}}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(described))
    run = made("run", {"task": task, "data": str(tmp_path / "data.yaml")}, **NUMBERS)
    said = measured(run, pictures=True)
    assert said.startswith("<!DOCTYPE html>")
    assert "a.png: " in said and ("more than 100 million pixels" in said or "not an image" in said)


def test_a_model_is_not_made_to_see_enormous_pictures(measured, detector, copy):
    """The size is the training size in the run's args.yaml."""
    run = copy(detector, "run", imgsz=10**6)
    assert "run: no predictions: imgsz=1000000: give a whole number from 32 to 4096" in measured(run, pictures=True)
