"""Export of a colouriser's backbone and neck as a plain detector checkpoint, for an Ultralytics without tintbox."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

from tintbox import checkpoint_file
from tintbox.errors import TintboxError


def export_backbone(source: str | Path, target: str | Path) -> str:
    """Write a detector with the backbone and neck of a colouriser and a newly initialised head.

    The BatchNorm statistics stay those of grey images. In a detector with a frozen backbone, statistics recomputed
    here on plain images did worse (docs/transfer.md).

    Returns a line that says what was written.

    Raises:
        TintboxError: If the source is not such a checkpoint or the target cannot be written.
    """
    import ultralytics
    from ultralytics.nn import tasks

    from tintbox.plugins.transfer import handover

    source, target = Path(source), Path(target)
    what = "a colouriser's checkpoint, e.g. .../weights/best.pt"
    colouriser, _ = checkpoint_file.load_for_export(source, target, what)
    if not handover.is_colouriser(colouriser) or "base" not in colouriser.yaml:
        kind = handover.title(colouriser)
        raise TintboxError(f"{source} is no colouriser on a detector but {kind}; train one from yolo11n-colorize.yaml")
    base = deepcopy(colouriser.yaml["base"])
    task = tasks.guess_model_task(base)
    kinds = {"segment": tasks.SegmentationModel, "pose": tasks.PoseModel, "obb": tasks.OBBModel}
    detector = kinds.get(task, tasks.DetectionModel)(base, ch=colouriser.yaml["in_channels"], verbose=False)
    match = handover.check(colouriser, detector, str(source))
    state = colouriser.state_dict()
    detector.load_state_dict({name: state[name] for name in match.taken}, strict=False)
    detector.task = task
    checkpoint = {
        "model": detector.half(),
        "train_args": {"task": task, "model": base.get("yaml_file")},
        "version": ultralytics.__version__,
    }
    checkpoint_file.write(target, checkpoint)
    return f"{target}: {handover.title(detector)}, {handover.report(detector, match)}; the head is new"
