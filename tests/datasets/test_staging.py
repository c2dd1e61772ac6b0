"""A dataset's folder is complete, or does not exist."""

import json
import shutil

import pytest

from tintbox.datasets.staging import RECORD, is_complete, stage
from tintbox.errors import TintboxError

RECIPE = {"dataset": "test", "pictures": 2}


def fill(folder):
    for split in ("train", "val"):
        (folder / "images" / split).mkdir(parents=True)
        (folder / "images" / split / "0.png").write_bytes(b"x")


def test_a_folder_appears_whole(tmp_path):
    target = tmp_path / "set"
    assert not is_complete(target, RECIPE)
    with stage(target, RECIPE) as folder:
        fill(folder)
        assert not target.exists()
    assert is_complete(target, RECIPE) and [path.name for path in tmp_path.iterdir()] == ["set"]
    (target / "images/val/0.png").unlink()
    assert not is_complete(target, RECIPE)


def test_a_folder_that_another_run_takes_away_meanwhile_is_no_matter(tmp_path):
    (tmp_path / ".set.staging-other").symlink_to(tmp_path / "taken away")
    with stage(tmp_path / "set", RECIPE) as folder:
        fill(folder)
    assert is_complete(tmp_path / "set", RECIPE)


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), stage(tmp_path / "set", RECIPE) as folder:
        fill(folder)
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_source_that_is_not_there_is_named(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    match = "link', which it is made from, is not there"
    with pytest.raises(TintboxError, match=match), stage(tmp_path / "set", RECIPE) as folder:
        shutil.copy(tmp_path / "link", folder / "a.png")


def test_half_a_folder_is_mended_and_other_files_stay(tmp_path):
    target = tmp_path / "set"
    (target / "images/train").mkdir(parents=True)
    (target / "images/train/mine.png").write_bytes(b"mine")
    with stage(target, RECIPE) as folder:
        fill(folder)
    assert is_complete(target, RECIPE) and (target / "images/train/mine.png").read_bytes() == b"mine"


def test_a_folder_of_another_recipe_is_left_alone(tmp_path):
    with stage(tmp_path / "set", RECIPE) as folder:
        fill(folder)
    with pytest.raises(
        TintboxError, match=r"holds another dataset .dataset test, pictures 2., not dataset test, pictures 3"
    ):
        is_complete(tmp_path / "set", {**RECIPE, "pictures": 3})
    (tmp_path / "set" / RECORD).write_text("{")
    assert not is_complete(tmp_path / "set", RECIPE)


@pytest.mark.parametrize(
    "record",
    [{"recipe": RECIPE, "files": [3]}, {"recipe": [1], "files": {}}, {"recipe": RECIPE, "files": {"*": "3"}}, 3],
)
def test_a_broken_record_is_of_an_unfinished_folder(tmp_path, record):
    (tmp_path / RECORD).write_text(json.dumps(record))
    assert not is_complete(tmp_path, RECIPE)
