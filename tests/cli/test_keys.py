"""The key=value arguments of the commands: one table reads, checks and explains them."""

import sys
from inspect import signature

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import tintbox
from tintbox.assignment.command import assignment
from tintbox.cli import app as cli
from tintbox.cli import keys, tables
from tintbox.cli.keys import Key
from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.sources import VALIDATION

pytestmark = pytest.mark.attack("newcomer")

TABLES = {
    "show": tables.SHOW,
    "report": tables.REPORT,
    "coco-eval": tables.COCO_EVAL,
    "compare": tables.COMPARE,
    "assignment": tables.ASSIGNMENT,
    "import-legacy": tables.IMPORT,
    "complexity": tables.COMPLEXITY,
    "study": tables.STUDY,
}


def told(*words):
    """The output of a command with exit status 0."""
    done = CliRunner().invoke(cli.app, list(words))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("command", TABLES)
def test_help_explains_every_key(command):
    for flag in ("-h", "--help"):
        shown = told(command, flag)
        for key in TABLES[command]:
            assert f"{key.name}=" in shown
            assert key.help.split()[0] in shown


def test_the_tables_have_what_the_commands_take():
    assert [key.name for key in tables.VALIDATION] == list(VALIDATION)
    assert {key.name for key in tables.ASSIGNMENT} == set(signature(assignment).parameters) - {"quick", "workers"}
    for table in TABLES.values():
        assert len({key.name for key in table}) == len(table)
        for key in table:
            assert key.default is None or key.check is None or key.check(key.default), key


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "model=a.pt"], "data= is missing, e.g. data=bccd.yaml"),
        (["show", "model=a.pt", "data=b.yaml", "n=0"], "n=0: give a whole number of 1 or more"),
        (["report", "x", "pictures=perhaps"], "pictures=perhaps: give true or false"),
        (["compare", "a", "b", "conf=2"], "conf=2: give a number from 0 to 1"),
        (["coco-eval", "model=a.pt", "imgsz=[1,2,3]"], "imgsz=[1, 2, 3]: give a side in pixels"),
        (["complexity", "modl=a"], "did you mean 'model'"),
        (["recipe", "--model", "a.pt", "--data=b.yaml"], "'--model' is no option; write model=, without dashes"),
        (["recipe", "model=a.pt", "-o", "b.yaml"], "'-o' is no option; write out=, without dashes"),
        (["recipe", "--save-dir=x"], "No such option: --save-dir"),
        (["options", "los"], "(freeze, polish, extend, loss, colorize, coco, anchor, speed); did you mean 'loss'?"),
    ],
)
def test_mistakes(words, message):
    done = CliRunner().invoke(cli.app, words)
    told = str(done.exception) if isinstance(done.exception, TintboxError) else done.output
    assert done.exit_code and message in told


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(TABLES)), st.lists(st.text(max_size=8), max_size=2), st.data())
def test_any_words_are_read_or_refused_in_a_line(command, strange, data):
    names = st.sampled_from([key.name for key in TABLES[command]])
    values = st.text(max_size=8) | st.sampled_from(["[1, 2]", "{a: 1}", "1e999", "-1", "true", ".nan", "", "[", "!!x"])
    typed = [f"{name}={value}" for name, value in data.draw(st.lists(st.tuples(names, values), max_size=3))]
    try:
        keys.read([*typed, *strange], TABLES[command])
    except TintboxError as error:
        assert str(error).strip()


def test_values_are_yaml_or_text():
    known = [Key("n", "", 2, ""), Key("images", "", None, "", keys.texts), Key("out", "", "show.png", "", keys.text)]
    assert keys.read(["n=5", "images=[a, b]"], known) == {"n": 5, "images": ["a", "b"], "out": "show.png"}
    assert keys.read(["out=a[b.png"], known)["out"] == "a[b.png"
    assert keys.read(["out=a=b"], known)["out"] == "a=b"


@pytest.mark.parametrize(
    "name", ["runs/a #1", "0123", "1_000", "12:30", "2024-01-01", "true", "null", "a: b", "[x]", "'a' or 'b", "'", "{}"]
)
def test_names_and_paths_are_taken_as_they_are(name):
    known = [Key("out", "", "show.png", "", keys.text), Key("images", "", None, "", keys.texts)]
    assert keys.read([f"out={name}"], known)["out"] == name
    assert keys.read([f"out='{name.replace(chr(39), 2 * chr(39))}'"], known)["out"] == name
    assert keys.read([f"images={name}"], known)["images"] == (["x"] if name == "[x]" else name)
    assert keys.read(["model=a.pt", "data=a.yaml", f"groups={name}"], tables.RECIPE)["groups"] == name


@pytest.mark.parametrize(
    ("word", "message"),
    [("n", "'n' is no argument; write key=value"), ("image=a", r"'image' is no argument here.*did you mean 'images'")],
)
def test_words_that_are_none(word, message):
    with pytest.raises(TintboxError, match=message):
        keys.read([word], [Key("n", "", 2, ""), Key("images", "", None, "")])


def test_version_and_topics():
    assert told("--version").strip() == told("version").strip() == tintbox.__version__
    everything = told("options")
    for topic in cli.TOPICS:
        shown = told("options", topic)
        assert shown in everything
    assert "cls_focal" in told("options", "loss") and "palette" not in told("options", "loss")


def test_completion_is_offered():
    assert "--install-completion" in told("-h")


@pytest.mark.parametrize("command", ["show", "study", "complexity"])
def test_without_the_plugin_a_command_says_so(command, monkeypatch, capsys):
    monkeypatch.setenv("TINTBOX_DISABLE", "1")
    monkeypatch.setattr(sys, "argv", ["tintbox", command, "model=x.pt"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    line = f"tintbox: TINTBOX_DISABLE is set, so the plugin is off, which `tintbox {command}` needs; unset it"
    assert capsys.readouterr().err.strip() == line
    assert told("--version") and told("options")


def test_a_path_is_the_same_with_its_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [keys.path("model", word) for word in ("a.pt", "model=a.pt", "out=a.pt")] == ["a.pt", "a.pt", "out=a.pt"]
    (tmp_path / "model=a.pt").touch()
    assert keys.path("model", "model=a.pt") == "model=a.pt"
