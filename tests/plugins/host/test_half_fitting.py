"""A broken tintbox, or one that does not fit Ultralytics: runs that need it are refused, all others work.

    pytest tests/plugins/host/test_half_fitting.py -m "not slow"   # about 20 s, half of it preparation
    pytest tests/plugins/host/test_half_fitting.py                 # every module and every patched name

Plain `pytest` and `make test` run both. Each case is a separate process (overlay.py).
"""

import csv
import io
import re

import pytest

from tintbox import run_arguments
from tintbox.plugins import autoload, host

pytestmark = pytest.mark.attack("half-fitting plugin")
KINDS = ("missing", "syntax", "import", "attribute")


READ = (
    "import sys, ultralytics.cfg as c; c.ARGV[:] = {words!r}; c.entrypoint();"
    "print('\\nTOUCHED', *(m for m in sys.modules if m.startswith('tintbox')))"
)


@pytest.fixture(scope="module")
def stock(overlay):
    """A stock training, and the modules of tintbox that the same training imports with the plugin."""
    off, on = overlay.run(
        [("disabled", [], overlay.train), ("whole", [], ["python", READ.format(words=overlay.train)])]
    )
    assert off["status"] == on["status"] == 0, off["stderr"] + on["stderr"]
    touched = on["stdout"].split("TOUCHED")[-1].split()
    assert set(touched) <= set(overlay.modules)
    assert_stock(on, off)
    return off, touched


def numbers(result):
    """The losses and metrics of a training, without its times."""
    (row,) = csv.DictReader(io.StringIO(result["csv"]))
    del row["time"]
    return row


def stock_arguments(result):
    """The text of a run's args.yaml without our arguments, because the patch that omits them may be broken."""
    if result["kind"] == "whole":
        return result["args"]
    own = "|".join(autoload.ARGUMENTS - autoload.SHARED.keys())
    return "".join(re.findall(rf"^(?!{own}).*\n", result["args"], re.M))


def names_of(patch):
    """The names that a patch relies on and that can be removed; some dunder names come from a class's type."""
    return [name for name in patch.names if not name.endswith("__")]


def assert_stock(result, expected):
    """Check that a run and its folder were as in stock, with at most one line of ours."""
    what = f"{result['kind']} {result['names'][:3]}:\n{result['stderr'][-3000:]}"
    assert result["status"] == 0, what
    assert "Traceback" not in result["stderr"], what
    assert result["stderr"].count("tintbox: ") <= 1, what
    assert numbers(result) == numbers(expected), what
    assert stock_arguments(result) == expected["args"] != "", what
    assert result["files"] == expected["files"], what


def test_a_stock_run_imports_little_of_tintbox(stock):
    assert len(stock[1]) < 55, stock[1]
    assert not {f"tintbox.colorization.{name}" for name in ("model", "trainer", "palette")} & set(stock[1])


