"""Break things in a copy of tintbox, one after another, and run commands on it.

    python overlay.py FOLDER COMMAND...

Each line of standard input is a case, a JSON mapping: ``kind`` (how something is broken), ``names`` (what is broken),
``words`` (the command), ``env``; each line of standard output is a result. Every case runs in its own process, forked
from this one, which has already imported the third-party modules that COMMAND imports: PyTorch's compiler, which every
training imports, takes longer than the rest of a run.
"""

import contextlib
import gc
import json
import os
import runpy
import shutil
import sys
import time
import traceback
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
from forking import import_others

sys.path.pop()  # no case must find these folders

BREAKS = {
    "syntax": "def broken(:\n",
    "import": "import no_such_package_anywhere\n",
    "attribute": "import sys\nsys.no_such_name\n",
}


class Renamed:
    """Removes names from Ultralytics' modules while tintbox inspects them, and restores them for Ultralytics itself.

    Of two finders, the one behind tintbox's hides the name once the module has run, and the one before it restores it.
    """

    def __init__(self, names: list[str]) -> None:
        self.names: dict[str, list[str]] = {}
        for module, name in (name.split(":") for name in names):
            self.names.setdefault(module, []).append(name)
        self.hidden: list[tuple[object, str, object]] = []

    def install(self) -> None:
        """Install both finders, around tintbox's."""
        from tintbox.plugins import autoload

        autoload.install()
        hide, restore = Finder(self.names, self.hide), Finder(self.names, self.restore)
        sys.meta_path[:] = [restore, *sys.meta_path]
        at = next(i for i, f in enumerate(sys.meta_path) if getattr(f, "__name__", "") == "PathFinder")
        sys.meta_path.insert(at, hide)

    def hide(self, module) -> None:
        """Remove the names."""
        for name in self.names[module.__name__]:
            *path, last = name.split(".")
            owner = module
            for part in path:
                owner = getattr(owner, part)
            for holder in getattr(owner, "__mro__", (owner,)):  # a class may inherit it
                if last in vars(holder):
                    self.hidden.append((holder, last, vars(holder)[last]))
                    delattr(holder, last)

    def restore(self, module) -> None:
        """Restore them."""
        while self.hidden:
            setattr(*self.hidden.pop())


class Finder:
    """Calls a function on a module after it has run."""

    def __init__(self, names, after) -> None:
        self.names, self.after, self.busy = names, after, False

    def find_spec(self, name, path=None, target=None):
        """Return the other finders' spec, with its loader wrapped."""
        if name not in self.names or self.busy:
            return None
        self.busy = True
        try:
            at = sys.meta_path.index(self) + 1
            spec = next(s for f in sys.meta_path[at:] if (s := f.find_spec(name, path, target)) is not None)
        finally:
            self.busy = False
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            self.after(module)

        spec.loader.exec_module = exec_module
        return spec


def warm(words: list[str], place: Path) -> None:
    """Import third-party modules and those that a command uses."""

    def use() -> None:
        os.chdir(place)
        everything(words)

    import_others(use)
    gc.freeze()  # Ultralytics collects garbage every epoch, needlessly here


def everything(words: list[str]) -> None:
    """Run a command, then import all of tintbox."""
    command(words)

    from ultralytics.engine import exporter, tuner  # noqa: F401

    from tintbox.cli import inventory

    inventory.take()


@contextlib.contextmanager
def broken(package: Path, kind: str, names: list[str]):
    """Break or delete modules of the copy while the context is active."""
    files = [find(package, name) for name in names]
    kept = [file.with_suffix(".kept") for file in files]
    for file, aside in zip(files, kept):
        file.rename(aside)
        if kind != "missing":
            file.write_text(BREAKS[kind])
    try:
        yield
    finally:
        for file, aside in zip(files, kept):
            aside.rename(file)


def find(package: Path, name: str) -> Path:
    """Return the file of a module."""
    path = package.parent.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def command(words: list[str]) -> None:
    """Run a command in this process."""
    sys.argv = [words[0], *words[1:]]
    if words[0] == "tintbox":
        runpy.run_module("tintbox", run_name="__main__")
    elif words[0] == "python":
        exec(words[1], {})
    else:
        from ultralytics.cfg import entrypoint

        entrypoint()


def run(words: list[str], place: Path, names: list[str], environment: dict[str, str]) -> dict:
    """Run a command in a separate process."""
    begin = time.perf_counter()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    if (child := os.fork()) == 0:
        status = 1
        try:
            os.chdir(place)
            os.environ.update(environment)
            for number, name in ((1, "stdout"), (2, "stderr")):
                os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY), number)
            if names:
                Renamed(names).install()
            command(words)
            status = 0
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except BaseException:  # noqa: BLE001  as the interpreter would tell it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = {name: (place / name).read_text(errors="replace") for name in ("stdout", "stderr")}
    files = {str(p.relative_to(place)) for p in place.rglob("*") if p.is_file()}
    for key, name in (("csv", "results.csv"), ("args", "args.yaml")):
        said[key] = "".join(p.read_text() for p in place.rglob(name))
    return {"status": status, **said, "files": sorted(files), "seconds": time.perf_counter() - begin}


def main(folder: Path, *words: str) -> None:
    """Run the cases from standard input."""
    package, place = folder / "tintbox", folder / "place"
    sys.dont_write_bytecode = True
    # An editable installation would provide the modules that are missing.
    sys.meta_path[:] = [finder for finder in sys.meta_path if "Editable" not in getattr(finder, "__name__", "")]
    place.mkdir()
    warm(list(words), place)
    for line in sys.stdin:
        case = json.loads(line)
        renamed = case["names"] if case["kind"] == "renamed" else []
        breaks = [] if renamed or case["kind"] == "whole" else case["names"]
        with broken(package, case["kind"], breaks):
            print(json.dumps({**case, **run(case["words"], place, renamed, case["env"])}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
