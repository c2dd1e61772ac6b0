"""The table of patches, and how they are applied."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from types import ModuleType
from typing import Any

from tintbox.plugins.autoload import tell

DEFAULT_MODEL = "colorize-unet.yaml"
DEFAULT_DATA = "fruitbowl.yaml"


@dataclass(frozen=True)
class Patch:
    """One change to one Ultralytics module."""

    module: str
    names: tuple[str, ...]  # attributes of the module, dotted, that the patch relies on
    function: Callable[[Any], None]  # its docstring says what it does and why there is no other way


PATCHES: list[Patch] = []
broken: dict[str, str] = {}  # module of patches that cannot be imported -> what is wrong with it
_applied: dict[str, str] = {}  # patch function's name -> "ok" or what went wrong


def patch(module: str, *names: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Register a function as a patch of ``module`` that relies on its attributes ``names``."""

    def register(function: Callable[[Any], None]) -> Callable[[Any], None]:
        PATCHES.append(Patch(module, names, function))
        return function

    return register


def replace(owner: Any, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Replace a function of Ultralytics by the decorated one, which gets the stock function's name and docstring.

    It gets the stock function itself as the default of its keyword ``stock``, which costs nothing per call. A class
    method is replaced by one: its ``stock`` takes the class first.
    """

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        found = getattr(owner, name)
        stock = getattr(found, "__func__", found)
        function.__kwdefaults__ = {**(function.__kwdefaults__ or {}), "stock": stock}
        functools.update_wrapper(function, stock)
        setattr(owner, name, function if stock is found else classmethod(function))
        return function

    return put


def read(module: str) -> None:
    """Import a module that registers patches; if it is missing or broken, report that and carry on."""
    try:
        import_module(module)
    except Exception as error:  # noqa: BLE001  whatever is wrong with it, stock Ultralytics must keep working
        broken[module] = f"{module}: {type(error).__name__}: {error}"
        tell(f"{module} is off, {type(error).__name__}: {error}")


def modules() -> list[str]:
    """Return the unique names of the patched modules, in table order."""
    return list(dict.fromkeys(p.module for p in PATCHES))


def apply(module: ModuleType) -> None:
    """Run the patches of ``module`` that have not run yet; one that fails is reported and skipped."""
    for p in PATCHES:
        key = p.function.__name__
        if p.module != module.__name__ or _applied.get(key) == "ok":
            continue
        try:
            for name in p.names:
                attrgetter(name)(module)
            p.function(module)
            _applied[key] = "ok"
        except Exception as error:  # noqa: BLE001  whatever breaks a patch, stock Ultralytics must keep working
            _applied[key] = f"{type(error).__name__}: {error}"
            tell(f"patch '{key}' of {p.module} does not fit this Ultralytics ({_applied[key]})")


def state(p: Patch) -> str:
    """Return ``"ok"`` if the patch is in place in this process, else what is missing."""
    return _applied.get(p.function.__name__, "not applied")
