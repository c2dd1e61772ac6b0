"""Folds of a dataset as datasets that a stock Ultralytics reads."""

import pytest

from tintbox.errors import TintboxError
from tintbox.folds import files
from tintbox.folds.choice import Choice
from tintbox.folds.pictures import gather


def test_folds_are_ordinary_datasets(labelled, tmp_path):
    from ultralytics.data.utils import check_det_dataset

    from tintbox.datasets.reading.layout import split_pictures

    found = gather(labelled)
    folds, _ = Choice(3).split(found)
    files.write(tmp_path / "folds", folds, found.kept, "x\ny.yaml")
    assert files.read(tmp_path / "folds") == folds
    moved = (tmp_path / "folds").rename(tmp_path / "elsewhere")
    seen = []
    for fold in range(3):
        described = check_det_dataset(str(moved / files.yaml_name(fold)))
        train, val = (split_pictures(described, split) for split in ("train", "val"))
        assert sorted([*train, *val]) == found.files
        assert described["names"] == {0: "a", 1: "b"}
        seen += val
    assert sorted(seen) == found.files


@pytest.mark.attack("folds")
@pytest.mark.parametrize(
    "text", ["", "x", "picture,fold,group,split\n", "picture,fold,group,split\na,1,a,train\n", "\0"]
)
def test_a_damaged_table(tmp_path, text):
    (tmp_path / files.TABLE).write_text(text)
    with pytest.raises(TintboxError, match="cannot be read"):
        files.read(tmp_path)
