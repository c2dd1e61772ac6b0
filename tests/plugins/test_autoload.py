"""The start-up hook: active everywhere, harmless, off on demand."""

import sys
from pathlib import Path

import pytest

from tintbox.plugins import autoload

pytestmark = pytest.mark.attack("half-fitting plugin")

TASKS = "from ultralytics.cfg import TASKS; print('colorize' in TASKS)"


@pytest.mark.smoke
def test_plugin_is_active_without_importing_tintbox(python):
    done = python("-c", TASKS)
    assert done.stdout.strip().endswith("True"), done.stderr


@pytest.mark.smoke
def test_disable_gives_stock_ultralytics(python):
    code = "import sys; " + TASKS + "; print('tintbox.plugins.host' in sys.modules)"
    done = python("-c", code, env={"TINTBOX_DISABLE": "1"})
    assert done.stdout.split()[-2:] == ["False", "False"], done.stdout + done.stderr


def test_start_up_imports_neither_torch_nor_numpy_nor_the_patches(python):
    code = (
        "import sys; print([m for m in ('torch', 'numpy', 'ultralytics', 'tintbox.plugins.host') if m in sys.modules])"
    )
    assert python("-c", code).stdout.strip() == "[]"


def test_install_is_idempotent(python):
    code = (
        "from tintbox.plugins import autoload; import sys; autoload.install(); autoload.install();"
        "print([n for f in sys.meta_path if 'int' in (n := getattr(f, '__name__', type(f).__name__))"
        " or n == 'PatchFinder'])"
    )
    assert python("-c", code).stdout.strip() == "['PatchFinder']"


def test_install_after_ultralytics_was_imported(forked):
    code = (
        "import sys; sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, '__name__', '') != 'TintboxStart'];"
        "import ultralytics.cfg as c; before = 'colorize' in c.TASKS;"
        "from tintbox.plugins import autoload; autoload.install(); print(before, 'colorize' in c.TASKS)"
    )
    done = forked("-c", code)
    assert done.stdout.split()[-2:] == ["False", "True"], done.stderr


def test_broken_plugin_leaves_ultralytics_alone(forked):
    # A broken module with the name of one that the finder imports.
    code = (
        "import sys; sys.modules['tintbox.plugins.host'] = None\n"
        "from ultralytics.cfg import TASKS; print(TASKS)\n"
        "from ultralytics import YOLO; print(YOLO('yolo11n.yaml').task)"
    )
    done = forked("-c", code)
    assert done.returncode == 0, done.stderr
    assert "colorize" not in done.stdout
    assert done.stdout.strip().endswith("detect")
    assert done.stderr.count("tintbox: not active") == 1


@pytest.fixture
def start_up_line():
    """The line of the start-up file."""
    return Path(autoload.__file__).with_name("tintbox_autoload.pth").read_text()


def test_start_up_line_puts_one_stub_in_place_however_often_it_runs(python, start_up_line):
    code = f"import sys; sys.meta_path.clear(); [exec({start_up_line!r}) for _ in range(2)]; print(sys.meta_path)"
    done = python("-S", "-c", code)
    assert done.stdout.count("TintboxStart") == 1, done.stderr
    assert start_up_line.startswith("import "), "site runs only lines that begin so"
    assert start_up_line.count("\n") == 1


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="Python 3.15 reads the .start file instead of the .pth file")
def test_missing_package_is_told_when_ultralytics_is_imported_and_not_before(python, forked):
    assert python("-c", "import sys; sys.modules['tintbox'] = None; print('alive')").stderr == ""
    done = forked("-c", "import sys; sys.modules['tintbox'] = None; from ultralytics.cfg import TASKS; print(TASKS)")
    assert "colorize" not in done.stdout
    assert "detect" in done.stdout
    assert done.stderr.count("tintbox: not active") == 1


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("yolo detect train freeze=backbone", True),
        ("/bin/yolo train freeze=[0,neck]", True),
        ("yolo.exe train --cls_focal=1.5", True),
        ("yolo colorize train", True),
        ("yolo train task=colorize", True),
        ("yolo detect train freeze=10 project=colorize", False),
        ("yolo detect train freeze=[0,1] data=palette.yaml", False),
        ("my_script.py freeze=backbone", False),
        ("", False),
    ],
)
def test_what_a_command_asks_for_where_nothing_else_can_be_read(words, asked):
    assert autoload.requests_tintbox(words.split()) is asked


@pytest.mark.parametrize(("word", "status"), [("freeze=backbone", 1), ("freeze=[0,1]", 0), ("epochs=1", 0)])
def test_without_the_package_a_freeze_that_stock_would_pass_over_is_refused(forked, start_up_line, word, status):
    code = (
        "import sys; sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, '__name__', '') != 'TintboxStart'];"
        f"exec({start_up_line!r}); sys.modules['tintbox'] = None; sys.argv = ['yolo', {word!r}]; import ultralytics"
    )
    done = forked("-c", code)
    assert done.returncode == status and done.stderr.count("\n") == 1, done.stderr
    assert "tintbox: not active" in done.stderr
