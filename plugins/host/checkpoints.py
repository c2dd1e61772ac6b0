"""Patches for checkpoints: written atomically, with everything a run needs to resume from one."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path
from typing import Any

from tintbox.plugins.host.table import patch, replace

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def explain_full(error: OSError, last: Path) -> str:
    """Return what to say of a checkpoint that a full disk has no room for, and how to go on."""
    more = f"continue with: yolo train resume model={shlex.quote(str(last))}" if last.is_file() else "start again"
    return f"{error.filename or last}: cannot be written ({error.strerror}); make room, then {more}"


class WholePath(type(Path())):  # type: ignore[misc]
    """A path whose `write_bytes` replaces the file atomically; paths derived from it do the same."""

    def write_bytes(self, data: Any) -> int:
        """Write the file's content."""
        from tintbox import atomic

        atomic.write_bytes(str(self), data)
        return len(data)


class LatePath(type(Path())):  # type: ignore[misc]
    """A path whose content is kept until `write`."""

    content: Any = None

    def write_bytes(self, data: Any) -> int:
        """Keep the file's content."""
        self.content = data
        return len(data)

    def write(self) -> None:
        """Replace the file atomically, if there is a content."""
        if self.content is not None:
            WholePath(self).write_bytes(self.content)


@patch("ultralytics.utils.patches", "torch_save")
def whole_saves(patches: Any) -> None:
    """Save files atomically: Ultralytics replaces `torch.save` by this function and strips checkpoints with it.

    `torch.save` writes the file's name into the file, so the temporary file has the same name.
    """
    from tintbox import atomic

    @replace(patches, "torch_save")
    def save(obj: Any, f: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
        if not isinstance(f, (str, os.PathLike)) or not os.access(Path(f).parent, os.W_OK):
            return stock(obj, f, *args, **kwargs)  # a stream, or a writable file in a read-only folder
        with atomic.replacing(os.fspath(f), keep_name=True) as part:
            return stock(obj, part, *args, **kwargs)


@patch("ultralytics.engine.trainer", "BaseTrainer.save_model")
def checkpoints(trainer: Any) -> None:
    """Write checkpoints atomically, tintbox's arguments kept apart, with all that resuming needs in runs of ours.

    Stock writes last.pt, best.pt and epochN.pt in place, which truncates them if the run is killed or the disk is
    full. It also refuses to resume with unknown arguments in `train_args`, so the ones that were set are stored as a
    plain dict on the saved network, where `load_checkpoint` finds them.

    last.pt comes last: a run that goes on from it trains the epoch again that a best.pt lacks.
    """
    from tintbox import atomic
    from tintbox.errors import TintboxError
    from tintbox.plugins import callbacks, options
    from tintbox.plugins.precision import policy

    @replace(trainer.BaseTrainer, "save_model")
    def save(self: Any, *, stock: Any) -> Any:
        kept = {name: getattr(self, name) for name in ("args", "wdir", "last", "best")}
        network, exact = self.ema.ema, callbacks.resumes_exactly(self)
        arguments = policy.record(self)
        self.args = type(self.args)(**options.drop_own(arguments))
        if isinstance(seen := getattr(network, "args", None), type(self.args)):
            network.args = type(self.args)(**options.drop_own(vars(seen)))
        self.wdir, self.best = (WholePath(kept[name]) for name in ("wdir", "best"))
        self.last = last = LatePath(kept["last"])
        if ours := policy.own(arguments, self):
            network.tintbox_args = ours
        position = getattr(self, "tintbox_position", None) if exact else None
        hook = self.optimizer.register_state_dict_post_hook(position.add) if position else None
        atomic.clear_parts(kept["wdir"])
        try:
            saved = stock(self)
            last.write()
            return saved
        except OSError as error:
            if error.errno in FULL and exact:
                raise TintboxError(explain_full(error, kept["last"])) from error
            raise
        finally:
            if hook:
                hook.remove()
            if seen:
                network.args = seen
            for name, value in kept.items():
                setattr(self, name, value)


@patch("ultralytics.utils.torch_utils", "DEFAULT_CFG_DICT", "strip_optimizer")
def stripped_arguments(torch_utils: Any) -> None:
    """Keep tintbox's arguments out of stripped checkpoints: stock adds all defaults to their `train_args`."""
    from tintbox.plugins import options

    torch_utils.DEFAULT_CFG_DICT = options.drop_own(torch_utils.DEFAULT_CFG_DICT)


@patch("ultralytics.nn.tasks", "load_checkpoint")
def checkpoint_arguments(tasks: Any) -> None:
    """Restore tintbox's arguments among those of a loaded checkpoint, where resuming reads them."""

    @replace(tasks, "load_checkpoint")
    def load(*args: Any, stock: Any, **kwargs: Any) -> Any:
        model, checkpoint = stock(*args, **kwargs)
        model.args.update(getattr(model, "tintbox_args", {}))
        return model, checkpoint


@patch("ultralytics.nn.tasks", "load_checkpoint")
def torn_checkpoints(tasks: Any) -> None:
    """If the requested checkpoint is damaged, name another that the run can resume from."""
    from tintbox.errors import CheckpointError

    @replace(tasks, "load_checkpoint")
    def load(weight: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
        try:
            return stock(weight, *args, **kwargs)
        except CheckpointError as error:
            from tintbox.plugins.resume import files

            if message := files.explain_damage(weight):
                raise CheckpointError(message) from error
            raise


@patch("ultralytics.engine.trainer", "BaseTrainer.check_resume")
def resume_errors(trainer: Any) -> None:
    """Pass on what is wrong with a checkpoint: the stock check reports every problem as a missing file."""
    from tintbox.errors import TintboxError

    @replace(trainer.BaseTrainer, "check_resume")
    def check(self: Any, *args: Any, stock: Any, **kwargs: Any) -> None:
        try:
            stock(self, *args, **kwargs)
        except FileNotFoundError as error:
            if isinstance(error.__cause__, TintboxError):
                raise error.__cause__ from None
            raise


@patch("ultralytics.engine.trainer", "BaseTrainer.resume_training", "BaseTrainer.optimizer_step")
def exact_resume(trainer: Any) -> None:
    """Resume our runs exactly where they stopped: stock resumes from a rounded average and writes epochs twice.

    `resume_training` is called at the end of every run's setup; the checkpoint is None unless the run is resumed.
    """
    from tintbox.plugins import callbacks

    @replace(trainer.BaseTrainer, "resume_training")
    def resume(self: Any, ckpt: Any, *, stock: Any) -> None:
        if not callbacks.resumes_exactly(self):
            stock(self, ckpt)
            return
        from tintbox.plugins.resume import start

        start.check(self, ckpt)
        stock(self, ckpt)
        start.begin(self, ckpt)
