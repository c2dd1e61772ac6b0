"""The guides: their Python runs, their commands exist with the arguments that they name, and the site loads nothing."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parent.parent
PAGES = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ASKS_FOR = re.compile(
    r"(?:src|srcset|data-src)=[\"'](?:https?:)?//|<link[^>]*href=[\"'](?:https?:)?//|url\([\"']?(?:https?:)?//"
)


def blocks(language):
    """A parameter for each block of a language: its text, named by page and number."""
    return [
        pytest.param(text, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
        if kind == language
    ]


def commands():
    """A parameter for each line of the shell blocks, its words without the comment."""
    lines = [(block.id, line) for block in blocks("bash") for line in block.values[0].splitlines()]
    split = [(name, shlex.split(line, comments=True)) for name, line in lines]
    return [pytest.param(words, id=f"{name}-{' '.join(words[:2])}") for name, words in split if words]


@pytest.mark.parametrize("text", blocks("python"))
def test_python_blocks_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "block", "exec"), {"__name__": "block"})


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_blocks_are_yaml(text):
    assert yaml.safe_load(text)


@pytest.mark.parametrize("words", commands())
def test_commands_exist_with_the_arguments_that_are_named(words):
    program, *rest = words
    if program == "yolo":
        check_arguments(word for word in rest if "=" in word)
    elif program == "tintbox":
        check_tintbox(rest)
    elif program == "make":
        targets = re.findall(r"^(\w+):", (REPO / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for word in rest if "=" not in word} <= set(targets)
    elif program == "python":
        check_script(rest)
    else:
        assert program in ("pip", "export", "cd", "git", "pre-commit"), f"what is {program}?"


def check_tintbox(words):
    """The command is there and has these options; what it does not name itself is an argument of `yolo`."""
    import typer.main
    from typer.testing import CliRunner

    from tintbox.cli.app import app

    command = group = typer.main.get_command(app)
    if words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    assert not [word for word in given if word not in options | {"--help", "-h", "--version"}], sorted(options)
    about = CliRunner().invoke(app, [*([command.name] if command.name in group.commands else []), "--help"]).output
    named = set(re.findall(r"(\w+)=", about))
    check_arguments(
        (word for word in words if "=" in word and not word.startswith("-") and word.partition("=")[0] not in named),
        several=command.name == "study",
    )


def check_script(words):
    """A module, or a script with the options that its help lists."""
    if words[0] == "-m":
        assert importlib.util.find_spec(words[1].partition(".")[0]), words[1]
        return check_arguments(word for word in words[2:] if "=" in word)
    done = subprocess.run([sys.executable, REPO / words[0], "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    missing = [word for word in words[1:] if word.startswith("--") and f"{word} " not in done.stdout + " "]
    assert not missing


def check_arguments(words, several=False):
    """Each is an argument of `yolo`, of Ultralytics or tintbox, and tintbox's have a value that it takes."""
    import ultralytics.cfg  # noqa: F401  adds tintbox's
    from ultralytics.utils import DEFAULT_CFG_DICT

    from tintbox.plugins import options

    known = {option.name for option in options.OPTIONS}
    for word in words:
        name, _, value = word.partition("=")
        assert name in DEFAULT_CFG_DICT, f"no argument {name}"
        plain = yaml.safe_load(value)
        listed = several and isinstance(plain, str) and "," in plain
        if name in known and not listed and value not in ("...", "None"):
            options.check({name: plain})


def test_every_guide_is_on_the_site_and_in_the_index():
    settings = yaml.safe_load((REPO / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = re.findall(r"[\w-]+\.md", str(settings["nav"]))
    there = {page.name for page in PAGES} - {"README.md"}
    assert sorted(listed) == sorted(there)
    index = (REPO / "docs" / "index.md").read_text(encoding="utf-8")
    assert {"index.md", "assignment.md"} >= {page for page in there if f"({page})" not in index}


def test_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("material", reason="the site is built with MkDocs Material: pip install 'tintbox[docs]'")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(words, cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) >= len(PAGES) - 1
    loaded = {
        f"{file.name}: {found}"
        for file in (tmp_path / "site").rglob("*")
        if file.suffix in (".html", ".css")
        for found in ASKS_FOR.findall(file.read_text(encoding="utf-8"))
    }
    assert not loaded
    assert "freeze_bn" in next((tmp_path / "site" / "search").glob("search_index.j*")).read_text(encoding="utf-8")
