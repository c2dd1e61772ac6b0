"""The report's tables against numbers made by hand."""

from pathlib import Path

from tintbox.assignment import tables
from tintbox.run_folder import RunFolder


def run(losses, accuracies):
    curves = {"epoch": [1.0, 2.0], "time": [30.0, 61.0], "metrics/accuracy": accuracies, "val/loss": losses}
    return RunFolder(Path("run"), {"task": "colorize", "select": "last"}, curves)


POOL = run([1.9, 1.6], [0.3, 0.41])
CONVT = run([1.5, 1.15], [0.6, 0.55])


def test_networks_stand_beside_the_assignments():
    table = tables.networks({"PoolUpsampleNet": POOL, "ConvTransposeNet": CONVT}, published=True)
    assert "| PoolUpsampleNet | 1.600 | 41.0 | 1.578 to 1.589 | 41.1 to 41.3 | 0:01:01 |" in table
    assert "| ConvTransposeNet | 1.150 | 55.0 | 1.143 to 1.157 | 54.8 to 55.5 | 0:01:01 |" in table


def test_other_data_have_nothing_beside():
    assert "assignment" not in tables.networks({"PoolUpsampleNet": POOL}, published=False)


def test_a_detector_has_before_and_every_epoch():
    curves = {"epoch": [1.0, 2.0], "metrics/mAP50(B)": [0.5, 0.625], "metrics/mAP50-95(B)": [0.25, 0.375]}
    detector = RunFolder(Path("run"), {"task": "detect"}, curves)
    table = tables.detector((0.4375, 0.125), detector, published=True).splitlines()
    assert table[0] == "| mAP50 / mAP50-95 | before | epoch 1 | epoch 2 |"
    assert table[2] == "| here | 0.438 / 0.125 | 0.500 / 0.250 | 0.625 / 0.375 |"
    assert table[3] == "| the assignment (YOLOv3) |  | 0.795 / 0.573 |  |"
