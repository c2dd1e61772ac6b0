"""The report of a freeze plan: rows, text and a plot."""

import json

import pytest
from torch import nn
from ultralytics import YOLO

from tintbox.plugins.freeze import report
from tintbox.plugins.freeze.plan import FreezePlan

from ...tiny_models import YOLO11N


def test_the_report(train, capfd):
    trainer, _ = train(freeze="backbone", unfreeze={1: "backbone[5:]"}, lr_scale={"head": 0.5}, epochs=2, plots=True)
    saved = json.loads((trainer.save_dir / "freeze.json").read_text())
    counts = {group["group"]: group for group in saved["stages"][0]["groups"]}
    model = YOLO(YOLO11N).model.model
    assert counts["backbone"]["parameters"] == sum(p.numel() for layer in model[:11] for p in layer.parameters())
    assert counts["backbone"]["trained"] == 0
    assert counts["neck"]["trained"] == counts["neck"]["parameters"]
    assert counts["head"]["lr_factors"] == [0.5]
    assert counts["backbone"]["batchnorms_frozen"] == counts["backbone"]["batchnorms"] > 0
    assert [stage["epoch"] for stage in saved["stages"]] == [0, 1]
    for row in saved["layers"]:
        total = row["parameters"] - (16 if row["layer"] == 23 else 0)  # the head's constant
        assert row["trained"] == [0 if row["layer"] < 11 else total, 0 if row["layer"] < 5 else total]
    assert (trainer.save_dir / "freeze.png").read_bytes().startswith(b"\x89PNG")


class Net(nn.Module):
    """Layers in Ultralytics' form: two of a backbone, one without parameters, and a head."""

    def __init__(self):
        super().__init__()
        parts = [
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)),
            nn.Conv2d(4, 4, 1),
            nn.Upsample(),
            nn.Conv2d(4, 2, 1),
        ]
        self.model = nn.Sequential(*parts)
        self.yaml = {"backbone": [1, 2], "head": [3, 4]}


WEIGHTS = {0: 3 * 4 + 4 + 8, 1: 20, 3: 10}


def planned(**spec):
    model = Net()
    return model, FreezePlan.from_spec(model, epochs=4, **spec)


def test_sizes_count_the_numbers_of_named_parameters():
    model = Net()
    assert report.sizes(model, []) == 0
    assert report.sizes(model, ["model.1.weight", "model.1.weight", "nothing"]) == 16
    assert report.sizes(model, [name for name, _ in model.named_parameters()]) == sum(WEIGHTS.values())


def test_words_name_groups_whole_or_by_layers():
    model = Net()
    names = [name for name, _ in model.named_parameters()]
    first = [name for name in names if name.startswith("model.0.")]
    whole = report.describe(model, names)
    assert whole.startswith("54 parameters of ") and "layers" not in whole
    assert report.describe(model, []) == "0 parameters"
    assert "(layers 0)" in report.describe(model, first)


@pytest.mark.parametrize(
    ("some", "layers", "text"),
    [([0], [0, 1, 3], "0"), ([0, 1, 3], [0, 1, 3], "0-3"), ([0, 3], [0, 1, 3], "0, 3"), ([], [0], "")],
)
def test_spans_run_over_layers_without_parameters(some, layers, text):
    assert report._spans(some, layers) == text


def test_starts_are_the_epochs_in_which_something_changes():
    model, plan = planned(freeze=["0", "1"], unfreeze={2: "1", 3: "3"})  # 3 is not frozen at first
    assert report.starts(plan, 4) == [0, 2]
    assert report.starts(FreezePlan.from_spec(model), 4) == [0]


def test_layers_and_what_trains_of_them_in_each_stage():
    model, plan = planned(freeze=["0", "1.weight"], unfreeze={2: "0"})
    rows = report.layer_rows(model, plan, 4)
    assert [(row["layer"], row["type"], row["parameters"], row["trained"]) for row in rows] == [
        (0, "Sequential", 24, [0, 24]),
        (1, "Conv2d", 20, [4, 4]),
        (2, "Upsample", 0, [0, 0]),
        (3, "Conv2d", 10, [10, 10]),
    ]


def test_groups_add_up_to_the_model_and_the_table_shows_them():
    model, plan = planned(freeze="0", lr_scale={"3": 0.5, "1": 0.25})
    rows = report.group_rows(model, plan, 0, 4)
    assert sum(row["parameters"] for row in rows) == 54 and sum(row["trained"] for row in rows) == 30
    assert [row["batchnorms_frozen"] for row in rows if row["batchnorms"]] == [1]
    lines = report.table(rows)
    assert len({len(line) for line in lines}) == 1 and len(lines) == len(rows) + 1
    assert "1 of 1 frozen" in "".join(lines) and "0.5" in lines[-1]


def test_a_group_that_stands_still_has_no_rate():
    model, plan = planned(freeze="all[:3]")
    assert report.table(report.group_rows(model, plan, 0, 4)) == [
        "group     layers  parameters  trained  lr factor      BatchNorm",
        "backbone     0-1          44     0.0%          -  1 of 1 frozen",
        "neck           2           0     0.0%          -           none",
        "head           3          10   100.0%          1           none",
    ]
    assert as_plain(report.as_dict(model, plan, 4, {"freeze": "all[:3]", "lr0": 1})) == {
        "freeze": "all[:3]", "unfreeze": None, "freeze_bn": None, "lr_scale": None,
    }  # fmt: skip


def as_plain(found):
    """The arguments of a report, in JSON types."""
    return json.loads(json.dumps(found))["arguments"]


@pytest.mark.parametrize("unfreeze", [None, {2: "0"}])
def test_a_picture_with_and_without_a_schedule(tmp_path, unfreeze):
    model, plan = planned(freeze="0", unfreeze=unfreeze)
    report.picture(model, plan, 4, report.layer_rows(model, plan, 4), tmp_path / "freeze.png")
    assert (tmp_path / "freeze.png").read_bytes().startswith(b"\x89PNG")
