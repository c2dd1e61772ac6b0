"""Patches of checkpoints: whole or not at all, and all that a run needs to go on from one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tintbox.plugins.autoload import import_optional
from tintbox.plugins.host.table import patch, replace


class WholePath(type(Path())):  # type: ignore[misc]
    """A path whose `write_bytes` replaces the file whole or not at all; so do the paths made from it."""

    def write_bytes(self, data: Any) -> int:
        """Write the file's content."""
        from tintbox import atomic

        atomic.write_bytes(str(self), data)
        return len(data)


@patch("ultralytics.utils.patches", "torch_save")
def whole_saves(patches: Any) -> None:
    """Replace saved files whole: Ultralytics puts this function in `torch.save`'s place, and strips checkpoints by it.

    `torch.save` puts the file's name into its content, so the part has the same name.
    """
    from tintbox import atomic

    torch_save = patches.torch_save

    @replace(patches, "torch_save")
    def save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(f, (str, os.PathLike)) or not os.access(Path(f).parent, os.W_OK):
            return torch_save(obj, f, *args, **kwargs)  # a stream; or a file that is writable in a folder that is not
        with atomic.replacing(os.fspath(f), keep_name=True) as part:
            return torch_save(obj, part, *args, **kwargs)


@patch("ultralytics.engine.trainer", "BaseTrainer.save_model")
def checkpoints(trainer: Any) -> None:
    """Write checkpoints whole, with tintbox's arguments apart and, in runs of ours, all that resuming needs.

    Stock writes last.pt, best.pt and epochN.pt in place, which tears them when a run is killed or the disk is full.
    It refuses to resume with arguments that it does not know among `train_args`: those that were set go along as a
    plain dict on the saved network, where `load_checkpoint` finds them again.
    """
    from tintbox import atomic
    from tintbox.plugins import callbacks, options
    from tintbox.plugins.precision import policy

    save_model = trainer.BaseTrainer.save_model

    @replace(trainer.BaseTrainer, "save_model")
    def save(self: Any) -> Any:
        kept = {name: getattr(self, name) for name in ("args", "wdir", "last", "best")}
        network = self.ema.ema
        arguments = policy.record(self)
        self.args = type(self.args)(**options.drop_own(arguments))
        self.wdir, self.last, self.best = (WholePath(kept[name]) for name in ("wdir", "last", "best"))
        if ours := options.pick_own(arguments):
            network.tintbox_args = ours
        position = getattr(self, "tintbox_position", None) if callbacks.wants_resume(kept["args"]) else None
        hook = self.optimizer.register_state_dict_post_hook(position.add) if position else None
        atomic.clear_parts(kept["wdir"])
        try:
            return save_model(self)
        finally:
            if hook:
                hook.remove()
            for name, value in kept.items():
                setattr(self, name, value)


@patch("ultralytics.nn.tasks", "load_checkpoint")
def checkpoint_arguments(tasks: Any) -> None:
    """Put tintbox's arguments back among those of a loaded checkpoint: resuming reads them from there."""
    load_checkpoint = tasks.load_checkpoint

    @replace(tasks, "load_checkpoint")
    def load(*args: Any, **kwargs: Any) -> Any:
        model, checkpoint = load_checkpoint(*args, **kwargs)
        model.args.update(getattr(model, "tintbox_args", {}))
        return model, checkpoint


@patch("ultralytics.nn.tasks", "load_checkpoint")
def torn_checkpoints(tasks: Any) -> None:
    """Name the checkpoint that a run can go on from where the one asked for is damaged."""
    from tintbox.errors import CheckpointError

    load_checkpoint = tasks.load_checkpoint

    @replace(tasks, "load_checkpoint")
    def load(weight: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return load_checkpoint(weight, *args, **kwargs)
        except CheckpointError as error:
            from tintbox.plugins.resume import files

            if told := files.explain_damage(weight):
                raise CheckpointError(told) from error
            raise


@patch("ultralytics.engine.trainer", "BaseTrainer.check_resume")
def resume_errors(trainer: Any) -> None:
    """Let what is wrong with a checkpoint through: the stock check says of any that it is not found."""
    from tintbox.errors import TintboxError

    check_resume = trainer.BaseTrainer.check_resume

    @replace(trainer.BaseTrainer, "check_resume")
    def check(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            check_resume(self, *args, **kwargs)
        except FileNotFoundError as error:
            if isinstance(error.__cause__, TintboxError):
                raise error.__cause__ from None
            raise


@patch("ultralytics.engine.trainer", "BaseTrainer.resume_training", "BaseTrainer.optimizer_step")
def exact_resume(trainer: Any) -> None:
    """Go on exactly where a run of ours stopped: stock goes on from a rounded average, and writes epochs twice.

    It is called at the end of every run's setup, with a checkpoint only if that is resumed.
    """
    from tintbox.plugins import callbacks

    resume_training = trainer.BaseTrainer.resume_training

    @replace(trainer.BaseTrainer, "resume_training")
    def resume(self: Any, ckpt: Any) -> None:
        if not callbacks.wants_resume(self.args):
            resume_training(self, ckpt)
            return
        from tintbox.plugins.resume import begin

        begin.check(self, ckpt)
        resume_training(self, ckpt)
        begin.begin(self, ckpt)


@patch("ultralytics.engine.model", "Model.train")
def nothing_to_resume(engine: Any) -> None:
    """Refuse to resume a finished run of ours: the stock method begins another one, on Ultralytics' sample pictures."""
    train = engine.Model.train

    @replace(engine.Model, "train")
    def train_or_tell(self: Any, trainer: Any = None, **kwargs: Any) -> Any:
        resuming = kwargs.get("resume", self.overrides.get("resume")) is True
        if resuming and (begin := import_optional("tintbox.plugins.resume.begin")):
            begin.check_finished(self)
        return train(self, trainer, **kwargs)
