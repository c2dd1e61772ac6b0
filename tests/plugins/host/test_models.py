"""How models are recognized and loaded."""

import pytest

from tintbox.plugins.host import models

from ...tiny_models import YOLO11N


@pytest.mark.attack("half-fitting plugin")
def test_the_table_of_tasks_imports_the_colouriser_only_when_it_is_asked_for(forked):
    code = (
        "import sys; from ultralytics import YOLO; m = YOLO('yolo11n.yaml'); t = m.task_map['colorize'];"
        "print([n for n in sys.modules if n.startswith('tintbox.colorization.') and not n.endswith('palette_name')]);"
        "print(sorted(t), t['trainer'].__name__, len(t))"
    )
    done = forked("-c", code)
    assert done.stdout.splitlines()[-2:] == ["[]", "['model', 'predictor', 'trainer', 'validator'] ColorizeTrainer 4"]


@pytest.mark.parametrize(
    ("model", "task"),
    [
        ({"task": "colorize"}, "colorize"),
        ({"task": "colorize", "head": [[-1, 1, "Detect", []]]}, "colorize"),
        ({"head": [[-1, 1, "Segment", []]]}, "segment"),
        ("yolo11n-pose.pt", "pose"),
    ],
)
def test_tasks_are_guessed(model, task):
    from ultralytics.nn.tasks import guess_model_task

    assert guess_model_task(model) == task


def test_the_colourisers_classes_are_a_mapping():
    classes = models.Colouriser()
    assert [classes[role].__name__ for role in classes] == [
        "ColorizeModel", "ColorizeTrainer", "ColorizeValidator", "ColorizePredictor",
    ]  # fmt: skip
    assert len(classes) == 4
    with pytest.raises(KeyError):
        classes["nothing"]


def test_other_tasks_have_the_classes_that_they_had():
    from ultralytics import YOLO
    from ultralytics.models.yolo.detect import DetectionTrainer

    found = YOLO("yolo11n.yaml").task_map
    assert found["detect"]["trainer"] is DetectionTrainer and list(found)[-1] == "colorize"


def test_restricted_loading_knows_every_layer_of_ours():
    from ultralytics.nn import tasks

    from tintbox.colorization.networks import NETWORKS
    from tintbox.plugins.anchor import head, layers

    allowed = tasks._SafeLoad._build()
    for kind in (*NETWORKS.values(), *head.HEADS.values(), *layers.LAYERS):
        assert allowed[f"{kind.__module__}.{kind.__qualname__}"] is kind
    assert "tintbox.errors.TintboxError" not in allowed


@pytest.mark.attack("newcomer")
def test_a_run_below_a_folder_with_an_apostrophe_ends_with_its_validation(fruit, tmp_path, monkeypatch):
    from ultralytics import YOLO

    monkeypatch.chdir(tmp_path)
    place = tmp_path / "John's runs"
    YOLO(YOLO11N).train(
        data=str(fruit), epochs=1, imgsz=32, batch=8, project=str(place), name="run", workers=0, plots=False
    )
    best = place / "run/weights/best.pt"
    assert YOLO(str(best)).ckpt["epoch"] == -1, "stripped: the last thing that a training does to it"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["John's runs"]