def spread(values, size):
    """Groups of about a size; neighbours, which may depend on each other, are in different ones."""
    count = -(-len(values) // size)
    return [values[i::count] for i in range(count)]


@pytest.mark.slow
def test_a_broken_module_leaves_stock_training_alone(overlay, stock):
    """The modules that a stock run imports in threes, all others together, and all modules."""
    expected, touched = stock
    others = [name for name in overlay.modules if name not in touched]
    cases = [(KINDS[i % 4], names) for i, names in enumerate(spread(touched, 3))]
    cases += [(kind, names) for kind in KINDS for names in (others, overlay.modules)]
    for result in overlay.run([(*case, overlay.train) for case in cases]):
        assert_stock(result, expected)


@pytest.mark.slow
def test_a_name_that_is_gone_leaves_stock_training_alone(overlay, stock):
    """The first name of each patch, and its others; three patches at a time."""
    gone = [
        [f"{p.module}:{name}" for name in part] for p in host.PATCHES for part in (names_of(p)[:1], names_of(p)[1:])
    ]
    gone = [each for each in dict.fromkeys(map(tuple, gone)) if each]
    for some in spread(gone, 3):
        names = list(dict.fromkeys(name for each in some for name in each))
        (result,) = overlay.run([("renamed", names, overlay.train)])
        assert_stock(result, stock[0])


@pytest.mark.slow
def test_doctor_names_what_is_missing_or_broken(overlay, stock):
    """Each module that the command itself imports, those of a stock run in fours, every eighth of the others."""
    modules = [name for name in overlay.modules if not name.endswith("__main__")]  # Python itself starts there
    own = ("tintbox", "tintbox.cli", "tintbox.plugins", "tintbox.plugins.autoload", "tintbox.plugins.host")
    alone = [name for name in modules if name in own or name.startswith("tintbox.cli.")]
    touched = [name for name in modules if name in stock[1] and name not in alone]
    others = [name for name in modules if name not in (*alone, *touched)]
    cases = [("missing", names) for names in (*spread(alone, 1), *spread(touched, 4))]
    cases += [(KINDS[i % 4], others[i::8]) for i in range(8)]
    for result in overlay.run([(*case, ["tintbox", "doctor"]) for case in cases]):
        said = result["stdout"] + result["stderr"]
        assert result["status"] == 1, (result["names"], said[-2000:])
        assert "Traceback" not in said, said[-2000:]
        unnamed = [name for name in result["names"] if name not in said]
        if result["kind"] == "missing":  # only the modules that import a missing module know of it
            unnamed = [name for name in unnamed if overlay.is_imported(name, result["names"])]
        assert not unnamed, (result["names"], said[-3000:])


# Commands that request a capability, on a detector.
ASKS = {
    "freezing": ["freeze=backbone", "unfreeze={1: all}", "freeze_bn=true", "lr_scale=0.9"],
    "the classification loss": ["cls_pos_weight=2", "cls_smoothing=0.1", "cls_focal=1.5"],
    "polishing": ["polish=true"],
    "COCO evaluation": ["coco_eval=True"],
    "new classes": ["extend=true"],
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
    assert set(named) == autoload.ARGUMENTS


def assert_refused(result, patch=""):
    """Check that a run was refused in one line that names the patch, before it created anything."""
    what = f"{result['names']} {result['words']}:\n{result['stdout'][-1500:]}{result['stderr'][-3000:]}"
    lines = [line for line in result["stderr"].splitlines() if line.startswith(("yolo: ", "tintbox: not active"))]
    assert result["status"] == 1, what
    assert len(lines) == 1 and "tintbox doctor" in lines[0], what
    assert not patch or f"'{patch}'" in lines[0], what
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


COLORIZE = ["model=colorize-convt.yaml", "palette=4", "epochs=1"]
# What every argument of ours needs, and what the refusal itself needs.
NEEDED = ("errors", "plugins.options", "checks", "plugins.host.command", "plugins.host.configuration")
REFUSING = ("plugins.host.refusals", "plugins.host.capabilities", "plugins.host.table", "plugins.host")


def test_a_broken_module_refuses_what_needs_it(overlay):
    asks = [
        [*overlay.train, "freeze=backbone"],
        [*overlay.train, "cls_pos_weight=2"],
        [*overlay.val, "coco_eval=True"],
        ["yolo", "colorize", "train", *COLORIZE, *overlay.words],
    ]
    modules = [*NEEDED, *REFUSING]
    cases = [(KINDS[i % 4], [f"tintbox.{name}"], asks[i % 4]) for i, name in enumerate(modules)]
    cases += [(kind, [f"tintbox.{name}"], asks[1]) for name in NEEDED[:2] for kind in KINDS]
    for result in overlay.run(cases):
        assert_refused(result)


@pytest.mark.slow
def test_a_module_that_a_run_of_ours_imports_is_needed_or_makes_no_difference(overlay):
    """With each of them broken, the run is unchanged, or refused in one line before it has created anything."""
    hook = {"tintbox.plugins", "tintbox.plugins.autoload"}  # if these are broken, nothing could refuse
    asks = ([*overlay.train, "freeze=backbone"], [*overlay.train, "coco_eval=True"])
    for words in (*asks, ["yolo", "colorize", "train", *COLORIZE, *overlay.words]):
        (whole,) = overlay.run([("whole", [], ["python", READ.format(words=words)])])
        touched = sorted({*whole["stdout"].split("TOUCHED")[-1].split()} - hook)
        for result in overlay.run([(KINDS[i % 4], [name], words) for i, name in enumerate(touched)]):
            if result["status"]:
                assert_refused(result)
            else:
                assert numbers(result) == numbers(whole), result["names"]


def test_a_run_is_not_resumed_by_half(overlay):
    """With `exact_resume` off, our run would resume from a rounded average and write its epochs twice."""
    names = ["ultralytics.engine.trainer:BaseTrainer.resume_training"]
    resumed = "import ultralytics.cfg as c; c.get_cfg({!r}, {!r}); c.get_cfg({!r}, {!r})"
    stock, ours = {"resume": "last.pt"}, {"resume": "last.pt", "freeze": "backbone"}
    base = {"task": "detect", "mode": "train", "resume": None, "freeze": None}
    (result,) = overlay.run([("renamed", names, ["python", resumed.format(base, stock, base, ours)])])
    line = result["stderr"].splitlines()[-1]
    assert "resume=last.pt asks for resuming exactly, which is off here: patch 'exact_resume'" in line
    (result,) = overlay.run([("renamed", names, ["python", resumed.format(base, stock, base, stock)])])
    assert result["status"] == 0, result["stderr"]


def test_arguments_in_a_file_are_not_passed_over(overlay, tmp_path):
    """A run's folder as `cfg=`: without the patch that reads it, tintbox.yaml would be silently ignored."""
    (tmp_path / "args.yaml").write_text("task: detect\nmode: train\n")
    (tmp_path / run_arguments.OWN).write_text("cls_pos_weight: 2\n")
    words = [*overlay.train, f"cfg={tmp_path / 'args.yaml'}"]
    for case in [("syntax", ["tintbox.run_arguments"]), ("renamed", ["ultralytics.utils:YAML.save"])]:
        (result,) = overlay.run([(*case, words)])
        assert_refused(result)
        assert run_arguments.OWN in result["stderr"]


def test_a_broken_module_refuses_what_needs_it_in_python(overlay):
    cases = [
        ("syntax", ["tintbox.plugins.freeze.plan"], [*overlay.train, "freeze=backbone"]),
        ("attribute", ["tintbox.plugins.host.runs"], [*overlay.train, "freeze=backbone"]),
        ("missing", ["tintbox.plugins.options"], [*overlay.train, "freeze=backbone"]),
        ("import", ["tintbox.plugins.coco_eval.matcher"], [*overlay.val, "coco_eval=True"]),
        ("missing", ["tintbox.plugins.callbacks"], [*overlay.train, "cls_pos_weight=2"]),
    ]
    for result in overlay.run(cases):
        assert result["status"] == 1, result["stdout"] + result["stderr"]
        assert "tintbox doctor" in result["stderr"].splitlines()[-1], result["stderr"]
        assert not any(file.endswith(".pt") for file in result["files"]), result["files"]
