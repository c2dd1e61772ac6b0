"""The `tintbox` command: what has no place in `yolo`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tintbox import terminal
from tintbox.cli import evaluations, models, runs, tables
from tintbox.cli.keys import explain_keys, words_argument
from tintbox.cli.words import table
from tintbox.errors import TintboxError, one_line, suggest
from tintbox.plugins import autoload

app = typer.Typer(
    help="tintbox makes Ultralytics YOLO learn from few labels. Training, validation and prediction are in `yolo`.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
# Topic -> its guide, of the arguments in `yolo`.
TOPICS = {
    "freeze": "docs/freeze.md",
    "extend": "docs/extend.md",
    "loss": "docs/loss.md",
    "colorize": "docs/colorize.md",
    "coco": "docs/coco.md",
    "anchor": "docs/anchor.md",
    "speed": "docs/speed.md",
}
# Commands that work without it, too: the two of COCO evaluation with files, and they say so where they need a model.
WITHOUT_PLUGIN = ("coco-eval", "compare", "doctor", "options", "report", "version")


def print_version(asked: bool) -> None:
    """Print the version and stop, if that was asked for."""
    if asked:
        import tintbox

        print(tintbox.__version__)
        raise typer.Exit


@app.callback()
def activate(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True)
    ] = False,
) -> None:
    """Have the plugin at work in this process; `doctor` wants to see whether it is so without that."""
    command = context.invoked_subcommand
    asks_for_help = any(word in ("-h", "--help") for word in sys.argv[1:])
    if autoload.is_disabled() and command not in WITHOUT_PLUGIN and not asks_for_help:
        raise TintboxError(f"TINTBOX_DISABLE is set, so the plugin is off, which `tintbox {command}` needs; unset it")
    if command != "doctor":
        autoload.install()


def version() -> None:
    """Print the version."""
    print_version(True)


def doctor() -> None:
    """Say whether the plugin is active here, through which file, and whether it fits this Ultralytics."""
    from tintbox.cli import doctor as diagnosis

    raise typer.Exit(diagnosis.main())


def options(
    topic: Annotated[str | None, words_argument("[TOPIC]", f"one of {', '.join(TOPICS)}")] = None,
) -> None:
    """List the arguments that tintbox adds to `yolo`: of a topic, or all."""
    from tintbox.plugins.options import OPTIONS
    from tintbox.plugins.places import place

    if topic is not None and topic not in TOPICS:
        raise TintboxError(f"'{topic}' is no topic ({', '.join(TOPICS)}){suggest(topic, TOPICS)}")
    columns = {"argument": "left", "values": "left", "default": "left", "where": "left", "meaning": "left"}
    for name in [topic] if topic else TOPICS:
        rows = [[o.name, o.values, str(o.default), place(o), o.help] for o in OPTIONS if o.topic == name]
        table(f"{name}: {TOPICS[name]}", columns, rows)


# What each command runs and the keys that it takes, in the order of `--help`.
for command, keys in (
    (version, ()),
    (doctor, ()),
    (options, ()),
    (evaluations.show, tables.SHOW),
    (evaluations.coco_eval, tables.COCO_EVAL),
    (evaluations.compare, tables.COMPARE),
    (models.recipe, tables.RECIPE),
    (runs.study, tables.STUDY),
    (runs.report, tables.REPORT),
    (runs.assignment, tables.ASSIGNMENT),
    (models.import_legacy, tables.IMPORT),
    (models.export_backbone, ()),
    (models.export_stock, ()),
    (models.complexity, tables.COMPLEXITY),
):
    app.command(cls=explain_keys(keys))(command)


def main() -> None:
    """Run the command; a user's mistake is one line on standard error and exit status 1."""
    with terminal.use_patient_streams():
        try:
            app(runs.with_ray_address(sys.argv[1:]))
        except TintboxError as error:
            print(f"tintbox: {one_line(error)}", file=sys.stderr)
            raise SystemExit(1) from None
