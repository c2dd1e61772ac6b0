"""Shared by the tests of the hand-over: a colouriser on a detector's backbone."""

import pytest
from ultralytics import YOLO


@pytest.fixture(scope="session")
def colouriser(fruit, tmp_path_factory):
    """A checkpoint of yolo11n-colorize.yaml after one epoch."""
    folder = tmp_path_factory.mktemp("colour")
    model = YOLO("yolo11n-colorize.yaml")
    model.train(data=str(fruit), epochs=1, imgsz=32, batch=4, plots=False, project=str(folder), name="run")
    return folder / "run" / "weights" / "best.pt"
