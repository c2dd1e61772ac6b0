"""The start-up hook: active everywhere, harmless, off on demand."""

import sys

import pytest

TASKS = "from ultralytics.cfg import TASKS; print('colorize' in TASKS)"


def test_plugin_is_active_without_importing_tintbox(python):
    done = python("-c", TASKS)
    assert done.stdout.strip().endswith("True"), done.stderr


def test_disable_gives_stock_ultralytics(python):
    code = "import sys; " + TASKS + "; print([m for m in sys.modules if m.startswith('tintbox')])"
    done = python("-c", code, env={"TINTBOX_DISABLE": "1"})
    assert done.stdout.split()[-2:] == ["False", "[]"], done.stdout + done.stderr


def test_start_up_imports_neither_torch_nor_numpy_nor_the_patches(python):
    code = (
        "import sys; print([m for m in ('torch', 'numpy', 'ultralytics', 'tintbox.plugins.host') if m in sys.modules])"
    )
    assert python("-c", code).stdout.strip() == "[]"


def test_install_is_idempotent(python):
    code = (
        "from tintbox.plugins import autoload; autoload.install(); autoload.install(); import sys;"
        "print(sum(type(f).__name__ == 'PatchFinder' for f in sys.meta_path))"
    )
    assert python("-c", code).stdout.strip() == "1"


def test_install_after_ultralytics_was_imported(python):
    code = (
        "import sys; sys.meta_path[:] = [f for f in sys.meta_path if type(f).__name__ != 'PatchFinder'];"
        "import ultralytics.cfg as c; before = 'colorize' in c.TASKS;"
        "from tintbox.plugins import autoload; autoload.install(); print(before, 'colorize' in c.TASKS)"
    )
    done = python("-c", code)
    assert done.stdout.split()[-2:] == ["False", "True"], done.stderr


@pytest.mark.parametrize("module", ["ultralytics.cfg", "ultralytics.cfg.__init__"])
def test_module_as_script_knows_the_plugin(python, module):
    done = python("-m", module, "help")
    assert done.returncode == 0, done.stderr
    assert "'colorize'" in done.stdout + done.stderr


def test_broken_plugin_leaves_ultralytics_alone(python, tmp_path):
    # A module named like the one that the finder imports, and broken.
    code = (
        "import sys; sys.modules['tintbox.plugins.host'] = None\n"
        "from ultralytics.cfg import TASKS; print(TASKS)\n"
        "from ultralytics import YOLO; print(YOLO('yolo11n.yaml').task)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert "colorize" not in done.stdout
    assert done.stdout.strip().endswith("detect")
    assert done.stderr.count("tintbox: not active") == 1


def test_a_patch_that_does_not_fit_is_told_and_skipped(python):
    code = (
        "from tintbox.plugins import host\n"
        "host.PATCHES.insert(0, host.Patch('ultralytics.cfg', ('NO_SUCH_NAME',), 'test', lambda module: None))\n"
        "host.PATCHES[0].function.__name__ = 'broken'\n"
        "from ultralytics.cfg import TASKS; print('colorize' in TASKS)"
    )
    done = python("-c", code)
    assert done.stdout.strip().endswith("True")
    assert "patch 'broken' of ultralytics.cfg does not fit" in done.stderr


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="Python 3.15 reads the .start file instead of the .pth file")
def test_pth_line_survives_a_missing_package(python, tmp_path):
    from tintbox.plugins import autoload

    line = autoload.__spec__.origin.replace("autoload.py", "tintbox_autoload.pth")
    code = f"import sys; sys.modules['tintbox'] = None; exec(open({line!r}).read()); print('alive')"
    done = python("-c", code)
    assert done.stdout.strip() == "alive"
    assert done.stderr == ""
