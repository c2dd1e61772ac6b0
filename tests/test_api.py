"""The public interface: what it offers, what it costs, and that it is documented."""

import inspect
import re
from pathlib import Path

import pytest

import tintbox
from tintbox.errors import TintboxError

NAMES = [name for name in tintbox.__all__ if name != "__version__"]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"


def test_all_is_what_the_page_documents():
    assert sorted(tintbox.__all__) == tintbox.__all__
    assert set(tintbox.__all__) <= set(dir(tintbox))
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in NAMES if name not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_types_and_says_what_it_is(name):
    thing = getattr(tintbox, name)
    assert getattr(tintbox, name) is thing
    assert inspect.getdoc(thing)
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not p.empty for p in signature.parameters.values())
        assert "Raises:" in thing.__doc__


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="module 'tintbox' has no attribute 'evalute'; it offers"):
        _ = tintbox.evalute


@pytest.mark.smoke
def test_importing_costs_neither_torch_nor_ultralytics(python):
    heavy = "[m for m in ('torch', 'numpy', 'ultralytics', 'yaml', 'tintbox.plugins.host') if m in sys.modules]"
    assert python("-c", f"import sys, tintbox; print({heavy})").stdout.strip() == "[]"
    parts = "from tintbox import ClassificationBCE, FreezePlan, Palette, UNet"
    assert python("-c", f"import sys; {parts}; print('ultralytics' in sys.modules)").stdout.strip() == "False"


def test_names_are_seen_by_type_checkers():
    source = Path(tintbox.__file__).read_text(encoding="utf-8")
    seen = re.search(r"if TYPE_CHECKING:\n((?:    .*\n)+)", source)[1]
    assert set(re.findall(r"\b(\w+)(?:,|$)", re.sub(r"from \S+ import", "", seen), re.MULTILINE)) == set(NAMES)


def test_a_report_of_one_folder(trained, tmp_path):
    page = tintbox.report(trained, tmp_path / "page.html", pictures=False)
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_a_study_of_two_runs(tiny_data, tmp_path):
    folder = tintbox.study(
        task="colorize", model="colorize-convt.yaml", data=tiny_data, imgsz=32, batch=[4, 8], epochs=1, plots=False,
        workers=1, project=tmp_path, name="both",
    )  # fmt: skip
    assert folder == tmp_path / "both"
    assert len((folder / "study.csv").read_text(encoding="utf-8").splitlines()) == 3
    with pytest.raises(TintboxError, match="'batches' is no argument of `yolo train`; did you mean 'batch'"):
        tintbox.study(model="yolo11n.yaml", data=tiny_data, batches=[1, 2])
