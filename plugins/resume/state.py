"""What Ultralytics' checkpoints lack of a training's state, so that a resumed run equals an uninterrupted one.

They hold the moving average in half precision and go on from it in place of the weights, halve the momentum, and know
nothing of the random generators, of the gradients that are waiting for a step, and of the pictures from which mosaics
are made. All of that goes along in the optimizer's state: stock Ultralytics reads what it knows of that, and drops the
whole of it from a finished checkpoint. It is plain data and tensors, which restricted loading takes.
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
    """Where a training is, as ``trainer.tintbox_position``."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.steps = Steps(trainer)
        self.saved: Mapping[str, Any] = {}  # what the first epoch is to begin with
        trainer.add_callback("on_train_epoch_start", self.on_train_epoch_start)

    def add(self, optimizer: Any, state: dict[str, Any]) -> dict[str, Any]:
        """Return the optimizer's ``state`` with the rest of the training's: a hook of its ``state_dict``."""
        return {**state, KEY: self.capture(state)}

    def capture(self, optimizer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the training's state at the end of an epoch; tensors are not copied.

        Args:
            optimizer: The optimizer's own.
        """
        trainer, network = self.trainer, unwrap_model(self.trainer.model)
        live, average = network.state_dict(), trainer.ema.ema.state_dict()
        # A distilled model's teacher is in neither; what is no tensor, such as a quantizer's state, Ultralytics keeps.
        names = [name for name, value in average.items() if name in live and isinstance(value, torch.Tensor)]
        waiting = self.steps.batch > self.steps.last
        return {
            "version": VERSION,
            "weights": {name: live[name] for name in names},
            # What is frozen is the same in both, and is saved once.
            "average": {name: average[name] for name in names if not torch.equal(average[name], live[name])},
            # Dictionaries of their own: Ultralytics halves the values of the others in place.
            "optimizer": {index: dict(values) for index, values in optimizer["state"].items()},
            "batches": len(trainer.train_loader),
            "last_step": self.steps.last,
            "gradients": {n: p.grad for n, p in network.named_parameters() if waiting and p.grad is not None},
            "random": random_state(trainer.device),
            "loader": loader_state(trainer.train_loader),
        }

    @torch.no_grad()
    def restore(self, saved: Mapping[str, Any]) -> None:
        """Set weights, average and optimizer, and see to the rest when the first epoch begins.

        Raises:
            KeyError, ValueError: If it is the state of another network; then nothing is set.
        """
        trainer, network, average = self.trainer, unwrap_model(self.trainer.model), self.trainer.ema.ema
        weights, averages = saved["weights"], {**saved["weights"], **saved["average"]}
        optimizer = {"state": saved["optimizer"], "param_groups": trainer.optimizer.state_dict()["param_groups"]}
        check_fits(weights, network)
        check_fits(averages, average)
        network.load_state_dict(weights, strict=False)
        average.load_state_dict(averages, strict=False)
        trainer.optimizer.load_state_dict(optimizer)
        if saved["batches"] == len(trainer.train_loader):  # else another batch size: the batches are others anyway
            self.steps.resume(saved["last_step"])
            self.saved = saved

    def on_train_epoch_start(self, trainer: Any) -> None:
        """Set gradients and random generators, after the last of what uses them up before an epoch."""
        if not (saved := self.saved):
            return
        self.saved = {}
        for name, parameter in unwrap_model(trainer.model).named_parameters():
            if name in saved["gradients"]:
                parameter.grad = saved["gradients"][name].to(parameter)
        if trainer.world_size > 1:
            return  # the generators are those of one process
        set_random_state(saved["random"])
        if saved["loader"] is not None and loader_state(trainer.train_loader) is not None:
            _fill(trainer.train_loader.dataset, saved["loader"]["buffer"])
            if trainer.epoch == trainer.epochs - trainer.args.close_mosaic:  # every run's loader begins afresh here
                trainer.train_loader.generator.set_state(saved["loader"]["generator"].cpu())
            else:
                _go_on(trainer.train_loader, saved)


def check_fits(tensors: Mapping[str, torch.Tensor], network: torch.nn.Module) -> None:
    """Check saved tensors before any is copied: `load_state_dict` copies those that fit, and then raises.

    Raises:
        ValueError: One of them is not in the network, or has another shape there.
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
    """Set what `random_state` has returned."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, numbers, *rest = state["numpy"]
    np.random.set_state((name, numbers.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())


def loader_state(loader: Any) -> dict[str, Any] | None:
    """Return the state of an endless loader that works in this process, or None.

    Other processes load ahead and have generators and pictures of their own, so their state is out of reach; and the
    loader of a colouriser has none.
    """
    generator = getattr(loader, "generator", None)
    if generator is None or loader.num_workers or not hasattr(loader, "iterator"):
        return None
    return {"generator": generator.get_state(), "buffer": list(getattr(loader.dataset, "buffer", ()))}


def _go_on(loader: Any, saved: Mapping[str, Any]) -> None:
    """Let the loader's next iterator be at the end of an epoch, with the saved state: the next one begins there.

    It is made when the epoch asks for its first batch; until then the loader may have been told to begin afresh.
    """
    make = loader._get_iterator

    def make_once() -> Any:
        del loader._get_iterator
        iterator = make()
        for _ in range(len(loader)):
            next(iterator._sampler_iter)  # numbers of pictures only; at its end a sampler uses up the generator as well
        loader.generator.set_state(saved["loader"]["generator"].cpu())
        set_random_state(saved["random"])
        return iterator

    loader._get_iterator = make_once


def _fill(dataset: Any, buffer: list[int]) -> None:
    """Read the pictures that the dataset held in memory, to make mosaics of them, in their order."""
    if buffer and hasattr(dataset, "load_image"):
        for index in buffer:
            dataset.load_image(index)
        dataset.buffer = list(buffer)
