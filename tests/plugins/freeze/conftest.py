"""A tiny dataset with boxes, and short runs on it that record what they did."""

import numpy as np
import pytest
from torch import nn
from ultralytics import YOLO
from ultralytics.utils.torch_utils import unwrap_model

from ...tiny_models import YOLO11N

WITH_PARAMETERS = {*range(11), 13, 16, 17, 19, 20, 22, 23}  # layers of yolo11n


def prefixes(names):
    """The layer indices of parameters, without a constant that is stored as a weight."""
    return {int(name.split(".")[1]) for name in names if ".dfl" not in name}


@pytest.fixture(scope="session")
def boxes(write_dataset):
    """A dataset YAML of 8 training and 4 validation images of 32x32 with one outlined rectangle each."""
    rng = np.random.default_rng(0)

    def draw(i):
        picture = rng.integers(0, 60, (32, 32, 3), np.uint8)
        picture[4:20, 5:25] = 220
        return picture, [f"{i % 2} .16 .125 .78 .125 .78 .625 .16 .625"]  # an outline

    return write_dataset("rectangles", "ab", {split: [*map(draw, range(n))] for split, n in (("train", 8), ("val", 4))})


class Recorder:
    """Records a run through its own callbacks: weights at the start and after each epoch, and every step's rates."""

    def __init__(self):
        self.weights, self.steps, self.frozen, self.still, self.stock_rates = [], [], [], [], []

    def start(self, trainer):
        self.names = {p: name for name, p in unwrap_model(trainer.model).named_parameters()}
        self.weights.append(self.state(trainer))
        trainer.optimizer.register_step_pre_hook(self.step)

    def step(self, optimizer, *_):
        self.steps.append({self.names[p]: g["lr"] for g in optimizer.param_groups for p in g["params"]})

    def batch_end(self, trainer):
        model = unwrap_model(trainer.model)
        self.stock_rates.append({self.names[p]: g["lr"] for g in trainer.optimizer.param_groups for p in g["params"]})
        self.frozen.append({n for n, p in model.named_parameters() if not p.requires_grad})
        self.still.append({n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d) and not m.training})

    def epoch_end(self, trainer):
        self.weights.append(self.state(trainer))

    @staticmethod
    def state(trainer):
        return {k: v.clone() for k, v in unwrap_model(trainer.model).state_dict().items()}

    def rate_factors(self, name):
        """The factor of a parameter's learning rate in each step, relative to the stock rate."""
        return [used[name] / stock[name] if stock[name] else None for used, stock in zip(self.steps, self.stock_rates)]


@pytest.fixture(scope="session")
def train(boxes, tmp_path_factory):
    """Train a tiny model; returns the trainer and a record of the run."""

    def run(model=YOLO11N, callbacks=(), **kwargs):
        yolo, record = YOLO(model), Recorder()
        for event, function in (
            ("on_pretrain_routine_end", record.start),
            ("on_train_batch_end", record.batch_end),
            ("on_train_epoch_end", record.epoch_end),
            *callbacks,
        ):
            yolo.add_callback(event, function)
        settings = {
            "data": str(boxes), "epochs": 1, "batch": 4, "nbs": 4, "imgsz": 32, "workers": 0, "plots": False, "seed": 1,
            "device": "cpu", "optimizer": "SGD", "project": str(tmp_path_factory.mktemp("runs")), "name": "run",
        }  # fmt: skip
        yolo.train(**({} if kwargs.get("resume") else settings) | kwargs)
        return yolo.trainer, record

    return run
