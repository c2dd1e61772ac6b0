"""The format of numbers over folds."""

import math

from tintbox.folds.files import Folds
from tintbox.studies import crossed_table
from tintbox.studies.cells import Result
from tintbox.studies.grid import parse
from tintbox.studies.pooled import Pools

FOLDS = Folds(["a.jpg", "b.jpg"], [0, 1], ["a", "b"], ["train", "train"])


def test_a_mean_has_its_deviation_where_there_are_several_seeds():
    assert crossed_table.with_spread([0.25]) == "0.250"
    assert crossed_table.with_spread([0.2, 0.3]) == f"0.250 ± {0.1 / math.sqrt(2):.3f}"


def test_without_a_finished_cell_the_tables_say_what_is_wrong(tmp_path):
    grid = parse(["model=a.yaml", "data=d.yaml", "folds=2"])
    waiting = [Result(run, None, None) for run in grid.runs()]
    crossed_table.save(tmp_path, waiting, Pools(tmp_path, grid, FOLDS, {"cell": "a fold is missing"}))
    text = (tmp_path / "study.md").read_text()
    assert text.startswith(f"# {tmp_path.name}") and "cell: its folds cannot be put together: a fold is missing" in text
    assert (tmp_path / "study.csv").read_text().startswith("iou_type,n,AP,AP_low,AP_high,against_first,")
    assert len((tmp_path / "study.csv").read_text().splitlines()) == 1
