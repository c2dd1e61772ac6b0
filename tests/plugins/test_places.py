"""Arguments without effect: refused in one line, by the command and from Python; a warning if in a cfg= file."""

import pytest
from ultralytics import YOLO
from ultralytics.utils import LOGGER

from tintbox.errors import TintboxError
from tintbox.plugins import places
from tintbox.plugins.options import OPTIONS

pytestmark = pytest.mark.attack("newcomer")

MODES = ("train", "val", "predict", "track", "export", "benchmark")
TASKS = ("detect", "segment", "semantic", "classify", "pose", "obb", "depth", "colorize")
# A non-default value of each.
VALUES = {
    "freeze": "backbone", "unfreeze": {1: "neck"}, "freeze_bn": True, "lr_scale": 0.9, "palette": 3, "rebalance": 0.5,
    "temperature": 0.3, "channel_drop": 0.1, "input_scale": 256, "crop": 0.1, "shuffle": "once", "ema_epochs": 2,
    "select": "last", "cls_pos_weight": 2, "cls_smoothing": 0.1, "cls_focal": 1.5, "coco_eval": True, "obj": 2,
    "obj_pos_weight": 2, "anchor_t": 3, "autoanchor": True, "amp": "auto", "extend": "neck", "reconcile": True,
    "polish": True,
}  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: o.name)
def test_each_counts_where_the_table_says_and_nowhere_else(option):
    assert option.check(VALUES[option.name]) is None
    given = {option.name: VALUES[option.name]}
    for task in TASKS:
        for mode in MODES:
            if option.counts(task, mode):
                places.check(task, mode, given, given)
                continue
            with pytest.raises(TintboxError, match=rf"^{option.name}=.*`yolo {task} {mode}`; leave it out$"):
                places.check(task, mode, given, given)
    assert any(option.counts(task, "train") for task in TASKS)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: o.name)
def test_defaults_pass_everywhere(option):
    """Ultralytics passes all arguments to the processes of `tune` and of several data sets."""
    for value in (option.default, None):
        places.check("pose", "export", {option.name: value}, [option.name])


def test_stock_freeze_is_stocks():
    for value in (10, [1, 2], None, 0):
        places.check("detect", "val", {"freeze": value}, ["freeze"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "detect train model=yolo11n.yaml data=coco8.yaml palette=3",
            "palette=3: counts in `yolo colorize train` only",
        ),
        ("train model=yolo11n.yaml data=coco8.yaml crop=0.1", "crop=0.1: counts in `yolo colorize train` only"),
        ("train model=yolo11n.yaml data=coco8.yaml select=last", "not in `yolo detect train`"),
        ("train model=yolo11n.yaml data=coco8.yaml shuffle=once", "shuffle=once: counts in `yolo colorize train` only"),
        ("predict model=yolo11n.yaml source=x.jpg coco_eval=True", "not in `yolo detect predict`"),
        ("track model=yolo11n.yaml source=x.jpg coco_eval=True", "not in `yolo detect track`"),
        ("export model=yolo11n.yaml format=onnx coco_eval=True", "not in `yolo detect export`"),
        ("benchmark model=yolo11n.yaml format=onnx coco_eval=True", "not in `yolo detect benchmark`"),
        ("colorize predict model=colorize-unet.yaml source=x.jpg palette=3", "not in `yolo colorize predict`"),
        ("val model=yolo11n.yaml data=coco8.yaml freeze=backbone", "freeze=backbone: counts in `yolo train` only"),
        ("predict model=yolo11n.yaml source=x.jpg cls_focal=2", "cls_focal=2: counts in `yolo detect|segment|pose|obb"),
        ("export model=yolo11n.yaml format=onnx unfreeze={3: all}", "unfreeze={3: 'all'}: counts in `yolo train` only"),
    ],
)
def test_by_the_command(cli, tmp_path, words, message):
    words = words.replace("{3: all}", "{3:all}").split()
    code, text = cli(*(word.replace(":all", ": all") for word in words), f"project={tmp_path}/runs")
    line = [line for line in text.splitlines() if line.strip()][-1]
    assert code == 1, text
    assert line.startswith("yolo: ") and message in line
    assert "Traceback" not in text
    assert not list(tmp_path.iterdir())


def test_from_python(tmp_path):
    model = YOLO("yolo11n.yaml")
    for run, mode in (
        (lambda: model.train(data="coco8.yaml", palette=3, project=str(tmp_path)), "train"),
        (lambda: model.val(data="coco8.yaml", palette=3), "val"),
        (lambda: model.predict("x.jpg", palette=3), "predict"),
        (lambda: model("x.jpg", palette=3), "predict"),
        (lambda: model.export(format="onnx", palette=3), "export"),
    ):
        with pytest.raises(TintboxError, match=f"palette=3: counts .* not in `yolo detect {mode}`"):
            run()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def warnings(monkeypatch):
    """The logged warnings."""
    told = []
    monkeypatch.setattr(LOGGER, "warning", told.append)
    return told


def test_a_file_may_serve_several_modes(warnings):
    places.check("colorize", "val", {"temperature": 0.3, "palette": 3, "crop": 0.1, "epochs": 3}, ["temperature"])
    assert warnings == ["palette, crop of the cfg= file: no effect in `yolo colorize val`"]


def test_the_command_tells_a_files_arguments_from_those_typed(cli, trained, tiny_data, tmp_path):
    (tmp_path / "mine.yaml").write_text("crop: 0.1\nimgsz: 32\n")
    words = ("val", f"model={trained}/weights/best.pt", f"data={tiny_data}", "cfg=mine.yaml", f"project={tmp_path}/v")
    code, text = cli("colorize", *words)
    assert code == 0, text
    assert "crop of the cfg= file: no effect in `yolo colorize val`" in text
    code, text = cli("colorize", *words, "crop=0.2")
    assert code == 1 and "yolo: crop=0.2: counts in" in text
