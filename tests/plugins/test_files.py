"""The YAML files that tintbox ships, found by bare name."""

import pytest

from tintbox.errors import TintboxFileError
from tintbox.plugins import files


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


def test_a_name_that_no_file_can_have_is_told_as_ever():
    from ultralytics.utils.checks import check_yaml

    with pytest.raises(FileNotFoundError, match="does not exist"):
        check_yaml("a" * 300 + ".yaml")


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


@pytest.mark.parametrize("name", ["no.yaml", "fruitbowl.txt", "fruitbowl", "a/fruitbowl.yaml", "", "../fruitbowl.yaml"])
def test_what_is_not_found_by_bare_name(name):
    assert files.find(name) is None


def test_a_name_may_have_spaces_around_it():
    assert files.find(" fruitbowl.yaml\n") == files.find_all()["fruitbowl.yaml"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("fruitbwl.yaml", "fruitbowl.yaml"),
        ("colorize-unt.yml", "colorize-unet.yaml"),
        ("x/recipe-sed.yaml", "recipe-seed.yaml"),
    ],
)
def test_a_name_that_is_nearly_one_is_explained(name, near):
    error = files.explain_missing(name)
    assert str(error).startswith(f"'{name}' does not exist; did you mean '{near}")


@pytest.mark.parametrize("name", ["yolo99.yaml", "fruitbwl.txt", "", "zzz.yaml"])
def test_of_others_nothing_is_said(name):
    assert files.explain_missing(name) is None


def test_every_yaml_of_the_package_is_there_once():
    found = [path for folder in files.folders() for path in folder.glob("*.yaml")]
    assert len(found) == len(files.find_all()) > 20
