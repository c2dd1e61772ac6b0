"""The trainer script."""

import sys

import pytest

from tintbox.colorization.__main__ import main

SMALL = ("epochs=1", "batch=4", "imgsz=32", "palette=4", "plots=False")


def test_trainer_script(forked, tiny_data, tmp_path):
    words = (f"data={tiny_data}", *SMALL, f"project={tmp_path}/runs", "name=x")
    done = forked("-m", "tintbox.colorization", *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/x/weights/best.pt").is_file()
    done = forked("-m", "tintbox.colorization", "epocs=3")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "epochs" in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "becomes"),
    [
        ([], ["train"]),
        (["epochs=3"], ["train", "epochs=3"]),
        (["val", "model=a.pt"], ["val", "model=a.pt"]),
        (["model=a.pt", "mode=predict"], ["model=a.pt", "mode=predict"]),
        (["model=train.pt"], ["train", "model=train.pt"]),
    ],
)
def test_task_and_mode_are_filled_in(monkeypatch, words, becomes):
    import ultralytics.cfg

    monkeypatch.setattr(sys, "argv", ["script.py", *words])
    ran = []
    monkeypatch.setattr(ultralytics.cfg, "entrypoint", lambda: ran.append(list(sys.argv)))
    main()
    assert ran == [["yolo", "colorize", *becomes]]
