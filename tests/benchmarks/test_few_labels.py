"""The benchmark of few labels trains by what `tintbox recipe` writes."""

import importlib
from argparse import Namespace
from pathlib import Path

import pytest
import yaml

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def few_labels(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("few_labels")


def test_the_recipes_row_has_the_recipe_and_an_extra_one_what_is_put_over_it(few_labels, fruit, tmp_path):
    (tmp_path / "slow.yaml").write_text("lr0: 0.0005\n")
    args = Namespace(model="yolo11n.yaml", minutes=None, extra={"slow": str(tmp_path / "slow.yaml")})
    found = few_labels.arguments(args, "recipe", str(fruit), "20", 64, tmp_path / "recipe")
    written = yaml.safe_load(Path(found.pop("cfg")).read_text())
    assert not found and written["epochs"] == few_labels.EPOCHS["20"] and written["imgsz"] == 64
    found = few_labels.arguments(args, "slow", str(fruit), "20", 64, tmp_path / "slow")
    assert Path(found["cfg"]).is_file() and found["lr0"] == 0.0005
    assert few_labels.arguments(args, "nbs16", str(fruit), "20", 64, tmp_path) == {"nbs": 16}
