"""Learning-rate factors, in an optimizer and in training."""

import pytest
import torch
from torch import nn
from ultralytics.optim import MuSGD

from tintbox.plugins.freeze.training import StepFactors


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (torch.optim.AdamW, {}),
        (torch.optim.NAdam, {}),
        (torch.optim.RMSprop, {"momentum": 0.9}),
        (MuSGD, {"momentum": 0.9, "nesterov": True, "use_muon": True}),
    ],
)
def test_a_factor_is_the_same_as_a_group_of_its_own_with_that_rate(kind, arguments):
    """Compared with torch's own groups, bit for bit, with momentum, weight decay and a changing rate."""
    torch.manual_seed(0)
    start = [torch.randn(6, 5), torch.randn(4, 6), torch.randn(6, 6)]
    inputs = torch.randn(10, 8, 5)

    def run(grouped):
        weights = [nn.Parameter(w.clone()) for w in start]
        a, b, c = weights
        common = {"weight_decay": 0.05, **arguments}
        if grouped:
            groups = [{"params": [a], "lr": 0.02 * 0.3}, {"params": [b], "lr": 0.02}, {"params": [c], "lr": 0.02 * 2.5}]
            scales = [0.3, 1.0, 2.5]
        else:
            groups, scales = [{"params": weights, "lr": 0.02}], [1.0]
        optimizer = kind(groups, lr=0.02, **common)
        if not grouped:
            StepFactors(optimizer).factors = {a: 0.3, c: 2.5}
        for step, x in enumerate(inputs):
            for group, scale in zip(optimizer.param_groups, scales):
                group["lr"] = 0.02 / (1 + step) * scale
            loss = ((x @ a.T @ c.T) @ b.T).tanh().square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        assert len(optimizer.param_groups) == len(groups), "its own groups are back"
        return weights

    for ours, theirs in zip(run(grouped=False), run(grouped=True)):
        assert torch.equal(ours, theirs)


def test_lr_scale_holds_through_warmup_and_scheduler_and_leaves_the_checkpoint_stock(train):
    checkpoints = []

    def look(trainer):
        checkpoints.append(torch.load(trainer.last, weights_only=False)["optimizer"])

    scale = {"backbone": 0.1, 9: 0.5, "23.cv2": 2}
    trainer, record = train(lr_scale=scale, epochs=3, warmup_epochs=1.5, callbacks=[("on_model_save", look)])
    assert len(trainer.optimizer.param_groups) == 3
    assert [len(group["params"]) for group in checkpoints[0]["param_groups"]] == [
        len(group["params"]) for group in trainer.optimizer.param_groups
    ]
    assert len({rates["model.0.conv.weight"] for rates in record.stock_rates}) > 3, "the stock rate really changes"
    for used, stock in zip(record.steps, record.stock_rates):
        for name, rate in stock.items():
            layer = int(name.split(".")[1])
            factor = 0.5 if layer == 9 else 0.1 if layer < 11 else 2.0 if name.startswith("model.23.cv2.") else 1.0
            assert used[name] == rate * factor, name


def test_lr_scale_with_an_automatic_optimizer_warns_once(train, caplog):
    train(lr_scale={"backbone": 0.1}, optimizer="auto")
    lines = [r.getMessage() for r in caplog.records if "scales the rate that" in r.getMessage()]
    assert len(lines) == 1
    assert "which ignores lr0=0.01" in lines[0]
