"""The training state that Ultralytics' checkpoints lack, so that a resumed run equals an uninterrupted one.

Ultralytics resumes from the moving average in half precision instead of the weights, stores the optimizer state in half
precision, and does not save the random generators, the gradients accumulated for the next step, or the images buffered
for mosaics. All of that is saved in the optimizer's state: stock Ultralytics reads the parts that it knows, and drops
the whole state from a finished checkpoint. It consists of plain data and tensors, which restricted loading accepts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from ultralytics.utils.torch_utils import unwrap_model

from tintbox.plugins.resume.steps import Steps

KEY = "tintbox"  # in the optimizer's state
VERSION = 1


class Position:
    """The position of a training run, kept as ``trainer.tintbox_position``."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.steps = Steps(trainer)
        self.saved: Mapping[str, Any] = {}  # the state to restore at the first epoch
        trainer.add_callback("on_train_epoch_start", self.on_train_epoch_start)

    def add(self, optimizer: Any, state: dict[str, Any]) -> dict[str, Any]:
        """Return the optimizer's ``state`` plus the rest of the training state; a hook of its ``state_dict``."""
        return {**state, KEY: self.capture(state)}

    def capture(self, optimizer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the training state, with the optimizer's own, at the end of an epoch; tensors are not copied."""
        trainer, network = self.trainer, unwrap_model(self.trainer.model)
        live, average = network.state_dict(), trainer.ema.ema.state_dict()
        # A distilled model's teacher is left out; Ultralytics saves values that are not tensors, such as quantizers'.
        names = [name for name, value in average.items() if name in live and isinstance(value, torch.Tensor)]
        waiting = self.steps.batch > self.steps.last
        return {
            "version": VERSION,
            "weights": {name: live[name] for name in names},
            # Frozen tensors are equal in both and are saved once.
            "average": {name: average[name] for name in names if not torch.equal(average[name], live[name])},
            # Separate dictionaries, because Ultralytics converts the values of the originals to half in place.
            "optimizer": {index: dict(values) for index, values in optimizer["state"].items()},
            "batches": len(trainer.train_loader),
            "images": len(trainer.train_loader.dataset),
            "last_step": self.steps.last,
            "gradients": {n: p.grad for n, p in network.named_parameters() if waiting and p.grad is not None},
            "random": random_state(trainer.device),
            "loader": loader_state(trainer.train_loader),
        }

    @torch.no_grad()
    def restore(self, saved: Mapping[str, Any]) -> None:
        """Restore weights, average and optimizer now, and the rest when the first epoch begins.

        Raises:
            KeyError, ValueError: It is the state of another network; then nothing is restored.
        """
        trainer, network, average = self.trainer, unwrap_model(self.trainer.model), self.trainer.ema.ema
        weights, averages = saved["weights"], {**saved["weights"], **saved["average"]}
        later = {name: saved[name] for name in ("last_step", "gradients", "random", "loader")}
        optimizer = {"state": saved["optimizer"], "param_groups": trainer.optimizer.state_dict()["param_groups"]}
        check_fits(weights, network)
        check_fits(averages, average)
        network.load_state_dict(weights, strict=False)
        average.load_state_dict(averages, strict=False)
        trainer.optimizer.load_state_dict(optimizer)
        now = {"batches": len(trainer.train_loader), "images": len(trainer.train_loader.dataset)}
        if all(saved.get(name, count) == count for name, count in now.items()):  # else the batches differ
            self.steps.resume(later["last_step"])
            self.saved = later

    def on_train_epoch_start(self, trainer: Any) -> None:
        """Restore gradients and random generators, after everything else that consumes them before an epoch."""
        if not (saved := self.saved):
            return
        self.saved = {}
        for name, parameter in unwrap_model(trainer.model).named_parameters():
            if name in saved["gradients"]:
                parameter.grad = saved["gradients"][name].to(parameter)
        if trainer.world_size > 1:
            return  # the saved generators are those of one process
        set_random_state(saved["random"])
        if saved["loader"] is not None and loader_state(trainer.train_loader) is not None:
            _fill(trainer.train_loader.dataset, saved["loader"]["buffer"])
            if trainer.epoch == trainer.epochs - trainer.args.close_mosaic:  # every run restarts its loader here
                trainer.train_loader.generator.set_state(saved["loader"]["generator"].cpu())
            else:
                _go_on(trainer.train_loader, saved)


def check_fits(tensors: Mapping[str, torch.Tensor], network: torch.nn.Module) -> None:
    """Check saved tensors before any is copied, because `load_state_dict` copies those that fit before it raises.

    Raises:
        ValueError: A tensor is not in the network, or has another shape there.
    """
    own = network.state_dict()
    for name, tensor in tensors.items():
        if name not in own or own[name].shape != tensor.shape:
            there = f"of shape {list(own[name].shape)}" if name in own else "not in the model"
            raise ValueError(f"{name} of shape {list(tensor.shape)} is {there}")


def random_state(device: torch.device) -> dict[str, Any]:
    """Return the state of this process's random generators, as plain data and tensors."""
    name, words, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": [name, torch.from_numpy(np.asarray(words).astype(np.int64)), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    """Restore a state returned by `random_state`."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, numbers, *rest = state["numpy"]
    np.random.set_state((name, numbers.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())


def loader_state(loader: Any) -> dict[str, Any] | None:
    """Return the state of an infinite loader that loads in this process, or None.

    Worker processes load ahead with their own generators and image buffers, so their state is not accessible. A
    colouriser's loader has no such state.
    """
    generator = getattr(loader, "generator", None)
    if generator is None or loader.num_workers or not hasattr(loader, "iterator"):
        return None
    return {"generator": generator.get_state(), "buffer": list(getattr(loader.dataset, "buffer", ()))}


def _go_on(loader: Any, saved: Mapping[str, Any]) -> None:
    """Advance the loader's next iterator to the end of an epoch and restore the saved state there.

    The iterator is created when the epoch requests its first batch; until then the loader may still be reset.
    """
    make = loader._get_iterator

    def make_once() -> Any:
        del loader._get_iterator
        iterator = make()
        for _ in range(len(loader)):
            next(iterator._sampler_iter)  # image indices only; a sampler also consumes the generator at its end
        loader.generator.set_state(saved["loader"]["generator"].cpu())
        set_random_state(saved["random"])
        return iterator

    loader._get_iterator = make_once


def _fill(dataset: Any, buffer: list[int]) -> None:
    """Load the images that the dataset had buffered for mosaics, in the same order."""
    if buffer and hasattr(dataset, "load_image"):
        for index in buffer:
            dataset.load_image(index)
        dataset.buffer = list(buffer)
