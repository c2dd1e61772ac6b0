"""The table of training arguments, and the files found by bare name."""

import pytest
from ultralytics.cfg import get_cfg
from ultralytics.utils import DEFAULT_CFG_DICT

from tintbox.errors import TintboxError, TintboxFileError, one_line, suggest
from tintbox.plugins import files, options


@pytest.mark.parametrize("option", options.OPTIONS, ids=lambda o: o.name)
def test_defaults_are_known_to_ultralytics_and_pass_their_own_check(option):
    assert DEFAULT_CFG_DICT[option.name] == option.default
    assert option.default is None or option.check(option.default) is None
    assert option.help
    assert option.values


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("palette", ["horses24", "a/b.yaml", 2, 256], [1, 0, -3, 2.5, True, "1.5", [1, 2]]),
        ("input_scale", [1, 255, 256.0], [0, -1, float("nan"), "255", True]),
        ("crop", [0, 0.5], [0.6, -0.1, float("inf"), "a"]),
        ("shuffle", ["epoch", "once"], ["never", 1, True]),
        ("ema_epochs", [0, 2.5], [-1, "two", float("nan")]),
        ("select", ["best", "last"], ["first", 0]),
    ],
)
def test_values(name, good, bad):
    for value in good:
        assert getattr(get_cfg(overrides={name: value}), name) == value
    for value in bad:
        with pytest.raises(TintboxError, match=f"{name}="):
            get_cfg(overrides={name: value})


def test_unknown_arguments_fail_with_the_nearest_name():
    with pytest.raises(SyntaxError, match="palette"):
        get_cfg(overrides={"pallette": 3})


@pytest.mark.smoke
def test_shipped_yamls_are_found_by_bare_name_from_anywhere(monkeypatch, tmp_path):
    from ultralytics.utils.checks import check_file, check_yaml

    monkeypatch.chdir(tmp_path)
    for name in ("colorize-unet.yaml", "recipe-seed.yaml", "fruitbowl.yaml", "cifar10-horses.yaml"):
        assert check_yaml(name) == str(files.find_all()[name])
    assert check_file("coco8.yaml").endswith("coco8.yaml"), "Ultralytics' own are found as ever"


def test_a_file_of_the_users_goes_first(monkeypatch, tmp_path):
    from ultralytics.utils.checks import check_yaml

    monkeypatch.chdir(tmp_path)
    (tmp_path / "fruitbowl.yaml").write_text("mine: true")
    assert check_yaml("fruitbowl.yaml") == "fruitbowl.yaml"


def test_no_shipped_name_hides_one_of_ultralytics():
    from ultralytics.utils import ROOT

    theirs = {path.name for path in (ROOT / "cfg").rglob("*.yaml")}
    assert not theirs & set(files.find_all())


def test_unknown_yaml():
    from ultralytics.utils.checks import check_yaml

    with pytest.raises(TintboxFileError, match="did you mean 'recipe-seed"):
        check_yaml("recipe-sed.yaml")
    with pytest.raises(FileNotFoundError):
        check_yaml("zzzzzzzzzz.yaml")
    assert check_yaml("recipe-sed.yaml", hard=False) in ([], "")


def test_nearest_and_one_line():
    assert suggest("bakbone", ["backbone", "neck"]) == "; did you mean 'backbone'?"
    assert suggest("xyz", ["backbone"]) == ""
    assert one_line("a\n  b\t c\n") == "a b c"
