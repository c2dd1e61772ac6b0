"""The `tintbox` command: what has no place in `yolo`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tintbox import terminal
from tintbox.cli import runs as run_commands
from tintbox.cli import tables
from tintbox.cli.keys import Key, command_class, read
from tintbox.cli.words import paths_of, table
from tintbox.errors import TintboxError, one_line, suggest
from tintbox.plugins import autoload

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.settings import Settings

app = typer.Typer(
    help="tintbox makes Ultralytics YOLO learn from few labels. Training, validation and prediction are in `yolo`.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
KEYS = "[KEY=VALUE]..."
# Topic -> its guide, of the arguments in `yolo`.
TOPICS = {
    "freeze": "docs/freeze.md",
    "loss": "docs/loss.md",
    "colorize": "docs/colorize.md",
    "coco": "docs/coco.md",
    "anchor": "docs/anchor.md",
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


def main() -> None:
    """Run the command; a user's mistake is one line on standard error and exit status 1."""
    with terminal.use_patient_streams():
        try:
            app(run_commands.with_ray_address(sys.argv[1:]))
        except TintboxError as error:
            print(f"tintbox: {one_line(error)}", file=sys.stderr)
            raise SystemExit(1) from None


@app.command()
def version() -> None:
    """Print the version."""
    print_version(True)


@app.command()
def doctor() -> None:
    """Say whether the plugin is active here, through which file, and whether it fits this Ultralytics."""
    from tintbox.cli import doctor as diagnosis

    raise typer.Exit(diagnosis.main())


@app.command()
def options(
    topic: Annotated[
        str | None, typer.Argument(metavar="[TOPIC]", help=f"one of {', '.join(TOPICS)}", show_default=False)
    ] = None,
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


@app.command(cls=command_class(tables.SHOW))
def show(
    words: Annotated[list[str], typer.Argument(metavar="model=best.pt data=bccd.yaml [KEY=VALUE]...")],
) -> None:
    """Draw pictures of a dataset: the labelled boxes on the left, a detector's on the right."""
    from tintbox.reports.show import show as draw

    print(draw(**read(words, tables.SHOW)))


@app.command(name="coco-eval", cls=command_class(tables.COCO_EVAL))
def coco_eval(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="(model=best.pt data=bccd.yaml | predictions=p.json annotations=gt.json) [KEY=VALUE]...",
            show_default=False,
        ),
    ] = None,
    save_json: Annotated[bool, typer.Option("--save-json", help="save truth and predictions as COCO JSON")] = False,
) -> None:
    """Evaluate a detector by COCO's metrics, with confidence intervals and the errors explained."""
    values, settings = evaluation_arguments(words, tables.COCO_EVAL, explain=True)
    values["save_json"] = save_json

    from tintbox.plugins.coco_eval import command

    given = [key for key in ("model", "predictions", "annotations") if values[key] is not None]
    if given == ["model"]:
        folder = command.evaluate_model(values, settings)
    elif given == ["predictions", "annotations"]:
        folder = command.evaluate_files(values, settings)
    elif "model" in given:
        raise TintboxError("give either model= and data=, or predictions= and annotations=; not both")
    else:
        lacks = {"predictions": "annotations", "annotations": "predictions"}.get("".join(given), "model")
        example = {"model": "best.pt", "annotations": "gt.json", "predictions": "preds.json"}[lacks]
        raise TintboxError(f"{lacks}= is missing, e.g. {lacks}={example}")
    print(folder)


@app.command(cls=command_class(tables.COMPARE))
def compare(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIRST SECOND [KEY=VALUE]...",
            help="two runs' folders, checkpoints, or folders that --save-json wrote; key=value arguments",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Say by how much the second model differs from the first on the same pictures, and whether it may be chance."""
    runs, rest = paths_of(words or [])
    if len(runs) != 2:
        raise TintboxError(f"give two runs to compare, e.g. runs/detect/a runs/detect/b; here are {len(runs)}")
    values, settings = evaluation_arguments(rest, tables.COMPARE)

    from tintbox.plugins.coco_eval import command

    print(command.compare(runs[0], runs[1], values, settings))


def evaluation_arguments(
    words: list[str] | None, keys: Sequence[Key], *, explain: bool = False
) -> tuple[dict[str, Any], Settings]:
    """Return the arguments of an evaluation, and its settings; with ``explain`` errors are explained."""
    from tintbox.plugins.coco_eval import settings

    values = read(words, keys)
    own = {key: value for key, value in values.items() if key in settings.DEFAULTS}
    for key, value in own.items():
        if wrong := settings.check_one(key, value):
            raise TintboxError(wrong)
    return values, settings.Settings(**own, explain=explain)


for command, keys in (
    (run_commands.study, tables.STUDY),
    (run_commands.report, tables.REPORT),
    (run_commands.assignment, tables.ASSIGNMENT),
):
    app.command(cls=command_class(keys))(command)


@app.command(cls=command_class(tables.IMPORT))
def import_legacy(
    source: Annotated[str, typer.Argument(help="a classic YOLOv3 or YOLOv5 .pt, or Darknet .weights")],
    target: Annotated[str, typer.Argument(help="the .pt to write")],
    words: Annotated[list[str] | None, typer.Argument(metavar=KEYS, show_default=False)] = None,
) -> None:
    """Make a checkpoint for today's Ultralytics, with tintbox, from a classic one."""
    values = read(words, tables.IMPORT)
    from tintbox.plugins.anchor.importing import import_legacy as convert

    print(convert(source, target, **values))


@app.command("export-backbone")
def export_backbone(
    source: Annotated[str, typer.Argument(metavar="BEST.PT", help="a colouriser's checkpoint")],
    target: Annotated[str, typer.Argument(metavar="OUT.PT", help="the detector checkpoint to write")],
) -> None:
    """Write a colouriser's backbone and neck as a detector that any Ultralytics loads with `pretrained=`."""
    from tintbox.plugins.transfer.export import export_backbone as export

    print(export(source, target))


@app.command(cls=command_class(tables.COMPLEXITY))
def complexity(
    words: Annotated[list[str], typer.Argument(metavar="model=NAME.yaml [KEY=VALUE]...")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Count a colouriser's weights, outputs and connections per layer."""
    values = read(words, tables.COMPLEXITY)
    size = values["imgsz"] if isinstance(values["imgsz"], list) else [values["imgsz"]]
    size = [size[0], size[-1]]
    from tintbox.colorization.complexity import complexity as count
    from tintbox.colorization.complexity import load_network

    network, channels = load_network(str(values["model"]))
    counted = count(network, (size[0], size[1]), channels)
    if as_json:
        print(json.dumps(counted.as_dict(), indent=2))
        return
    numbers = counted.as_dict()
    rows = [
        [row["name"], row["type"], *(f"{row[k]:,}" for k in ("weights", "outputs", "connections"))]
        for row in [*numbers["layers"], {"name": "total", "type": "", **numbers["total"]}]
    ]
    columns = dict.fromkeys(("weights", "outputs", "connections"), "right")
    table(f"{values['model']} at {size[0]}x{size[1]}", {"layer": "left", "type": "left", **columns}, rows)
