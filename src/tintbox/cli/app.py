"""The `tintbox` command: what has no place in `yolo`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tintbox.cli import runs as run_commands
from tintbox.cli.words import arguments, paths_of, table
from tintbox.errors import TintboxError, one_line
from tintbox.plugins import autoload

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.settings import Settings

app = typer.Typer(
    help="tintbox makes Ultralytics YOLO learn from few labels. Training, validation and prediction are in `yolo`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def activate(context: typer.Context) -> None:
    """Have the plugin at work in this process; `doctor` wants to see whether it is so without that."""
    if context.invoked_subcommand != "doctor":
        autoload.install()


def main() -> None:
    """Run the command; a user's mistake is one line on standard error and exit status 1."""
    try:
        app(run_commands.with_ray_address(sys.argv[1:]))
    except TintboxError as error:
        print(f"tintbox: {one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from None


@app.command()
def version() -> None:
    """Print the version."""
    import tintbox

    print(tintbox.__version__)


@app.command()
def doctor() -> None:
    """Say whether the plugin is active here, through which file, and whether it fits this Ultralytics."""
    from tintbox.cli import doctor as diagnosis

    raise typer.Exit(diagnosis.main())


@app.command()
def options() -> None:
    """List the training arguments that tintbox adds to `yolo train`."""
    from tintbox.plugins.options import OPTIONS

    columns = {"argument": "left", "values": "left", "default": "left", "meaning": "left"}
    table("arguments of `yolo train`", columns, [[o.name, o.values, str(o.default), o.help] for o in OPTIONS])


@app.command()
def show(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="model=best.pt data=bccd.yaml [split=val] [n=2] [conf=0.25] [imgsz=640] [seed=0] [images=[a.jpg]] "
            "[out=show.png]",
            help="key=value arguments",
        ),
    ],
) -> None:
    """Draw pictures of a dataset: the labelled boxes on the left, a detector's on the right."""
    from tintbox.report.show import show as draw

    required = {"model": None, "data": None}
    options = {"split": "val", "n": 2, "conf": 0.25, "imgsz": 640, "seed": 0, "images": None, "out": "show.png"}
    values = arguments(words, {**required, **options})
    for key, example in (("model", "best.pt"), ("data", "bccd.yaml")):
        if values[key] is None:
            raise TintboxError(f"{key}= is missing, e.g. {key}={example}")
    print(draw(**values))


@app.command(name="coco-eval")
def coco_eval(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="(model=best.pt data=bccd.yaml [split=val] | predictions=p.json annotations=gt.json [images=DIR]) "
            "[resamples=1000] [seed=0] [level=0.95] [examples=0] [out=DIR] [imgsz=640] [conf=0.001] [...]",
            help="key=value arguments; with a model also those of `yolo val`: imgsz, batch, conf, iou, max_det, device",
            show_default=False,
        ),
    ] = None,
    save_json: Annotated[bool, typer.Option("--save-json", help="save truth and predictions as COCO JSON")] = False,
) -> None:
    """Evaluate a detector by COCO's metrics, with confidence intervals and the errors explained."""
    known = {"model": None, "data": None, "split": None, "predictions": None, "annotations": None, "images": None}
    values, settings = evaluation_arguments(words or [], {**known, "save_json": save_json}, examples=True)

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


@app.command()
def compare(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIRST SECOND [data=bccd.yaml] [split=val] [resamples=1000] [seed=0] [level=0.95] [out=DIR] "
            "[imgsz=640] [...]",
            help="two runs' folders, checkpoints, or folders that --save-json wrote; key=value arguments",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Say by how much the second model differs from the first on the same pictures, and whether it may be chance."""
    runs, rest = paths_of(words or [])
    if len(runs) != 2:
        raise TintboxError(f"give two runs to compare, e.g. runs/detect/a runs/detect/b; here are {len(runs)}")
    values, settings = evaluation_arguments(rest, {"data": None, "split": None})

    from tintbox.plugins.coco_eval import command

    print(command.compare(runs[0], runs[1], values, settings))


def evaluation_arguments(
    words: list[str], known: dict[str, Any], *, examples: bool = False
) -> tuple[dict[str, Any], Settings]:
    """Return the arguments of an evaluation, and its settings; with ``examples`` errors are explained and drawn."""
    from tintbox.plugins.coco_eval import settings, sources

    own = {key: settings.DEFAULTS[key] for key in ("resamples", "seed", "level", *["examples"] * examples)}
    values = arguments(words, {**known, **own, "out": None, **sources.VALIDATION})
    for key in own:
        if wrong := settings.check_one(key, values[key]):
            raise TintboxError(wrong)
    return values, settings.Settings(**{key: values[key] for key in own}, explain=examples)


for command in (run_commands.study, run_commands.report, run_commands.assignment):
    app.command()(command)


@app.command()
def import_legacy(
    source: Annotated[str, typer.Argument(help="a classic YOLOv3 or YOLOv5 .pt, or Darknet .weights")],
    target: Annotated[str, typer.Argument(help="the .pt to write")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[cfg=yolo.cfg] [names=coco.names]", help="of Darknet: the layers, the class names"),
    ] = None,
) -> None:
    """Make a checkpoint for today's Ultralytics, with tintbox, from a classic one."""
    values = arguments(words or [], {"cfg": None, "names": None})
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


@app.command()
def complexity(
    words: Annotated[list[str], typer.Argument(metavar="model=NAME.yaml [imgsz=32]", help="key=value arguments")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Count a colouriser's weights, outputs and connections per layer."""
    values = arguments(words, {"model": None, "imgsz": 32})
    if values["model"] is None:
        raise TintboxError("model= is missing, e.g. model=colorize-pool.yaml")
    size = values["imgsz"] if isinstance(values["imgsz"], list) else [values["imgsz"]] * 2
    if len(size) != 2 or not all(isinstance(s, int) and not isinstance(s, bool) and s > 0 for s in size):
        raise TintboxError(f"imgsz={values['imgsz']}: give a side in pixels, or [height, width]")
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
