"""The `tintbox polish` command: write the best variant of a trained detector."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tintbox import checkpoint_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError, counted
from tintbox.plugins.coco_eval import sources
from tintbox.plugins.detector import check_task
from tintbox.plugins.polish import variants
from tintbox.plugins.polish.variants import MARK, Found

OUT = "polished.pt"  # next to the checkpoint
KEPT = ("train_args", "version", "license", "docs")  # of the checkpoint's content


class Polished(NamedTuple):
    """The result.

    Attributes:
        source: The checkpoint.
        found: Its variants.
        out: The file that was written; None if the model as trained is the best.
        command: The command that evaluates it on the test split, or on another dataset if there is none.
    """

    source: Path
    found: Found
    out: Path | None
    command: str


def polish(
    model: str | Path,
    data: str | Path | None = None,
    start: str | Path | None = None,
    imgsz: int | None = None,
    device: Any = None,
    out: str | Path | None = None,
) -> Polished:
    """Write the best variant of a trained detector; `tintbox polish -h` explains the arguments.

    Raises:
        TintboxError: There is no such model, start or dataset, they don't fit, or the file cannot be written.
    """
    sources.check_active()
    sources.check_there(str(model))
    source = sources.checkpoint(str(model))
    target = Path(str(out)) if out else source.with_name(OUT)
    if out and is_there(target, Path.is_file):
        raise TintboxError(f"out={out}: there is such a file; give another name")
    network, content = checkpoint_file.load_for_export(source, target, "a trained detector's checkpoint or run folder")
    check_task(source, network.task)
    if MARK in content:
        raise TintboxError(f"{source}: is polished already; there is nothing more to gain")
    arguments = network.args  # with tintbox's own, unlike the content's
    data, described = sources.find_data(data, arguments.get("data"), source)
    with sources.explain_refusals(source, "polished"):
        found = variants.search(source, network, arguments, content, data, start, imgsz, device)
    if found.is_better:
        write(target, found, content)
    other = [f"data={data}", "split=test"] if described.get("test") else ["data=OTHER.yaml"]
    compared = ["tintbox", "compare", str(source), str(target)]  # of boxes and masks
    words = compared if network.task in sources.IOU_TYPES else ["yolo", "val", f"model={target}"]
    return Polished(source, found, target if found.is_better else None, shlex.join([*words, *other]))


def write(target: Path, found: Found, content: Mapping[str, Any]) -> None:
    """Write the best variant as a checkpoint, in half precision like all of Ultralytics', without training state."""
    kept = {name: content[name] for name in KEPT if name in content}
    checkpoint_file.write(target, {"epoch": -1, "model": found.network.half(), **kept, MARK: found.mark})


def rows(found: Found) -> list[list[str]]:
    """Return the rows of the table: share, BatchNorm, mAP50-95 in percent and the gain in points."""
    trained = found.candidates[0].ap
    return [
        [
            f"{one.share:.0%}" + " (best)" * (one is found.best),
            one.norms,
            f"{100 * one.ap:.1f}",
            f"{round(100 * (one.ap - trained), 1) + 0.0:+.1f}",
        ]
        for one in found.candidates
    ]


def explain(polished: Polished) -> str:
    """Return what came out, as lines."""
    if not polished.out:
        return f"{polished.source} is the best as it is; nothing was written"
    chosen = counted(polished.found.images, "validation image")
    seen = f"mAP50-95 {polished.found.gain:+.1f} on the {chosen} that chose it"
    chance = f"\nthat is fewer than {variants.LEAST}: chance may have chosen"
    few = chance if polished.found.images < variants.LEAST else ""
    return f"{polished.out}: {seen}{few}\nevaluate it on images that did not choose it:\n{polished.command}"


def as_json(polished: Polished) -> str:
    """Return everything as JSON."""
    found = polished.found
    content = {
        "source": str(polished.source),
        "out": polished.out and str(polished.out),
        "images": found.images,
        "candidates": [one._asdict() for one in found.candidates],
        "best": found.best._asdict(),
        "command": polished.command,
    }
    return json.dumps(content, indent=2)
