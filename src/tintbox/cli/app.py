"""The `tintbox` command: what does not fit into `yolo`."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
import typer.core

from tintbox import terminal
from tintbox.cli import evaluations, models, runs, tables
from tintbox.cli.keys import explain_keys, words_argument
from tintbox.cli.words import table
from tintbox.errors import TintboxError, one_line, suggest
from tintbox.plugins import autoload


class Commands(typer.core.TyperGroup):
    """The commands: one that was interrupted and says how to go on ends like a mistake, with that line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the requested command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            if not stop.args:  # nothing had begun
                raise
            raise TintboxError(str(stop)) from None


app = typer.Typer(
    cls=Commands,
    help="tintbox helps Ultralytics YOLO learn from few labels. To train, validate and predict, use `yolo`.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
# Topics of the arguments in `yolo`, which are the names of the guides.
TOPICS = ("freeze", "polish", "extend", "loss", "colorize", "coco", "anchor", "speed")
# Commands that also work without the plugin; the two for COCO evaluation say so if they need it to load a model.
WITHOUT_PLUGIN = ("coco-eval", "compare", "doctor", "options", "report", "version")


def print_version(requested: bool) -> None:
    """Print the version and exit, if requested."""
    if requested:
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
    """Activate the plugin in this process, except for `doctor`, which checks whether it is already active."""
    command = context.invoked_subcommand
    asks_for_help = any(word in ("-h", "--help") for word in sys.argv[1:])
    if autoload.is_disabled() and command not in WITHOUT_PLUGIN and not asks_for_help:
        raise TintboxError(f"TINTBOX_DISABLE is set, so the plugin is off, which `tintbox {command}` needs; unset it")
    if command != "doctor":
        autoload.install()


def version() -> None:
    """Print the version."""
    print_version(True)


def doctor(
    verbose: Annotated[bool, typer.Option("--verbose", help="list every name that patches rely on")] = False,
) -> None:
    """Check whether the plugin is active here, which file loads it, and whether it fits this Ultralytics."""
    from tintbox.cli import doctor as diagnosis

    raise typer.Exit(diagnosis.main(verbose))


def options(
    topic: Annotated[str | None, words_argument("[TOPIC]", f"one of {', '.join(TOPICS)}")] = None,
) -> None:
    """List the arguments that tintbox adds to `yolo`, all or those of one topic."""
    from tintbox.plugins.options import OPTIONS
    from tintbox.plugins.places import place

    if topic is not None and topic not in TOPICS:
        raise TintboxError(f"'{topic}' is no topic ({', '.join(TOPICS)}){suggest(topic, TOPICS)}")
    columns = {"argument": "left", "values": "left", "default": "left", "where": "left", "meaning": "left"}
    for name in [topic] if topic else TOPICS:
        rows = [[o.name, o.values, str(o.default), place(o), o.help] for o in OPTIONS if o.topic == name]
        table(f"{name}: docs/{name}.md", columns, rows)


# Each command and its keys, in the order of `--help`.
for command, keys in (
    (version, ()),
    (doctor, ()),
    (options, ()),
    (evaluations.show, tables.SHOW),
    (evaluations.coco_eval, tables.COCO_EVAL),
    (evaluations.compare, tables.COMPARE),
    (models.recipe, tables.RECIPE),
    (models.polish, tables.POLISH),
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
    """Run the command; report a user's mistake as one line on standard error with exit status 1."""
    with terminal.use_patient_streams():
        try:
            app(runs.with_ray_address(sys.argv[1:]))
        except TintboxError as error:
            print(f"tintbox: {one_line(error)}", file=sys.stderr)
            raise SystemExit(1) from None
