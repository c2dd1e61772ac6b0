"""Entry points: the bare stock command, the guessed task, and the help texts."""

import re

SMALL = ("epochs=1", "batch=4", "imgsz=32", "palette=4", "plots=False")


def lines(text):
    return re.sub(r"\x1b\[[0-9;]*[mK]", "", text)


def test_stock_command_in_a_fresh_process(yolo, tiny_data, tmp_path):
    done = yolo("colorize", "train", f"data={tiny_data}", *SMALL, f"project={tmp_path}/runs", "name=x")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/x/weights/best.pt").is_file()
    assert "accuracy" in lines(done.stdout)


def test_task_is_guessed_from_the_yaml(cli, tiny_data, tmp_path):
    words = ("model=colorize-unet.yaml", f"data={tiny_data}", *SMALL, f"project={tmp_path}/runs", "name=x")
    code, text = cli("train", *words)
    assert code == 0, text
    assert (tmp_path / "runs/x/weights/best.pt").is_file()
    code, text = cli("val", f"model={tmp_path}/runs/x/weights/best.pt", f"data={tiny_data}", "plots=False")
    assert code == 0, text
    assert "accuracy" in text


def test_help_names_the_task(cli):
    code, text = cli("help")
    assert code == 0
    assert "'colorize'" in text
