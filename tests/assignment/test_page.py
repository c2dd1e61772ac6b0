"""The assignment's page."""

from pathlib import Path

import pytest

from tintbox.assignment import page
from tintbox.run_folder import RunFolder


def run(losses, accuracies):
    curves = {
        "epoch": [1.0, 2.0],
        "time": [30.0, 61.0],
        "train/loss": losses,
        "metrics/accuracy": accuracies,
        "val/loss": losses,
    }
    return RunFolder(Path("run"), {"task": "colorize", "select": "last"}, curves)


POOL = run([1.9, 1.6], [0.3, 0.41])


CONVT = run([1.5, 1.15], [0.6, 0.55])  # a better epoch before the last: the assignment selects none


def test_the_difference_is_told_with_its_sign():
    told = page.sentence("ConvTransposeNet", CONVT, "PoolUpsampleNet", POOL)
    assert told.startswith(
        "ConvTransposeNet is 14.0 points of accuracy above PoolUpsampleNet, and its loss 0.450 lower"
    )
    assert "14.0 points of accuracy below" in page.sentence("PoolUpsampleNet", POOL, "ConvTransposeNet", CONVT)


def test_a_difference_that_is_none_is_said_so():
    assert "is as accurate as" in page.sentence("UNet", POOL, "PoolUpsampleNet", POOL)
    assert page.sentence("UNet", POOL, "x", POOL).endswith("and its loss equal; one seed each.")
    worse = run([1.9, 1.7], [0.3, 0.41])
    assert "its loss 0.100 higher" in page.sentence("UNet", worse, "x", POOL)


def test_on_what_it_was_trained():
    found = RunFolder(Path("r"), {}, {}, {"versions": {"torch": "2.1", "tintbox": "1"}, "cores": 4, "device": "cpu"})
    assert page.environment(found) == "torch 2.1, tintbox 1; unknown processor, 4 cores, cpu"
    assert page.environment(RunFolder(Path("r"), {}, {})) == "; unknown processor, ? cores, "


def test_a_page_grows_and_has_its_figures_beside_it(tmp_path):
    made = page.Page(tmp_path / "new")
    made.add("# Title", "text")
    file = made.figure("a.png", "what it shows")
    assert file == tmp_path / "new" / "figures" / "a.png" and file.parent.is_dir()
    assert made.save().read_text() == "# Title\n\ntext\n\n![what it shows](figures/a.png)\n"
    again = page.Page(tmp_path / "new")
    assert again.parts == [] and again.save().read_text() == "\n"


@pytest.mark.parametrize("name", ["ConvTransposeNet", "PoolUpsampleNet"])
def test_a_network_is_compared_with_the_one_before_it(tmp_path, name):
    made = page.Page(tmp_path)
    page.network_part(made, name, {"PoolUpsampleNet": POOL, "ConvTransposeNet": CONVT}, published=False)
    text = "\n".join(made.parts)
    assert (tmp_path / "figures" / f"{name}.png").is_file()
    assert ("points of accuracy above" in text) == (name == "ConvTransposeNet")
    assert "pictures.png" not in text, "without samples there are no pictures"
