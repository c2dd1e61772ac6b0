"""A dataset to make folds of."""

import numpy as np
import pytest

BLANK = np.full((32, 32, 3), 90, np.uint8)


@pytest.fixture(scope="package")
def labelled(write_dataset):
    """Twelve pictures of train and six of val: one object of class a in all, one of b in every third."""
    rows = [["0 .5 .5 .2 .2", *(["1 .2 .2 .1 .1"] if i % 3 == 0 else [])] for i in range(12)]
    splits = {"train": [(BLANK, row) for row in rows], "val": [(BLANK, row) for row in rows[:6]]}
    return write_dataset("labelled", ["a", "b"], {**splits, "test": [(BLANK, rows[0])] * 3})
