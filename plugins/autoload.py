"""The hook that patches Ultralytics when, and only when, a Python in this environment imports it.

``tintbox_autoload.pth`` runs at every interpreter start, so it must cost next to nothing and never fail: it puts a
stub named ``TintboxStart`` in front of ``sys.meta_path``, which waits for the name ``ultralytics`` and then calls
`install` here. (Python 3.15 reads ``tintbox_autoload.start`` instead, PEP 829, which calls `install` at once.)
`install` replaces the stub by a finder; each patched module is then patched right after its own code has run, before
another module can import a name from it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

HOST = "ultralytics"
COMMANDS = ("yolo", "ultralytics")
# Words of a command that request tintbox, repeated here in case nothing else of it can be imported: the arguments in
# `host.capabilities`, and the task. Two arguments are Ultralytics' own and request tintbox only with some values.
SHARED = {"freeze": lambda value: any(map(str.isalpha, value)), "amp": lambda value: value == "auto"}
ARGUMENTS = {
    *SHARED,
    *("unfreeze", "freeze_bn", "lr_scale", "cls_pos_weight", "cls_smoothing", "cls_focal", "coco_eval"),
    *("obj", "obj_pos_weight", "anchor_t", "autoanchor", "palette", "rebalance", "temperature", "channel_drop"),
    *("input_scale", "crop", "shuffle", "ema_epochs", "select", "extend", "reconcile", "polish"),
}
TASK = "colorize"


_told = False


def tell(text: str) -> None:
    """Print a line about a broken tintbox to standard error, once per process: `tintbox doctor` has the rest."""
    global _told
    if not _told:
        print(f"tintbox: {text}; see `tintbox doctor`", file=sys.stderr)
    _told = True


def import_optional(name: str) -> ModuleType | None:
    """Import a tintbox module for a run that may not need it; if missing or broken, report that and return None."""
    from importlib import import_module

    try:
        return import_module(name)
    except Exception as error:  # noqa: BLE001  a broken plugin must never break `yolo detect`
        tell(f"{name} is off, {type(error).__name__}: {error}")
        return None


import_optional("tintbox.threads")  # notes the user's OMP_NUM_THREADS before Ultralytics sets it


def requests_tintbox(words: Sequence[str]) -> bool:
    """Return whether a process is a `yolo` command that requests something of tintbox."""
    if os.path.splitext(os.path.basename(str(words[0]) if words else ""))[0] not in COMMANDS:  # noqa: PTH119, PTH122
        return False
    named = [word.lstrip("-").partition("=") for word in words[1:]]
    return any(
        (name == "task" and value == TASK)
        or name == TASK
        or (name in ARGUMENTS and (name not in SHARED or SHARED[name](value)))
        for name, _, value in named
    )


def is_switched_on(variable: str) -> bool:
    """Return whether an environment variable is set to anything but 0."""
    return os.environ.get(variable, "0") not in ("", "0")


def is_disabled() -> bool:
    """Return whether the environment variable ``TINTBOX_DISABLE`` requests a stock Ultralytics."""
    return is_switched_on("TINTBOX_DISABLE")


def is_stub(finder: object) -> bool:
    """Return whether a finder is the start-up file's stub."""
    return getattr(finder, "__name__", "") == "TintboxStart"


def is_installed() -> bool:
    """Return whether the finder, or the stub that will install it, is in place in this interpreter."""
    return any(isinstance(finder, PatchFinder) or is_stub(finder) for finder in sys.meta_path)


def install() -> None:
    """Install the finder once, unless ``TINTBOX_DISABLE`` is set, and patch modules that are already imported."""
    if is_disabled() or any(isinstance(finder, PatchFinder) for finder in sys.meta_path):
        return
    sys.meta_path[:] = [PatchFinder(), *(finder for finder in sys.meta_path if not is_stub(finder))]
    if HOST in sys.modules:
        from tintbox.plugins import host

        for name in host.modules():
            if name in sys.modules:
                host.apply(sys.modules[name])


class PatchFinder:
    """A meta-path finder that finds nothing itself: it delegates to the others and patches modules after they ran."""

    def __init__(self) -> None:
        self.searching: set[str] = set()  # names currently being looked up by the other finders

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the other finders' spec for a patched module, with its loader wrapped; None for other modules."""
        if not name.startswith(HOST) or name in self.searching:
            return None
        try:
            from tintbox.plugins import host

            self.searching.add(name)
            return host.find_spec(name)
        except Exception as error:  # noqa: BLE001  a broken plugin must never break `yolo detect`
            tell(f"not active, {type(error).__name__}: {error}")
            sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
            if requests_tintbox(sys.argv):
                raise SystemExit(1) from None
            return None
        finally:
            self.searching.discard(name)
