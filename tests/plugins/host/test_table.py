"""The table of patches: what they rely on, and how they are applied."""

import inspect
from types import ModuleType

import pytest

from tintbox.plugins.host import table


@pytest.mark.attack("half-fitting plugin")
def test_a_patch_that_does_not_fit_is_told_and_skipped(forked):
    code = (
        "from tintbox.plugins import host\n"
        "host.PATCHES.insert(0, host.Patch('ultralytics.cfg', ('NO_SUCH_NAME',), lambda module: None))\n"
        "host.PATCHES[0].function.__name__ = 'broken'\n"
        "from ultralytics.cfg import TASKS; print('colorize' in TASKS)"
    )
    done = forked("-c", code)
    assert done.stdout.strip().endswith("True")
    assert "patch 'broken' of ultralytics.cfg does not fit" in done.stderr


@pytest.fixture
def patches(monkeypatch):
    """An empty table, and the reported lines."""
    lines = []
    monkeypatch.setattr(table, "PATCHES", [])
    monkeypatch.setattr(table, "_applied", {})
    monkeypatch.setattr(table, "broken", {})
    monkeypatch.setattr(table, "tell", lines.append)
    return lines


def module(name, **attributes):
    made = ModuleType(name)
    vars(made).update(attributes)
    return made


def test_a_patch_runs_once_on_its_own_module(patches):
    calls = []

    @table.patch("lib.a", "one.real")
    def twice(found):
        calls.append(found)

    @table.patch("lib.b")
    def other(found):
        calls.append("other")

    a = module("lib.a", one=1)
    assert [table.state(p) for p in table.PATCHES] == ["not applied"] * 2
    table.apply(a)
    table.apply(a)
    assert calls == [a] and [table.state(p) for p in table.PATCHES] == ["ok", "not applied"]
    assert table.modules() == ["lib.a", "lib.b"] and not patches


def test_a_patch_that_fails_is_told_and_the_next_one_runs(patches):
    ran = []

    @table.patch("lib.a", "gone")
    def first(found):
        ran.append("first")

    @table.patch("lib.a")
    def second(found):
        raise RuntimeError("does not fit")

    @table.patch("lib.a")
    def third(found):
        ran.append("third")

    table.apply(module("lib.a"))
    assert ran == ["third"] and table.modules() == ["lib.a"]
    assert table.state(table.PATCHES[0]).startswith("AttributeError: ")
    assert table.state(table.PATCHES[1]) == "RuntimeError: does not fit"
    assert len(patches) == 2 and patches[1].startswith("patch 'second' of lib.a does not fit this Ultralytics (Run")
    table.apply(module("lib.a", gone=1))  # as after a repair
    assert ran == ["third", "first"] and table.state(table.PATCHES[0]) == "ok"


def test_a_module_that_cannot_be_read_is_told(patches):
    table.read("tintbox.plugins.host.no_such_module")
    table.read("tintbox.plugins.host.table")
    name = "tintbox.plugins.host.no_such_module"
    assert list(table.broken) == [name] and table.broken[name].startswith(f"{name}: ModuleNotFoundError: No module")
    assert len(patches) == 1 and patches[0].startswith(f"{name} is off, ModuleNotFoundError")


def test_a_function_stays_what_it_is(patches):
    def function(found):
        """Say what it does."""

    assert table.patch("lib.a", "x", "y")(function) is function
    assert [table.Patch("lib.a", ("x", "y"), function)] == table.PATCHES


def test_a_function_is_replaced_under_its_own_name():
    def stock(x):
        """Return x."""

    owner = module("lib.a", stock=stock)

    @table.replace(owner, "stock")
    def other(x):
        return x + 1

    assert owner.stock(1) == 2 and owner.stock.__wrapped__ is stock
    assert (owner.stock.__name__, owner.stock.__doc__) == ("stock", "Return x.")


def test_each_replacement_gets_the_function_before_it():
    class Model:
        @classmethod
        def train(cls, x=1):
            return cls.__name__, x

        def val(self, x):
            return self, x

        def predict(self, x):
            return x

    for _ in range(2):
        for name in ("val", "predict"):

            @table.replace(Model, name)
            def call(self, x, *, stock, factor=1):
                return stock.__name__, stock(self, factor * x)

    @table.replace(Model, "train")
    def class_method(cls, *args, stock, **kwargs):
        return stock(cls, *args, **kwargs), kwargs

    model = Model()
    assert model.val(1) == ("val", ("val", (model, 1))) and model.predict(2) == ("predict", ("predict", 2))
    assert Model.train(x=2) == model.train(x=2) == (("Model", 2), {"x": 2})
    assert type("Child", (Model,), {}).train() == (("Child", 1), {})
    assert list(inspect.signature(Model.train).parameters) == ["x"], "what Ultralytics reads of it"
