"""The guides: their Python runs, their commands are accepted, and the site loads nothing."""

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
INLINE = re.compile(r"(?:`|^    )((?:yolo|tintbox) [^`]*?model=[^`]*?)(?:`|$)", re.MULTILINE)
# Two of the models have 60 million parameters, which takes seconds; their heads are those of yolov3-tiny-anchor.yaml.
LARGE = ("yolov3-anchor", "yolov3-spp-anchor")
HEADS = [
    head for folder in ("cfg", "datasets") for head in sorted((REPO / folder).rglob("*.yaml")) if head.stem not in LARGE
]
USE = re.compile(r"^#.*?((?:yolo|tintbox) (?:\w+ )*\w+=[^`\n]*?)(?:`.*|  +\(.*)?$", re.MULTILINE)
# The event at which a `yolo` command has been checked and is about to work.
BEGINS = {
    "train": "on_pretrain_routine_start",
    "val": "on_val_start",
    "predict": "on_predict_start",
    "export": "on_export_start",
}
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


# tests/test_api.py runs the study, on images of its own.
@pytest.mark.parametrize("text", [block for block in blocks("python") if "tintbox.study(" not in block.values[0]])
def test_python_blocks_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "block", "exec"), {"__name__": "block"})


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_blocks_are_yaml(text):
    assert yaml.safe_load(text)


@pytest.mark.parametrize("words", commands())
def test_commands_exist_with_the_arguments_that_are_named(words, forked):
    program, *rest = words
    if program == "yolo":
        check_arguments(word for word in rest if "=" in word)
    elif program == "tintbox":
        check_tintbox(rest)
    elif program == "make":
        targets = re.findall(r"^(\w+):", (REPO / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for word in rest if "=" not in word} <= set(targets)
    elif program == "python":
        check_script(rest, forked)
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


def check_script(words, run):
    """A module, or a script with the options that its help lists."""
    if words[0] == "-m":
        assert importlib.util.find_spec(words[1].partition(".")[0]), words[1]
        return check_arguments(word for word in words[2:] if "=" in word)
    # Options and their values before `--help` are read, unknown options are not refused.
    done = run(REPO / words[0], *words[1:], "--help")
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


def accepted():
    """A parameter for each command of `yolo` and `tintbox` with its arguments: in shell blocks, text and YAML heads."""
    found = {tuple(block.values[0]): block.id for block in commands() if block.values[0][0] in ("yolo", "tintbox")}
    for page in PAGES:
        for line in INLINE.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
            found.setdefault(tuple(shlex.split(line)), f"{page.stem}-text")
    for head in HEADS:
        for line in USE.findall(head.read_text(encoding="utf-8")):
            found.setdefault(tuple(shlex.split(line)), head.stem)
    return [
        pytest.param(list(words), id=f"{where}-{' '.join(words[:3])}")
        for words, where in found.items()
        if not any(word.endswith("...") for word in words) and any("=" in word for word in words)
    ]


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Put a model's random weights at a path."""
    folder, made = tmp_path_factory.mktemp("weights"), {}

    def write(path, model):
        from ultralytics import YOLO

        if model not in made:
            made[model] = folder / f"{len(made)}.pt"
            YOLO(model).save(made[model])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(made[model])

    return write


@pytest.fixture(scope="session")
def pictures(write_dataset):
    """A dataset YAML of pictures with a box each, five to train on and two to validate on."""
    import numpy as np

    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    each = (picture, ["0 0.5 0.5 0.4 0.4"])
    return write_dataset("pictures", ["cell"], {"train": [each] * 5, "val": [each] * 2})


@pytest.fixture
def files(tmp_path, monkeypatch, weights, pictures):
    """Write small files under the names that a command gives its files, in an empty working folder."""
    from tintbox.studies import grid, place

    monkeypatch.chdir(tmp_path)
    described = yaml.safe_load(pictures.read_text(encoding="utf-8"))
    settings = (REPO / "docs" / "study.md").read_text(encoding="utf-8")

    def dataset(name):
        shipped = REPO / "datasets" / name
        names = yaml.safe_load(shipped.read_text(encoding="utf-8"))["names"] if shipped.is_file() else ["cell"]
        Path(name).write_text(yaml.safe_dump({**described, "names": names}), encoding="utf-8")

    def write(words):
        given = dict(word.split("=", 1) for word in words if "=" in word)
        for key, value in {"data": "fruitbowl.yaml,coco8.yaml", **given}.items():
            for name in value.split(","):
                if key == "data" and name.endswith(".yaml"):
                    dataset(name)
                elif key in ("data", "source"):
                    folder = pictures.parent / "images" / "train"
                    Path(name).symlink_to(folder if name.endswith("/") else folder / "0.png")
                elif key == "cfg" and name == "recipe.yaml":
                    Path(name).write_text("nbs: 16\n", encoding="utf-8")
                elif "colorize" in Path(name).parts:
                    model = given["model"] if key == "pretrained" else "yolo11n.yaml"
                    weights(Path(name), model.replace(".yaml", "-colorize.yaml"))
                elif name.endswith(".pt"):
                    weights(Path(name), "yolov5n-anchor.yaml" if name.startswith("classic") else "yolo11n.yaml")
        if "grid.yaml" in words:
            Path("grid.yaml").write_text(dict(BLOCK.findall(settings))["yaml"], encoding="utf-8")
        if words[:2] == ["study", "runs/study/study"]:
            Path(words[1]).mkdir(parents=True)
            place.write(Path(words[1]), grid.parse(["model=yolo11n.yaml", "data=coco8.yaml", "seed=0,1,2"]))

    return write


@pytest.mark.parametrize("words", accepted())
def test_commands_are_accepted(words, files, tmp_path, monkeypatch):
    # By these names, Ultralytics wants to download weights of its own; tintbox takes classic ones, which have anchors.
    words = [re.sub(r"=yolov[35]n?\.pt$", "=classic.pt", word) for word in words]
    program, *rest = words
    files(rest)
    if program == "tintbox":
        check_command(rest)
        return
    import ultralytics.cfg
    from ultralytics.utils.callbacks import base

    def begin(_):
        raise BegunError

    mode = next(word for word in rest if word in BEGINS)
    events = base.default_callbacks
    monkeypatch.setitem(events, BEGINS[mode], [*events[BEGINS[mode]], begin])
    monkeypatch.setattr(ultralytics.cfg, "ARGV", [*words, f"project={tmp_path / 'runs'}"])
    with pytest.raises(BegunError):
        ultralytics.cfg.entrypoint()


class BegunError(Exception):
    """A command has been accepted."""


def check_command(words):
    """A command of `tintbox` takes its options, its keys and their values; a study's runs are those of `yolo train`."""
    import typer.main

    from tintbox.cli import keys, runs
    from tintbox.cli import words as cli_words
    from tintbox.cli.app import app
    from tintbox.plugins import autoload
    from tintbox.studies.command import prepare

    autoload.install()
    command = typer.main.get_command(app).commands[words[0]]
    given = command.make_context(words[0], runs.with_ray_address(words[1:])).params
    if words[0] == "study":
        prepare(given["words"], many=given["yes"])
    else:
        _, rest = cli_words.paths_of(given.get("words"))
        keys.read(rest, command.keys)


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
