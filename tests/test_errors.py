"""Texts of errors: one line, with the nearest known name."""

import os

import pytest

from tintbox.errors import (
    TintboxError,
    TintboxFileError,
    counted,
    explain_refusal,
    lack,
    list_values,
    message_of,
    name_file,
    one_line,
    reason_of,
    suggest,
    suggest_file,
    value_text,
)


def test_any_white_space_is_one_space():
    assert one_line(" a\n\tb\r\n  c\x0b") == "a b c"


def test_a_long_list_is_counted():
    assert list_values([3, "a"]) == "3, a"
    assert list_values(range(5), most=2) == "0, 1 and 3 more"
    assert list_values([]) == ""


def test_arguments_are_shown_as_they_are_typed():
    assert value_text({0.5: "backbone", 3: ["neck", -9]}) == "{0.5: backbone, 3: [neck, -9]}"
    assert [value_text(v) for v in (0.0005, True, None, "a\nb")] == ["0.0005", "True", "None", "a b"]


def test_what_no_line_can_hold_is_shown():
    assert one_line("\x1b[31mgnp\u202e.\u2066exe\x9b") == "gnp\\u202e.\\u2066exe\\x9b"
    assert one_line("caf\udce9.pt") == "caf\\udce9.pt"  # a name that is not UTF-8
    assert one_line("שלום\u200f.pt") == "שלום\u200f.pt"  # a mark that turns nothing


def test_the_nearest_name_is_suggested_if_it_is_near():
    assert suggest("bakbone", ["neck", "backbone"]) == "; did you mean 'backbone'?"
    assert suggest("x", ["neck", "backbone"]) == ""
    assert suggest("21", [20, 31, 121]) == "; did you mean '121'?"  # names need not be texts


def test_the_nearest_file_is_suggested_where_the_folder_is_there(tmp_path):
    (tmp_path / "best.pt").touch()
    assert suggest_file(tmp_path / "bets.pt") == "; did you mean 'best.pt'?"
    assert suggest_file(tmp_path / "nowhere" / "bets.pt") == ""
    assert suggest_file(tmp_path / ("x" * 300) / "bets.pt") == "", "no folder can have this name"
    assert suggest_file(tmp_path / "best.pt") == "", "not the name itself"


def test_nothing_is_suggested_where_the_folder_cannot_be_listed(forked, tmp_path):
    """A root user is switched to an unprivileged one."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tintbox import errors, json_file\n"
        "os.geteuid() or os.setresuid(65534, 65534, 65534)\n"
        "try: json_file.read(Path(sys.argv[1]), 9)\n"
        "except errors.TintboxError as error: print(error)\n"
    )
    for folder in (tmp_path, *(parent for parent in tmp_path.parents if "pytest" in str(parent))):
        folder.chmod(folder.stat().st_mode | 0o055)
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o311)  # its files can be opened by name
    done = forked("-c", code, closed / "coco.json")
    closed.chmod(0o755)
    assert done.stdout == f"{closed / 'coco.json'}: no such file\n", done.stderr


def test_what_a_path_without_a_file_leads_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert lack(tmp_path) == "a folder, no file"
    assert lack(tmp_path / "pipe") == "a pipe or device, no file"
    assert lack(tmp_path / "none") == lack(tmp_path / ("x" * 300)) == "no such file"


def test_an_error_of_a_file_shows_its_line_alone():
    error = TintboxFileError("x.pt: no such file")
    assert isinstance(error, FileNotFoundError) and isinstance(error, ValueError)
    assert str(error) == "x.pt: no such file"


def test_the_file_in_which_a_mistake_is_found_is_named_once():
    for line in ("no layers\nin it", "my.cfg: no layers in it"):
        with pytest.raises(TintboxError, match=r"^my\.cfg: no layers in it$"), name_file("my.cfg"):
            raise TintboxError(line)


def test_what_the_system_refuses_is_told_with_its_reason_and_the_fix(tmp_path):
    with pytest.raises(TintboxError) as caught, explain_refusal("out=x: cannot be read", "; give another out="):
        (tmp_path / "none").read_bytes()
    assert str(caught.value) == "out=x: cannot be read (No such file or directory); give another out="
    with pytest.raises(TintboxFileError, match=r"^x: no such file$"), explain_refusal("out=x: cannot be read"):
        raise TintboxFileError("x: no such file")


def test_a_number_agrees_with_its_noun():
    assert [counted(number, "run") for number in (0, 1, 2000)] == ["0 runs", "1 run", "2,000 runs"]


def test_nearest_and_one_line():
    assert suggest("bakbone", ["backbone", "neck"]) == "; did you mean 'backbone'?"
    assert suggest("xyz", ["backbone"]) == ""
    assert one_line("a\n  b\t c\n") == "a b c"


def test_of_a_system_error_only_the_reason_is_told(tmp_path):
    with pytest.raises(OSError) as caught:
        (tmp_path / "none").read_bytes()
    assert reason_of(caught.value) == "No such file or directory"
    assert reason_of(OSError("no\nnumber")) == "no number"
    assert reason_of(TintboxFileError("x: no such file")) == "x: no such file"
    assert reason_of(ValueError("embedded null byte")) == "embedded null byte"


def test_an_error_without_a_text_is_named():
    assert message_of(ValueError("a\n b")) == "a b" and message_of(ValueError()) == "ValueError"
