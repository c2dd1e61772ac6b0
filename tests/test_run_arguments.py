"""The arguments of a run's folder, Ultralytics' and tintbox's."""

import pytest

from tintbox import limits, run_arguments
from tintbox.errors import TintboxError
from tintbox.run_arguments import HEADER, OWN, STOCK


def test_both_files_are_read_where_the_first_speaks_of_the_second(tmp_path):
    (tmp_path / OWN).write_text("unfreeze: {5: neck}\n")
    (tmp_path / STOCK).write_text(HEADER + "epochs: 3\n7: x\n")
    assert run_arguments.read(tmp_path) == {"epochs": 3, "7": "x", "unfreeze": {5: "neck"}}
    (tmp_path / STOCK).write_text("epochs: 3\n")  # a stock run has taken the folder over
    assert run_arguments.read(tmp_path) == {"epochs": 3}


def test_lines_end_as_on_windows_too(tmp_path):
    (tmp_path / OWN).write_text("unfreeze: {5: neck}\n")
    (tmp_path / STOCK).write_bytes((HEADER + "epochs: 3\n").replace("\n", "\r\n").encode())
    assert run_arguments.read(tmp_path) == {"epochs": 3, "unfreeze": {5: "neck"}}


def test_nothing_lies_beside_another_file(tmp_path):
    (tmp_path / OWN).write_text("unfreeze: {5: neck}\n")
    (tmp_path / "my.yaml").write_text(HEADER)
    assert run_arguments.beside(tmp_path / "my.yaml") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "is no training run: args.yaml has no arguments"),
        ("".join(f"a{i}: 1\n" for i in range(limits.ARGUMENTS + 1)), "arguments, more than"),
    ],
)
def test_what_is_no_arguments_is_told(text, message, tmp_path):
    (tmp_path / STOCK).write_text(text)
    with pytest.raises(TintboxError, match=message):
        run_arguments.read(tmp_path)
