"""Arguments without effect are reported before training: checked with Ultralytics' own optimizer, and by the table."""

import pytest

from tintbox.errors import TintboxError
from tintbox.studies import checks
from tintbox.studies.grid import parse

pytestmark = pytest.mark.attack("newcomer")

DETECT = ("model=yolo11n.yaml", "data=coco8.yaml")
COLORIZE = ("colorize", "model=colorize-convt.yaml", "data=fruitbowl.yaml")


def said(*words):
    """The line that rejects a study."""
    with pytest.raises(TintboxError, match=r"^.+$") as error:
        checks.check_arguments(parse(words), many=False)
    return str(error.value)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["lr0=0.001,0.01"], "lr0=0.001 and lr0=0.01 train the same: optimizer=auto picks the learning rate; name an"),
        (["lr0=0.001,0.01", "seed=0,1"], "lr0=0.001 and lr0=0.01 train the same: optimizer=auto"),
        (["optimizer=auto,SGD", "lr0=0.001,0.01"], "lr0=0.001 and lr0=0.01 train the same: optimizer=auto"),
        (["momentum=0.9,0.8"], "optimizer=auto picks the momentum"),
        (["warmup_bias_lr=0.1,0.2"], "optimizer=auto sets it to 0"),
        (["optimizer=AdamW", "warmup_momentum=0.7,0.8"], "only SGD, MuSGD and RMSprop warm their momentum up"),
        (["optimizer=SGD", "warmup_epochs=0", "warmup_momentum=0.7,0.8"], "has no warm-up"),
        (["optimizer=SGD", "epochs=1", "warmup_bias_lr=0.1,0.2"], "has no warm-up"),
        (["unfreeze='{0.5: backbone}',None"], "unfreeze_0.5_backbone: unfreeze={0.5: backbone}: nothing is frozen"),
        (["freeze=backbone,None", "unfreeze='{0.5: all}'"], "freeze_None: unfreeze={0.5: all}: nothing is frozen"),
        (["freeze=backbone", "epochs=5", "unfreeze='{5: all}',None"], "the run has 5 epochs"),
        (["freeze_bn=auto,False"], "nothing is frozen, so auto and false are the same"),
        (["freeze=None,0"], "freeze=None and freeze=0 train the same: nothing is frozen by it"),
        (["dropout=0,0.5"], "dropout=0 and dropout=0.5 train the same: task detect does not use it, only classify"),
        (["palette=ab313,horses24"], "palette_ab313: palette=ab313: counts in `yolo colorize train` only, not in"),
        (["copy_paste_mode=flip,mixup"], "copy_paste=0"),
        (["polish=False,True"], "polish=False and polish=True train the same: a study's tables are of the epochs"),
        (["dis=1,6"], "give distill_model="),
        (["show_conf=True,False"], "it is of `yolo predict`"),
        (["opset=11,12"], "it is of `yolo export`"),
        (["anchor_t=3,4"], "anchor_t=3: yolo11n.yaml has no anchors"),
        (["cfg=recipe-finetune.yaml", "task=classify", "cls_smoothing=0.1,0"], "has no classification BCE"),
    ],
)
def test_a_study_of_what_cannot_count_is_refused(words, line):
    assert line in said(*DETECT, *words)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["mosaic=0,1"], "mosaic=0 and mosaic=1 train the same: task colorize does not use it"),
        (["classes=[0],[1]"], "task colorize does not use it"),
        (["cls_focal=1,2"], "task colorize has no classification BCE"),
    ],
)
def test_colorize_has_no_boxes(words, line):
    assert line in said(*COLORIZE, *words)


@pytest.mark.parametrize(
    "words",
    [
        ["lr0=0.001,0.01", "optimizer=AdamW"],
        ["freeze_bn=auto,True"],
        ["freeze=backbone", "freeze_bn=auto,False"],
        ["freeze=backbone", "unfreeze='{0.5: backbone}',None"],
        ["optimizer=SGD", "warmup_momentum=0.7,0.8"],
        ["cls_focal=1,2"],
        ["lr_scale=0.9,1", "seed=0,1"],
        ["cfg=recipe-finetune.yaml", "lr0=0.001,0.002"],  # it names an optimizer
    ],
)
def test_what_counts_is_taken(words):
    assert checks.check_arguments(parse([*DETECT, *words]), many=False) == []


@pytest.mark.parametrize("words", [["batch=4,8", "freeze=None"], ["optimizer=auto,SGD"]])
def test_a_fixed_argument_that_does_not_count_is_told(words):
    assert checks.check_arguments(parse([*DETECT, "lr0=0.01", *words]), many=False) == [
        "lr0=0.01 does not count: optimizer=auto picks the learning rate; name an optimizer, e.g. optimizer=AdamW"
    ]


@pytest.mark.parametrize(("key", "counts"), [("lr0", False), ("momentum", False), ("weight_decay", True)])
def test_the_rules_of_the_optimizer_are_those_of_ultralytics(key, counts):
    """`optimizer=auto` builds the same optimizer whatever lr0 and momentum are."""
    from types import SimpleNamespace

    import torch
    from ultralytics.engine.trainer import BaseTrainer

    from tintbox.studies import dependence

    def built(**arguments):
        given = {"lr0": 0.01, "momentum": 0.937, "weight_decay": 0.0005, **arguments}
        trainer = SimpleNamespace(args=SimpleNamespace(**given, warmup_bias_lr=0.1, optimizer="auto"), data={"nc": 3})
        optimizer = BaseTrainer.build_optimizer(
            trainer, torch.nn.Linear(2, 2), "auto", given["lr0"], given["momentum"], given["weight_decay"], 1000
        )
        assert trainer.args.warmup_bias_lr == 0.0
        return [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]

    assert (built() != built(**{key: 0.5})) is counts
    assert (dependence.explain_ignored(key, {"optimizer": "auto"}, None) is None) is counts


def test_the_table_names_arguments_that_are_there():
    from ultralytics.utils import DEFAULT_CFG_DICT

    from tintbox.studies import dependence

    named = {key for keys, *_ in dependence.RULES for key in keys} | {*dependence.TASKS, *dependence.NOT_COLORIZE}
    assert named <= set(DEFAULT_CFG_DICT)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["model=yolo11n.pt"], "model=yolo11n.pt: not here, and offline it cannot be downloaded; give the path of a"),
        (["model=yolo11n"], "offline it cannot be downloaded"),
        (["model=yolo11q.pt"], "'yolo11q.pt' does not exist; did you mean 'yolo11"),
        (["model=yolo11n.onnx"], "give weights that can be trained (.pt) or a .yaml"),
        (["model=yolo11q.yaml"], "'yolo11q.yaml' does not exist"),
        (["pretrained=nowhere/a.pt"], "pretrained=nowhere/a.pt: 'nowhere/a.pt' does not exist"),
        (["model=it's.pt"], "'it's.pt' does not exist"),
        (["model=coco8.yaml"], "no model, for it has no head"),
        (["model=yolo11n.yaml,yolo11s.pt"], "model=yolo11s.pt: not here"),
    ],
)
def test_the_model_is_there_before_anything_is_trained(words, line, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert line in said("data=coco8.yaml", *words)


def test_without_a_model_the_default_is_what_must_be_there(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "model=yolo26n.pt: not here" in said("data=coco8.yaml", "batch=4,8")


def test_the_grid_file_of_the_guide_is_taken(tmp_path):
    """The YAML of docs/study.md; half of its runs used to fail."""
    import re
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs/study.md").read_text()
    file = tmp_path / "grid.yaml"
    file.write_text(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
    assert checks.check_arguments(parse([str(file)]), many=False) == []
