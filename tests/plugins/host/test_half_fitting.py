"""A tintbox that is broken, or that does not fit Ultralytics: what does not ask for it works, what does is refused."""

import compileall
import csv
import io
import json
import shutil
import sys
from pathlib import Path

import pytest

import tintbox
from tintbox.plugins import host

pytestmark = pytest.mark.attack("half-fitting plugin")

SCRIPT = Path(__file__).with_name("overlay.py")
MODEL = """
nc: 80
backbone:
  - [-1, 1, Conv, [4, 3, 4]]
  - [-1, 1, Conv, [4, 3, 2]]
  - [-1, 1, Conv, [4, 3, 2]]
  - [-1, 1, Conv, [4, 3, 2]]
head:
  - [[1, 2, 3], 1, Detect, [nc]]
"""
KINDS = ("missing", "syntax", "import", "attribute")


class Overlay:
    """A copy of tintbox, and a way to run commands on it while parts of it are broken."""

    def __init__(self, folder, data, python) -> None:
        self.folder, self.python = folder, python
        package = folder / "tintbox"
        shutil.copytree(Path(tintbox.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(package, quiet=2)
        self.modules = sorted(self.name(path) for path in package.rglob("*.py"))
        model = folder / "tiny.yaml"
        model.write_text(MODEL)
        settings = {
            "imgsz": 32,
            "batch": 4,
            "workers": 0,
            "device": "cpu",
            "plots": False,
            "project": folder / "place" / "runs",
        }
        self.words = [f"{key}={value}" for key, value in {"data": data, **settings}.items()]
        self.train = ["yolo", "detect", "train", f"model={model}", "epochs=1", *self.words]
        self.val = ["yolo", "detect", "val", f"model={model}", *self.words]

    def name(self, path):
        """The name of a module."""
        parts = path.relative_to(self.folder).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def run(self, cases):
        """Run cases, each (kind, names, words); returns their results."""
        listed = [{"kind": kind, "names": names, "words": words, "env": {}} for kind, names, words in cases]
        for case in listed:
            if case["kind"] == "disabled":
                case |= {"kind": "whole", "env": {"TINTBOX_DISABLE": "1"}}
        done = self.python(SCRIPT, self.folder, env={"PYTHONPATH": str(self.folder)}, cases=listed)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def overlay(fruit, tmp_path_factory):
    import os
    import subprocess

    def python(*words, env, cases):
        environment = {**os.environ, **env, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *map(str, words)]
        return subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, env=environment)

    return Overlay(tmp_path_factory.mktemp("overlay"), fruit, python)


READ = (
    "import sys, ultralytics.cfg as c; c.ARGV[:] = {words!r}; c.entrypoint();"
    "print('\\nTOUCHED', *(m for m in sys.modules if m.startswith('tintbox')))"
)


@pytest.fixture(scope="module")
def stock(overlay):
    """The numbers of stock training, and the modules of tintbox that a stock training with the plugin imports."""
    off, on = overlay.run(
        [("disabled", [], overlay.train), ("whole", [], ["python", READ.format(words=overlay.train)])]
    )
    assert off["status"] == on["status"] == 0, off["stderr"] + on["stderr"]
    touched = on["stdout"].split("TOUCHED")[-1].split()
    assert set(touched) <= set(overlay.modules)
    return numbers(off), touched


def numbers(result):
    """The losses and metrics of a training, without its times."""
    (row,) = csv.DictReader(io.StringIO(result["csv"]))
    del row["time"]
    return row


def names_of(patch):
    """The names that a patch relies on and that can be gone: every class has some of the others from its own type."""
    return [name for name in patch.names if not name.endswith("__")]


def assert_stock(result, expected):
    """A run was as stock, with at most one line of ours."""
    what = f"{result['kind']} {result['names'][:3]}:\n{result['stderr'][-3000:]}"
    assert result["status"] == 0, what
    assert "Traceback" not in result["stderr"], what
    assert result["stderr"].count("tintbox: ") <= 1, what
    assert numbers(result) == expected, what
    assert any(file.endswith("weights/best.pt") for file in result["files"]), what


def test_a_stock_run_imports_little_of_tintbox(stock):
    assert len(stock[1]) < 45, stock[1]
    assert not {f"tintbox.colorization.{name}" for name in ("model", "trainer", "palette")} & set(stock[1])


@pytest.mark.slow
def test_a_broken_module_leaves_stock_training_alone(overlay, stock):
    """Those that a stock run imports one after another, all others together, and all."""
    expected, touched = stock
    others = [name for name in overlay.modules if name not in touched]
    cases = [(KINDS[i % 4], [name]) for i, name in enumerate(touched)]
    cases += [(kind, names) for kind in KINDS for names in (others, overlay.modules)]
    for result in overlay.run([(*case, overlay.train) for case in cases]):
        assert_stock(result, expected)


@pytest.mark.slow
def test_a_name_that_is_gone_leaves_stock_training_alone(overlay, stock):
    gone = [
        [f"{p.module}:{name}" for name in part] for p in host.PATCHES for part in (names_of(p)[:1], names_of(p)[1:])
    ]
    gone = [list(each) for each in dict.fromkeys(map(tuple, gone)) if each]
    for result in overlay.run([("renamed", each, overlay.train) for each in gone]):
        assert_stock(result, stock[0])


@pytest.mark.slow
def test_doctor_names_what_is_missing_or_broken(overlay, stock):
    """Each module that a stock run or the command itself imports, then the others, every eighth of them together."""
    modules = [name for name in overlay.modules if not name.endswith("__main__")]  # where Python itself begins
    alone = [name for name in modules if name in stock[1] or name.startswith("tintbox.cli")]
    others = [name for name in modules if name not in alone]
    cases = [(KINDS[i % 4], [name]) for i, name in enumerate(alone)]
    cases += [(KINDS[i % 4], others[i::8]) for i in range(8)]
    for result in overlay.run([(*case, ["tintbox", "doctor"]) for case in cases]):
        said = result["stdout"] + result["stderr"]
        assert result["status"] == 1, (result["names"], said[-2000:])
        assert "Traceback" not in said, said[-2000:]
        assert not [name for name in result["names"] if name not in said], (result["names"], said[-3000:])


# What asks for a capability, on a detector of the command line.
ASKS = {
    "freezing": ["freeze=backbone", "unfreeze={1: all}", "freeze_bn=true", "lr_scale=0.9"],
    "the classification loss": ["cls_pos_weight=2", "cls_smoothing=0.1", "cls_focal=1.5"],
    "COCO evaluation": ["coco_eval=True"],
    "anchor models": ["autoanchor=True", "obj=2", "anchor_t=3", "obj_pos_weight=2"],
}


def test_every_argument_of_ours_belongs_to_one_capability():
    from tintbox.plugins.options import OPTIONS

    named = [name for c in host.capabilities.CAPABILITIES for name in c.arguments]
    assert sorted(named) == sorted(option.name for option in OPTIONS)
    patches = {p.function.__name__ for p in host.PATCHES}
    for capability in host.capabilities.CAPABILITIES:
        assert set(capability.patches) <= patches
        assert host.capabilities.lacks(capability) is None


def assert_refused(result, patch):
    """A run was refused in one line that names the patch, before it made anything."""
    what = f"{result['names']} {result['words']}:\n{result['stdout'][-1500:]}{result['stderr'][-3000:]}"
    lines = [line for line in result["stderr"].splitlines() if line.startswith("yolo: ")]
    assert result["status"] == 1, what
    assert len(lines) == 1 and f"'{patch}'" in lines[0] and "tintbox doctor" in lines[0], what
    assert "Traceback" not in result["stderr"], what
    assert not any(file.startswith("runs") for file in result["files"]), what


def test_what_needs_a_patch_that_is_off_is_refused(overlay):
    names = ["ultralytics.utils.callbacks.base:default_callbacks"]
    cases = [("renamed", names, [*overlay.train, word]) for words in ASKS.values() for word in words]
    cases += [("renamed", names, [*overlay.val, "coco_eval=True"])]
    for result in overlay.run(cases):
        assert_refused(result, "default_callbacks")
        assert any(word.partition("=")[0] in result["stderr"] for word in result["words"][-1:])


@pytest.mark.slow
def test_every_patch_that_a_capability_needs_is_seen_to_be_off(overlay):
    patches = {p.function.__name__: p for p in host.PATCHES}
    cases, expected = [], []
    for capability in host.capabilities.CAPABILITIES:
        for patch in capability.patches if capability.title in ASKS else ():
            if patch == "training_arguments":
                continue  # stock refuses the name itself
            p = patches[patch]
            cases.append(("renamed", [f"{p.module}:{names_of(p)[0]}"], [*overlay.train, ASKS[capability.title][0]]))
            expected.append({other.function.__name__ for other in host.PATCHES if names_of(p)[0] in other.names})
    for result, patch in zip(overlay.run(cases), expected):
        told = result["stderr"].split("patch '")[-1].split("'")[0]
        assert told in patch, result["stderr"]
        assert_refused(result, told)


@pytest.mark.parametrize(
    "lost",
    ["ultralytics.cfg:check_cfg", "ultralytics.cfg:get_cfg", "ultralytics.engine.model:Model.train"],
)
def test_a_run_is_refused_where_the_check_itself_is_off(overlay, lost):
    names = [lost, "ultralytics.utils.callbacks.base:default_callbacks"]
    python = "from ultralytics import YOLO; YOLO({!r}).train(data={!r}, freeze='backbone', imgsz=32, epochs=1)"
    model, data = overlay.train[3].partition("=")[2], overlay.words[0].partition("=")[2]
    cases = [[*overlay.train, "freeze=backbone"], ["python", python.format(model, data)]]
    cases += [[*overlay.val, "coco_eval=True"]]
    for result in overlay.run([("renamed", names, words) for words in cases]):
        assert result["status"] == 1, result["stdout"] + result["stderr"]
        assert "tintbox doctor" in result["stderr"].splitlines()[-1], result["stderr"]
        assert not any(file.endswith(".pt") for file in result["files"]), result["files"]


def test_a_broken_module_refuses_what_needs_it(overlay):
    cases = [
        ("syntax", ["tintbox.plugins.freeze.plan"], [*overlay.train, "freeze=backbone"]),
        ("attribute", ["tintbox.plugins.host.runs"], [*overlay.train, "freeze=backbone"]),
        ("missing", ["tintbox.plugins.options"], [*overlay.train, "freeze=backbone"]),
        ("import", ["tintbox.plugins.coco_eval.matching"], [*overlay.val, "coco_eval=True"]),
        ("missing", ["tintbox.plugins.callbacks"], [*overlay.train, "cls_pos_weight=2"]),
    ]
    for result in overlay.run(cases):
        assert result["status"] == 1, result["stdout"] + result["stderr"]
        assert "tintbox doctor" in result["stderr"].splitlines()[-1], result["stderr"]
        assert not any(file.endswith(".pt") for file in result["files"]), result["files"]
