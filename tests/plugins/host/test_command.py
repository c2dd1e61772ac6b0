"""User errors on the `yolo` command: one line if they concern tintbox, otherwise Ultralytics' own answer."""

import pytest
from ultralytics.cfg import get_cfg

from tintbox.errors import TintboxError
from tintbox.plugins.host import command

pytestmark = pytest.mark.attack("newcomer")


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("train model=yolo11n.yaml frezee=backbone", "'frezee' is not a valid YOLO argument; did you mean 'freeze'?"),
        ("val model=yolo11n.yaml coco_evl=True", "'coco_evl' is not a valid YOLO argument; did you mean 'coco_eval'?"),
        ("train unfreze={3:neck}", "'unfreze' is not a valid YOLO argument; did you mean 'unfreeze'?"),
        ("train freeze_bn=true epohcs=3", "'epohcs' is not a valid YOLO argument; did you mean 'epochs'?"),
        ("colorize train epohcs=3", "'epohcs' is not a valid YOLO argument; did you mean 'epochs'?"),
        (
            "colorize train zzz=3",
            "'zzz' is not a valid YOLO argument; `yolo cfg` and `tintbox options` list what there is",
        ),
        ("colorize trian", "'trian' is not a valid YOLO argument; did you mean 'train'?"),
        ("colourize train", "'colourize' is not a valid YOLO argument; did you mean 'colorize'?"),
        ("train palette", "'palette' is a valid YOLO argument but is missing an '=' sign"),
        ("train reconcile", "is missing an '=' sign to set its value, which `tintbox options` lists"),
        ("train freeze=", "'freeze=' has no value"),
        ("train task=colourize", "Invalid 'task=colourize'. Valid tasks are"),
        ("train cfg=recipe-finetun.yaml", "'recipe-finetun.yaml' does not exist; did you mean 'recipe-finetune.yaml'?"),
        ("train model=yolo11n.yaml cfg=my.yaml", "cfg=my.yaml: 'my.yaml' does not exist"),  # in any task
        ("train freeze=backbone,neck", "several of them are a list: [backbone, neck]"),
        ("train freeze=-1", "freeze=-1: no layer has the number -1; the last ones are all[-1:]"),
        ("train freeze=[3,-2]", "no layer has the number -2"),
    ],
)
def test_one_line(cli, tmp_path, words, line):
    code, text = cli(*words.split())
    assert code == 1, text
    assert len([told for told in lines(text) if not told.startswith("Overriding")]) == 1, text
    assert lines(text)[-1].startswith("yolo: ") and line in lines(text)[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "named"),
    [("train lr_scale=0.9", True), ("train freeze=backbone", True), ("train freeze=10", False), ("train", False)],
)
def test_a_value_of_ours_is_an_argument_of_ours(words, named):
    with command.remember_words(words.split()):
        assert command.names_option() is named


def test_what_is_not_ours_is_stocks(monkeypatch, log):
    """A mistyped stock argument in a stock task: the help, once, and Ultralytics' own SyntaxError."""
    import ultralytics.cfg

    monkeypatch.setattr(ultralytics.cfg, "ARGV", ["yolo", "train", "model=yolo11n.yaml", "batchh=3"])
    with pytest.raises(SyntaxError, match="'batchh' is not a valid YOLO argument") as caught:
        ultralytics.cfg.entrypoint()
    assert not isinstance(caught.value, TintboxError)
    assert log == [ultralytics.cfg.CLI_HELP_MSG]


def test_python_gets_both_kinds_of_error():
    with pytest.raises(TintboxError, match="did you mean 'palette'"):
        get_cfg(overrides={"pallette": 3})
    with pytest.raises(SyntaxError, match="did you mean 'palette'"):
        get_cfg(overrides={"pallette": 3})


def test_help_names_where_the_arguments_are(forked_yolo):
    for word in ("help", "cfg", "--help"):
        done = forked_yolo(word)
        assert done.returncode == 0 and "tintbox options" in done.stdout + done.stderr, word


def test_help_without_the_plugin_is_stocks(forked_yolo):
    assert "tintbox" not in forked_yolo("help", env={"TINTBOX_DISABLE": "1"}).stdout
