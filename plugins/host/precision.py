"""Patches for mixed precision: `amp=auto` and `amp=bf16` on a CPU, where stock Ultralytics only has float32."""

from __future__ import annotations

from typing import Any

from tintbox.plugins.host.table import patch, replace


@patch("ultralytics.cfg", "check_cfg")
def amp_auto(cfg: Any) -> None:
    """Accept `amp=auto`: the stock check only knows its own values, and has no table to extend."""

    @replace(cfg, "check_cfg")
    def check_cfg(arguments: dict[str, Any], *args: Any, stock: Any, **kwargs: Any) -> None:
        amp = arguments.get("amp")
        if not (isinstance(amp, str) and amp.lower() == "auto"):
            stock(arguments, *args, **kwargs)
            return
        arguments["amp"] = True
        try:
            stock(arguments, *args, **kwargs)
        finally:
            arguments["amp"] = "auto"


@patch("ultralytics.utils.torch_utils", "autocast")
def processor_autocast(torch_utils: Any) -> None:
    """Autocast to bfloat16 on a CPU: the stock function raises an error there, although PyTorch supports it."""
    from tintbox.plugins.precision import arithmetic

    @replace(torch_utils, "autocast")
    def on_any_device(enabled: Any, device: str = "cuda", *, stock: Any) -> Any:
        if device == "cpu" and arithmetic.wants_bfloat16(enabled):
            return arithmetic.mix()
        return stock(enabled, device)


@patch(
    "ultralytics.engine.trainer",
    *(f"BaseTrainer.{m}" for m in ("_do_train", "_setup_train", "validate")),
    "unwrap_model",
)
def fast_training(engine: Any) -> None:
    """Apply `amp` on every rank before the trainer reads it: no callback runs between the arguments and the model."""
    from tintbox.plugins.precision import arithmetic, policy

    @replace(engine.BaseTrainer, "_do_train")
    def train_fast(self: Any, *, stock: Any) -> Any:
        if self.args.amp not in ("auto", "bf16"):
            return stock(self)
        from tintbox.plugins.precision import training

        with training.restoring_cpu_settings(self.device):
            return stock(self)

    @replace(engine.BaseTrainer, "_setup_train")
    def setup_fast(self: Any, *, stock: Any) -> Any:
        chosen = policy.choose(self.args.amp, self.device, self.args.task)
        if chosen is None:
            return stock(self)
        from tintbox.plugins.precision import training

        training.begin(self, chosen)
        result = stock(self)
        if chosen.on_processor:
            if chosen.amp and (kind := own_loss(engine.unwrap_model(self.model))):
                training.settle(self, policy.float32(f"{kind} has a loss of its own"))
            training.optimise_for_cpu(self)
        training.tell(self)
        return result

    @replace(engine.BaseTrainer, "validate")
    def validate_alike(self: Any, *, stock: Any) -> Any:
        if self.device.type != "cpu" or self.args.amp != "bf16":
            return stock(self)
        with arithmetic.validating():
            return stock(self)


def own_loss(network: Any) -> str:
    """Return the class name of a network whose loss `loss_in_float32` does not reach, "" for others.

    In RT-DETR, YOLO-World and YOLOE, boxes are rounded to bfloat16 long before they could be cast to float32.
    """
    from ultralytics.nn.tasks import BaseModel

    loss = getattr(type(network), "loss", None)
    reached = loss is BaseModel.loss or getattr(loss, "__module__", "").startswith("tintbox.")
    return "" if reached else type(network).__name__


@patch("ultralytics.utils.nms", "non_max_suppression")
def early_suppression(nms: Any) -> None:
    """Stop suppression at `max_det` boxes when `amp` validates an epoch: the validator passes no limit of its own."""
    from tintbox.plugins.precision import arithmetic
    from tintbox.plugins.precision.suppression import stop_early

    quick = stop_early(nms.non_max_suppression)

    @replace(nms, "non_max_suppression")
    def suppress_early(*args: Any, stock: Any, **kwargs: Any) -> Any:
        return (quick if arithmetic.is_validating() else stock)(*args, **kwargs)


@patch("ultralytics.nn.tasks", "BaseModel.loss")
def loss_in_float32(tasks: Any) -> None:
    """Compute losses in float32 under CPU autocast, where PyTorch, unlike on CUDA, leaves them in bfloat16."""
    import torch

    from tintbox.plugins.precision import arithmetic

    @replace(tasks.BaseModel, "loss")
    def loss_of(self: Any, batch: Any, preds: Any = None, *, stock: Any) -> Any:
        if not arithmetic.is_mixed():
            return stock(self, batch, preds)
        preds = self.forward(batch["img"]) if preds is None else preds
        with torch.amp.autocast("cpu", enabled=False):
            return stock(self, batch, arithmetic.cast_float32(preds))


@patch("ultralytics.nn.modules.head", "Detect._inference", "Segment._inference", "OBB._inference", "Pose._inference")
def decoding_in_float32(head: Any) -> None:
    """Decode boxes in float32 under CPU autocast: bfloat16 has eight bits of precision, one pixel at 256."""
    import torch

    from tintbox.plugins.precision import arithmetic

    for kind in (head.Detect, head.Segment, head.OBB, head.Pose):

        @replace(kind, "_inference")
        def inference(self: Any, x: dict[str, Any], *, stock: Any) -> Any:
            if not arithmetic.is_mixed():
                return stock(self, x)
            with torch.amp.autocast("cpu", enabled=False):
                return stock(self, arithmetic.cast_float32(x))


@patch("ultralytics.nn.modules.conv", "Conv.forward")
def fast_blocks(modules: Any) -> None:
    """Under CPU autocast, compute frozen and validated blocks in one kernel, and give others gradients without gaps.

    The stock block has three kernels, or two once it is fused for good.
    """
    import torch

    from tintbox.fused_blocks import FusedBlocks
    from tintbox.plugins.precision import arithmetic
    from tintbox.processor import close_gaps

    fused = FusedBlocks()
    is_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", bool)  # since PyTorch 2.3; bool() is False

    @replace(modules.Conv, "forward")
    def forward_fast(self: Any, x: Any, *, stock: Any) -> Any:
        if is_compiling() or not arithmetic.is_mixed():
            return stock(self, x)
        if (result := fused.compute(self.conv, self.bn, self.act, x)) is None:
            result = stock(self, x)
            close_gaps(result)
        return result
