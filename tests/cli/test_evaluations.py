"""The commands that evaluate predictions: which arguments go together."""

import pytest
from typer.testing import CliRunner

from tintbox.cli import app
from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import command
from tintbox.plugins.coco_eval.settings import Settings


@pytest.fixture
def called(monkeypatch):
    """The arguments that the command was called with."""
    calls = []

    def note(name):
        return lambda *arguments: calls.append((name, *arguments)) or "folder"

    for name in ("evaluate_model", "evaluate_files", "compare"):
        monkeypatch.setattr(command, name, note(name))
    return calls


def run(*words):
    return CliRunner().invoke(app.app, list(words))


def test_a_model_or_files_are_evaluated(called):
    done = run("coco-eval", "model=a.pt", "data=b.yaml", "resamples=40", "conf=0.1", "--save-json")
    assert done.exit_code == 0 and done.output.strip() == "folder"
    ((name, values, settings),) = called
    assert name == "evaluate_model" and settings == Settings(resamples=40, explain=True)
    assert (values["model"], values["data"], values["conf"], values["save_json"]) == ("a.pt", "b.yaml", 0.1, True)
    called.clear()
    assert run("coco-eval", "predictions=p.json", "annotations=g.json", "examples=3").exit_code == 0
    ((name, values, settings),) = called
    assert name == "evaluate_files" and settings.examples == 3 and values["save_json"] is False


def test_two_runs_are_compared(called):
    assert run("compare", "a", "b", "seed=7", "level=0.5", "split=test").exit_code == 0
    ((name, first, second, values, settings),) = called
    assert (name, first, second) == ("compare", "a", "b") and values["split"] == "test"
    assert (settings.seed, settings.level, settings.explain) == (7, 0.5, False)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["coco-eval"], "model= is missing, e.g. model=best.pt"),
        (["coco-eval", "predictions=p.json"], "annotations= is missing, e.g. annotations=gt.json"),
        (["coco-eval", "annotations=g.json"], "predictions= is missing, e.g. predictions=preds.json"),
        (["coco-eval", "model=a.pt", "predictions=p.json"],
         "give either model= and data=, or predictions= and annotations=; not both"),
        (["coco-eval", "model=a.pt", "resamples=-1"], "resamples=-1: give a whole number from 0 to 10000"),
        (["coco-eval", "model=a.pt", "level=1"], "level=1: give a number between 0 and 1, e.g. 0.95"),
        (["compare", "a"], "give two runs to compare, e.g. runs/detect/a runs/detect/b; here are 1"),
        (["compare", "a", "b", "c"], "give two runs to compare, e.g. runs/detect/a runs/detect/b; here are 3"),
        (["compare"], "give two runs to compare, e.g. runs/detect/a runs/detect/b; here are 0"),
    ],
)  # fmt: skip
def test_words_that_do_not_go_together(called, words, line):
    error = run(*words).exception
    assert isinstance(error, TintboxError) and str(error) == line and not called
