"""A request for a capability that is off is refused in one line."""

import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.host import capabilities, refusals


def test_a_mistake_is_one_line_and_status_1(capsys):
    with pytest.raises(SystemExit) as stop, refusals.in_one_line():
        raise TintboxError("a\nmistake  of\tmine")
    assert stop.value.code == 1 and stop.value.__cause__ is None
    assert capsys.readouterr().err == "yolo: a mistake of mine\n"


def test_a_bug_is_shown_as_python_does(capsys):
    with pytest.raises(ValueError, match="a bug"), refusals.in_one_line():
        raise ValueError("a bug")
    with pytest.raises(SystemExit) as stop, refusals.in_one_line():
        raise SystemExit(7)
    assert stop.value.code == 7 and capsys.readouterr().err == ""


@pytest.mark.parametrize(("value", "shown"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_a_traceback_can_be_asked_for(monkeypatch, capsys, value, shown):
    monkeypatch.setenv("TINTBOX_TRACEBACK", value)
    with pytest.raises(TintboxError if shown else SystemExit), refusals.in_one_line():
        raise TintboxError("a mistake")
    assert bool(capsys.readouterr().err) is not shown


def test_every_run_is_checked_where_it_begins():
    from ultralytics.utils.callbacks.base import default_callbacks

    for event in refusals.BEGINNINGS:
        assert default_callbacks[event].count(capabilities.check_run) == 1


def test_the_name_of_our_file_of_arguments_is_the_one_that_is_written():
    from tintbox import run_arguments

    assert refusals.OWN == run_arguments.OWN


@pytest.fixture
def off(monkeypatch):
    """Turn off every capability that is queried, and record which."""
    asked = []

    def require(title, what):
        asked.append(title)
        raise TintboxError(f"{what} asks for {title}, which is off")

    monkeypatch.setattr(capabilities, "require", require)
    return asked


def test_a_run_by_a_file_without_its_second_half_is_refused(off, tmp_path):
    from ultralytics.utils import YAML

    (tmp_path / "args.yaml").write_text("epochs: 3\n")
    assert YAML.load(tmp_path / "args.yaml") == {"epochs": 3} and not off, "a stock run's"
    (tmp_path / refusals.OWN).write_text("freeze: neck\n")
    (tmp_path / "other.yaml").write_text("epochs: 4\n")
    assert YAML.load(tmp_path / "other.yaml") == {"epochs": 4} and not off
    with pytest.raises(TintboxError, match=rf"{refusals.OWN} beside .*args\.yaml asks for arguments in a file"):
        YAML.load(tmp_path / "args.yaml")


def test_names_that_are_ours_are_refused_where_they_are_not_known(off, monkeypatch):
    from ultralytics.cfg import check_dict_alignment

    checked = []
    monkeypatch.setattr(capabilities, "check", checked.append)
    check_dict_alignment({"epochs": 1, "task": None}, {"epochs": 2, "task": "detect"})
    assert checked[0] == {"task": "detect"} and not off
    with pytest.raises(TintboxError, match="colorize asks for colourising"):
        check_dict_alignment({"epochs": 1}, {"colorize": ""})
