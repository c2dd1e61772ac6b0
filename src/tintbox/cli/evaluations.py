"""The commands of `tintbox` that inspect a detector's predictions: show, coco-eval, compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tintbox.cli import tables
from tintbox.cli.keys import Key, read, words_argument
from tintbox.cli.words import paths_of
from tintbox.errors import TintboxError

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.settings import Settings


def show(
    words: Annotated[list[str], words_argument("model=best.pt data=bccd.yaml [KEY=VALUE]...")],
) -> None:
    """Draw images of a dataset with the labelled boxes on the left and a detector's boxes on the right."""
    from tintbox.reports.show import show as draw

    print(draw(**read(words, tables.SHOW)))


def coco_eval(
    words: Annotated[
        list[str] | None,
        words_argument("(model=best.pt data=bccd.yaml | predictions=p.json annotations=gt.json) [KEY=VALUE]..."),
    ] = None,
    save_json: Annotated[bool, typer.Option("--save-json", help="save labels and predictions as COCO JSON")] = False,
) -> None:
    """Evaluate a detector with COCO metrics, confidence intervals and a breakdown of its errors."""
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


def compare(
    words: Annotated[
        list[str] | None,
        words_argument(
            "FIRST SECOND [KEY=VALUE]...",
            "run folders, checkpoints, folders from --save-json, cells of a study with folds; key=value arguments",
        ),
    ] = None,
) -> None:
    """Compare two models on the same images: by how much the second differs, and whether that may be chance."""
    runs, rest = paths_of(words)
    if len(runs) != 2:
        raise TintboxError(f"give two runs to compare, e.g. runs/detect/a runs/detect/b; here are {len(runs)}")
    values, settings = evaluation_arguments(rest, tables.COMPARE)

    from tintbox.plugins.coco_eval import command

    print(command.compare(runs[0], runs[1], values, settings))


def evaluation_arguments(
    words: list[str] | None, keys: Sequence[Key], *, explain: bool = False
) -> tuple[dict[str, Any], Settings]:
    """Return the arguments and settings of an evaluation; ``explain`` adds the breakdown of errors."""
    from tintbox.plugins.coco_eval import settings

    values = read(words, keys)
    own = {key: value for key, value in values.items() if key in settings.DEFAULTS}
    if wrong := settings.check(own):
        raise TintboxError(wrong)
    return values, settings.Settings(**own, explain=explain)
