"""The commands of `tintbox` about models: recipe, polish, import-legacy, export-backbone, export-stock, complexity."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Annotated

import typer

from tintbox.cli import tables
from tintbox.cli.keys import path, read, words_argument
from tintbox.cli.words import table


def recipe(
    words: Annotated[list[str] | None, words_argument("model=yolo11n.pt data=my.yaml [KEY=VALUE]...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Inspect a dataset, time a few steps, and write training settings with reasons for `yolo train ... cfg=`."""
    values = read(words, tables.RECIPE)
    from tintbox.recipes import command

    # What a probe prints about its runs is not part of the JSON.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        written = command.recipe(**values)
    if as_json:
        print(command.as_json(written))
        return
    for title, columns, rows in command.tables(written.held, written.recipe):
        table(title, columns, rows)
    print("what would help more than any setting:", *(f"- {line}" for line in written.recipe.advice), sep="\n")
    if lines := [*written.remarks, *(written.probe.comments() if written.probe else ())]:
        print("", *lines, sep="\n")
    print(f"\n{written.command}")


def polish(
    source: Annotated[str, typer.Argument(metavar="RUN", help="a run's folder, or a detector's checkpoint")],
    words: Annotated[list[str] | None, words_argument("[KEY=VALUE]...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Improve a trained detector without training: average its weights with the initial ones, renew BatchNorms."""
    values = read(words, tables.POLISH)
    from tintbox.plugins.polish import command

    # What the validations print is not part of the JSON.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        polished = command.polish(path("model", source), **values)
    if as_json:
        print(command.as_json(polished))
        return
    columns = {"fine-tuned": "left", "BatchNorm": "left", "mAP50-95": "right", "gain": "right"}
    table(f"{polished.source}: variants", columns, command.rows(polished.found))
    print(command.explain(polished))


def import_legacy(
    source: Annotated[str, typer.Argument(help="a classic YOLOv3 or YOLOv5 .pt, or Darknet .weights")],
    target: Annotated[str, typer.Argument(help="the .pt to write")],
    words: Annotated[list[str] | None, words_argument("[KEY=VALUE]...")] = None,
) -> None:
    """Convert a classic checkpoint for current Ultralytics with tintbox."""
    values = read(words, tables.IMPORT)
    from tintbox.plugins.anchor.importing import import_legacy as convert

    print(convert(path("model", source), path("out", target), **values))


def export_backbone(
    source: Annotated[str, typer.Argument(metavar="BEST.PT", help="a colouriser's checkpoint")],
    target: Annotated[str, typer.Argument(metavar="OUT.PT", help="the detector checkpoint to write")],
) -> None:
    """Write a colouriser's backbone and neck as a detector that any Ultralytics can load with `pretrained=`."""
    from tintbox.plugins.transfer.export import export_backbone as export

    print(export(path("model", source), path("out", target)))


def export_stock(
    source: Annotated[str, typer.Argument(metavar="BEST.PT", help="the checkpoint of a run with extend=")],
    target: Annotated[str, typer.Argument(metavar="OUT.PT", help="the detector checkpoint to write")],
) -> None:
    """Convert a model trained with extend= into a detector for Ultralytics without tintbox."""
    from tintbox.plugins.extend.stock import export_stock as export

    print(export(path("model", source), path("out", target)))


def complexity(
    words: Annotated[list[str], words_argument("model=NAME.yaml [KEY=VALUE]...")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Count a colouriser's weights, outputs and connections per layer."""
    values = read(words, tables.COMPLEXITY)
    sides = values["imgsz"] if isinstance(values["imgsz"], list) else [values["imgsz"]]
    height, width = sides[0], sides[-1]
    from tintbox.colorization.complexity import complexity as count
    from tintbox.colorization.complexity import load_network

    network, channels = load_network(str(values["model"]))
    numbers = count(network, (height, width), channels)
    if as_json:
        print(json.dumps(numbers, indent=2))
        return
    rows = [
        [row["name"], row["type"], *(f"{row[k]:,}" for k in ("weights", "outputs", "connections"))]
        for row in [*numbers["layers"], {"name": "total", "type": "", **numbers["total"]}]
    ]
    columns = dict.fromkeys(("weights", "outputs", "connections"), "right")
    table(f"{values['model']} at {height}x{width}", {"layer": "left", "type": "left", **columns}, rows)
