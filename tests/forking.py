"""Runs Python in processes forked from one that has imported what others wrote, and nothing of Ultralytics or tintbox.

    python forking.py

A line of standard input is a call, a mapping in JSON: ``words`` (what follows `python` in a command), ``env``, ``cwd``,
``timeout``, ``out`` (a folder for its output); a line of standard output is its exit status. Most of the time that a
fresh interpreter takes for a short training goes into importing PyTorch and its compiler. What begins in a fork is as
it is in an interpreter just started: the start-up file's hook is in place, and every setting is read anew that
Ultralytics and tintbox read. What libraries read as they are imported, such as OMP_NUM_THREADS, is this process's.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

OURS = ("ultralytics", "tintbox", "__")
# What a training, a validation and an export import, beside what `from ultralytics import YOLO` does.
MORE = "torch._dynamo torch.utils.tensorboard matplotlib.pyplot scipy.signal scipy.ndimage scipy.optimize polars pandas"


def main() -> None:
    """Import, then answer calls."""
    warm()
    for line in sys.stdin:
        print(json.dumps(call(**json.loads(line))), flush=True)


def warm() -> None:
    """Import what others wrote and a training needs."""
    import_others(begin, MORE.split())
    assert not [name for name in sys.modules if name.startswith(OURS[:2])]
    gc.collect()
    gc.freeze()  # a fork that collects garbage would visit all of them, and copy their memory


def begin() -> None:
    """Import Ultralytics as a training does."""
    from ultralytics import YOLO
    from ultralytics.engine import exporter, trainer  # noqa: F401

    YOLO("yolo11n.yaml")


def import_others(use: Callable[[], object], more: Iterable[str] = ()) -> None:
    """Import what others wrote and a function uses, and more; what that is, is found out in a process that ends."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        sink = io.StringIO()
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), contextlib.suppress(Exception):
            use()
        names = [name for name in sys.modules if not name.startswith(OURS)]
        with os.fdopen(writing, "w") as out:
            json.dump(names, out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        names = json.load(said)
    os.waitpid(child, 0)
    for name in [*names, *more]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def call(words: list[str], env: dict[str, str], cwd: str, timeout: float, out: str) -> int:
    """Run a command in a fork; its exit status."""
    if (child := os.fork()) == 0:
        status = 1
        try:
            os.setsid()
            signal.alarm(int(timeout))
            os.environ.clear()
            os.environ.update(env)
            os.chdir(cwd)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number, name in ((1, "stdout"), (2, "stderr")):
                os.dup2(os.open(Path(out, name), os.O_CREAT | os.O_WRONLY | os.O_APPEND), number)
            run(words)
            status = 0
        except SystemExit as stop:
            if stop.code is not None and not isinstance(stop.code, int):
                print(stop.code, file=sys.stderr)
            status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except BaseException:  # noqa: BLE001  as the interpreter would tell it
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(words: list[str]) -> None:
    """Do what `python WORDS` does."""
    if words[0] == "-c":
        sys.argv = ["-c", *words[2:]]
        sys.path.insert(0, "")
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
    elif words[0] == "-m":
        sys.argv = words[1:]
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).parent))
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main()
