"""Which training arguments have an effect, given the others: varying one without effect makes no study.

The table of rules follows the source of Ultralytics 8.4.190 (`BaseTrainer.build_optimizer` and the warm-up of
`BaseTrainer._do_train`, `default.yaml`, `v8_transforms`) and tintbox's own options.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from tintbox.plugins import options
from tintbox.plugins.freeze import selectors
from tintbox.studies.grid import Run
from tintbox.studies.values import as_hashable, text

Arguments = Mapping[str, Any]  # all arguments of a run, including defaults


def _optimizer(*names: str) -> Callable[[Arguments], bool]:
    return lambda a: str(a["optimizer"]).lower() in names


def _no_warm_up(a: Arguments) -> bool:
    return not a["warmup_epochs"] or (a["epochs"] == 1 and not a["time"])


NAMED = "name an optimizer, e.g. optimizer=AdamW"
# Arguments, the condition under which they have no effect, and the reason, worded to follow "does not count:".
RULES: tuple[tuple[tuple[str, ...], Callable[[Arguments], bool], str], ...] = (
    (("lr0",), _optimizer("auto"), f"optimizer=auto picks the learning rate; {NAMED}"),
    (("momentum",), _optimizer("auto"), f"optimizer=auto picks the momentum; {NAMED}"),
    (("warmup_bias_lr",), _optimizer("auto"), f"optimizer=auto sets it to 0; {NAMED}"),
    # Only groups with a key "momentum" are warmed up; those of the Adam family have "betas".
    (
        ("warmup_momentum",), _optimizer("adam", "adamax", "adamw", "nadam", "radam"),
        "only SGD, MuSGD and RMSprop warm their momentum up",
    ),
    (
        ("warmup_momentum", "warmup_bias_lr"), _no_warm_up,
        "a run of one epoch, or with warmup_epochs=0, has no warm-up",
    ),
    (("copy_paste_mode",), lambda a: not a["copy_paste"], "copy_paste=0; give copy_paste="),
    (("dis",), lambda a: not a["distill_model"], "there is no teacher; give distill_model="),
    (
        ("freeze_bn",), lambda a: not selectors.freezes(a["freeze"] or 0) and a["freeze_bn"] in (None, "auto", False),
        "nothing is frozen, so auto and false are the same; give freeze=",
    ),
    (("polish",), lambda a: True, "a study's tables are of the epochs, before it; see `tintbox polish`"),
    (("freeze",), lambda a: not selectors.freezes(a["freeze"] or 0), "nothing is frozen by it"),
    (
        ("source", "vid_stride", "stream_buffer", "visualize", "augment", "retina_masks", "embed", "show",
         "save_frames", "save_txt", "save_conf", "save_crop", "show_labels", "show_conf", "show_boxes", "line_width",
         "tracker"),
        lambda a: True, "it is of `yolo predict` and `yolo track`",
    ),
    (
        ("format", "optimize", "dynamic", "simplify", "opset", "workspace", "dnn"),
        lambda a: True, "it is of `yolo export`",
    ),
)  # fmt: skip

# Argument -> the tasks in which it has an effect, empty for all: tintbox's own, and Ultralytics' from `default.yaml`.
TASKS = {
    **{option.name: option.tasks for option in options.OPTIONS},
    "overlap_mask": ("segment",), "mask_ratio": ("segment",),
    "dropout": ("classify",), "auto_augment": ("classify",), "erasing": ("classify",),
    "pose": ("pose",), "kobj": ("pose",), "rle": ("pose",),
    "angle": ("obb",), "dlog": ("depth",), "dgrad": ("depth",), "dlam": ("depth",),
}  # fmt: skip
# Ultralytics' arguments of boxes, labels and augmentations that `colorize` does not have.
NOT_COLORIZE = (
    "box", "cls", "dfl", "cls_pw", "classes", "single_cls", "rect", "conf", "iou", "max_det", "agnostic_nms", "nms",
    "hsv_h", "hsv_s", "hsv_v", "degrees", "translate", "scale", "shear", "perspective", "flipud", "bgr",
    "mosaic", "mixup", "cutmix", "copy_paste", "copy_paste_mode",
)  # fmt: skip


def explain_ignored(key: str, arguments: Arguments, task: str | None) -> str | None:
    """Return why an argument has no effect in a run, or None if it has; an unknown task (None) rules nothing out."""
    for keys, ignored, why in RULES:
        if key in keys and ignored(arguments):
            return why
    tasks = TASKS.get(key, ())
    if task is not None and ((tasks and task not in tasks) or (task == "colorize" and key in NOT_COLORIZE)):
        return f"task {task} does not use it" + (f", only {', '.join(tasks)}" if tasks else "")
    return None


def find_same(runs: Sequence[tuple[Run, Arguments, str | None]]) -> str | None:
    """Return a line that names two runs that would train the same because what differs has no effect, or None."""
    seen: dict[Hashable, Run] = {}
    for run, arguments, task in runs:
        idle = {key: why for key in run.settings if (why := explain_ignored(key, arguments, task))}
        counting = as_hashable({key: arguments[key] for key in run.settings if key not in idle})
        if other := seen.get(counting):
            key = next(key for key in run.settings if run.settings[key] != other.settings[key])
            values = f"{key}={text(other.settings[key])} and {key}={text(run.settings[key])}"
            return f"{values} train the same: {idle.get(key, 'they are the same value')}"
        seen[counting] = run
    return None
