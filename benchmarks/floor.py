"""How close a training step is to the processor's limits: its operations and bytes at the peak measured rates.

    python benchmarks/floor.py --model yolo11n.pt [--imgsz 320] [--batch 16] [--rounds 7]

It measures the rates of large matrix products and of copying, on all cores, in float32 and bfloat16; then a training
step (forward, loss, backward) in both. Operations are those of convolutions and matrix products as counted by PyTorch,
two per multiply-add; bytes are the inputs and outputs of all operators, each read or written once, i.e. without fusion
of operators. A floor is the time of either at the measured rate.
"""

from __future__ import annotations

import time

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from ultralytics import YOLO
from ultralytics.utils import DEFAULT_CFG
from ultralytics.utils.torch_utils import autocast

import machine
import runs

VIEWS = ("view", "as_strided", "expand", "permute", "transpose", "slice", "select", "split", "t.", "detach", "alias")
SIDE, BYTES = 2048, 1 << 28
HEADER = ("", "billion operations/s", "GB/s", "operations, billion", "GB", "floor by operations", "by bytes", "step")


class ByteCounter(TorchDispatchMode):
    """Sums the bytes that operators read and write; views move none."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        """Run an operator and count the bytes of its tensors."""
        result = operator(*args, **(kwargs or {}))
        if not any(str(operator).startswith(f"aten.{name}") for name in VIEWS):
            for value in tree_leaves((args, kwargs, result)):
                if isinstance(value, torch.Tensor):
                    self.bytes += value.numel() * value.element_size()
        return result


def best(run, rounds: int) -> float:
    """Return the seconds of the fastest of some runs."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure_rates(dtype: torch.dtype, rounds: int) -> tuple[float, float]:
    """Return operations per second of a matrix product, and bytes per second (read plus written) of a copy."""
    a = torch.randn(SIDE, SIDE).to(dtype)
    source, target = torch.zeros(BYTES, dtype=torch.uint8), torch.zeros(BYTES, dtype=torch.uint8)
    return 2 * SIDE**3 / best(lambda: a @ a, rounds), 2 * BYTES / best(lambda: target.copy_(source), rounds)


class Step:
    """A training step of a detector on noise images with random boxes."""

    def __init__(self, file: str, imgsz: int, batch: int, fast: bool) -> None:
        self.model = YOLO(file).model.train()
        self.model.args = DEFAULT_CFG
        for parameter in self.model.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        generator = torch.Generator().manual_seed(0)
        boxes = 0.3 + 0.3 * torch.rand(8 * batch, 4, generator=generator)
        self.data = {
            "img": torch.rand(batch, 3, imgsz, imgsz, generator=generator),
            "batch_idx": torch.arange(batch).repeat_interleave(8).float(),
            "cls": torch.zeros(8 * batch, 1),
            "bboxes": boxes,
        }
        self.fast = fast
        if fast:
            self.model.to(memory_format=torch.channels_last)
            for module in self.model.modules():
                if isinstance(module, torch.nn.SiLU):
                    module.inplace = False

    def __call__(self) -> None:
        """Run forward pass, loss and backward pass."""
        with autocast(torch.bfloat16 if self.fast else False, device="cpu"):
            loss, _ = self.model(self.data)
        loss.sum().backward()
        self.model.zero_grad()


def main() -> None:
    """Measure and print."""
    parser = machine.make_parser(__doc__, imgsz=320, batch=16, rounds=7)
    parser.add_argument("--model", required=True)
    args = parser.parse_args()
    print(machine.describe())
    steps = {name: Step(args.model, args.imgsz, args.batch, fast) for name, fast in (("float32", 0), ("bfloat16", 1))}
    how = f"{args.imgsz} px, {args.batch} images, {torch.get_num_threads()} threads; fastest of {args.rounds}"
    print(f"\n{args.model}, {how}\n")
    rows = []
    for name, step in steps.items():
        operations, copied = measure_rates(getattr(torch, name), args.rounds)
        step()
        with FlopCounterMode(display=False) as counter:
            step()
        with ByteCounter() as traffic:
            step()
        count, seconds = counter.get_total_flops(), best(step, args.rounds)
        columns = [f"{operations / 1e9:.0f}", f"{copied / 1e9:.1f}", f"{count / 1e9:.1f}", f"{traffic.bytes / 1e9:.2f}"]
        columns += [f"{1e3 * t:.0f} ms" for t in (count / operations, traffic.bytes / copied, seconds)]
        rows.append([name, *columns])
    print(runs.tabulate(HEADER, rows))


if __name__ == "__main__":
    main()
