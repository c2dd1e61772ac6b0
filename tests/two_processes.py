"""Trains on two devices, as Ultralytics does on two GPUs, where both devices are this machine's CPU.

    python -c 'import two_processes; two_processes.main()' ARGUMENTS FOLDER

ARGUMENTS are those of `YOLO.train`, a mapping in JSON, with ``model``. Ultralytics starts the processes, hands them the
model and the callbacks, and wraps the model in each; gloo exchanges the gradients in place of NCCL. Each process writes
its weights after every epoch to FOLDER/rank0.pt and FOLDER/rank1.pt. With ``stop``, the run breaks off after this epoch
and is resumed.
"""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import distributed, nn
from ultralytics import YOLO
from ultralytics.engine import validator
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils import LOCAL_RANK, RANK
from ultralytics.utils.torch_utils import unwrap_model

from tintbox.colorization.trainer import ColorizeTrainer

DEVICES = 2
FOLDER, STOP = "TWO_PROCESSES_FOLDER", "TWO_PROCESSES_STOP"  # variables that the processes inherit


class OnCPU:
    """A trainer that takes the CPU for several devices."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.world_size, self.ddp = DEVICES, LOCAL_RANK == -1

    def _setup_ddp(self):
        self.device = torch.device("cpu")
        nn.parallel.DistributedDataParallel = Parallel
        backend = validator.AutoBackend
        validator.AutoBackend = lambda *args, **kwargs: backend(*args, **{**kwargs, "device": self.device})
        validator.get_torch_device_backend = lambda kind: SimpleNamespace(current_device=lambda: 0)
        distributed.init_process_group("gloo", timeout=timedelta(minutes=2), rank=RANK, world_size=DEVICES)


class Parallel(nn.parallel.DistributedDataParallel):
    """A model on several devices; a CPU has no number."""

    def __init__(self, module, device_ids=None, **kwargs):
        super().__init__(module, **kwargs)


class Detection(OnCPU, DetectionTrainer):
    """Trains detectors."""


class Colorization(OnCPU, ColorizeTrainer):
    """Trains colourisers."""


def write_weights(trainer):
    """Write the weights of this process; callback of the end of an epoch."""
    state = {name: value.clone() for name, value in unwrap_model(trainer.model).state_dict().items()}
    torch.save(state, Path(os.environ[FOLDER]) / f"rank{RANK}.pt")


def break_off(trainer):
    """Break the run off, once; callback of the moment after an epoch has been saved."""
    if trainer.epoch + 1 == int(os.environ.get(STOP, 0)):
        raise KeyboardInterrupt


def main():
    """Train."""
    arguments, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    model, stop = YOLO(arguments.pop("model")), arguments.pop("stop", None)
    trainer = Colorization if model.task == "colorize" else Detection
    os.environ[FOLDER] = str(folder)
    model.add_callback("on_train_epoch_end", write_weights)
    if stop:
        os.environ[STOP] = str(stop)
        model.add_callback("on_model_save", break_off)
    try:
        model.train(trainer=trainer, project=str(folder), name="run", workers=0, plots=False, **arguments)
    except subprocess.CalledProcessError:  # of the processes, broken off or failed
        if not os.environ.pop(STOP, None):
            raise
        model = YOLO(folder / "run" / "weights" / "last.pt")
        model.add_callback("on_train_epoch_end", write_weights)
        model.train(trainer=trainer, resume=True)
