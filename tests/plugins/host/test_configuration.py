"""Ultralytics' arguments, files, tasks and command line with the plugin."""

from types import SimpleNamespace

import pytest
import ultralytics.cfg as cfg
from ultralytics.utils import DEFAULT_CFG, DEFAULT_CFG_DICT, LOGGER, WEIGHTS_DIR, checks

from tintbox.errors import TintboxError
from tintbox.plugins import files, options
from tintbox.plugins.host import configuration


def test_every_option_is_a_default_in_both_places():
    for option in options.OPTIONS:
        assert DEFAULT_CFG_DICT[option.name] == getattr(DEFAULT_CFG, option.name) == option.default
    assert cfg.DEFAULT_CFG_DICT is DEFAULT_CFG_DICT, "one dict, which other modules have imported"


@pytest.mark.parametrize(("asked", "there", "used"), [("3", 8, 3), ("16", 8, 8), ("", 8, 8)])
def test_threads_are_bounded(monkeypatch, asked, there, used):
    monkeypatch.setenv("TINTBOX_THREADS", asked)
    utils = SimpleNamespace(NUM_THREADS=there)
    configuration.threads(utils)
    assert used == utils.NUM_THREADS


def test_shipped_files_are_found_in_the_folder_of_weights(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = str(files.find_all()["colorize-unet.yaml"])
    assert checks.check_file(WEIGHTS_DIR / "colorize-unet.yaml") == found
    assert checks.check_file("colorize-unet.yaml") == found
    with pytest.raises(FileNotFoundError):
        checks.check_file(tmp_path / "colorize-unet.yaml")


def test_colorize_is_a_task_in_every_table():
    assert cfg.TASKS[-1] == "colorize" and len(set(cfg.TASKS)) == len(cfg.TASKS)
    for table in (cfg.TASK2DATA, cfg.TASK2MODEL, cfg.TASK2METRIC, cfg.TASK2CALIBRATIONDATA):
        assert "colorize" in table
    assert checks.check_file(cfg.TASK2MODEL["colorize"]) and checks.check_file(cfg.TASK2DATA["colorize"])
    assert "'colorize'" in cfg.CLI_HELP_MSG and cfg.CLI_HELP_MSG.rstrip().endswith("tintbox options")


def test_a_value_is_checked_after_ultralytics_own_checks():
    with pytest.raises(TypeError, match="epochs"):
        cfg.check_cfg({"epochs": "three", "crop": 9})
    with pytest.raises(TintboxError, match="crop=9"):
        cfg.check_cfg({"epochs": 3, "crop": 9})


def test_an_error_that_came_before_the_names_is_passed_on():
    """For example a missing cfg= file: no name is wrong."""
    error = TintboxError("'x.yaml' does not exist")
    with pytest.raises(TintboxError) as caught:
        cfg.check_dict_alignment({"epochs": 1}, {"epohcs": 2}, error)
    assert caught.value is error


def test_names_of_ultralytics_that_it_drops_itself_are_no_mistake():
    cfg.check_dict_alignment(DEFAULT_CFG_DICT, {"augmentations": None, "save_dir": "x"})
    with pytest.raises(TintboxError, match="did you mean 'freeze'"):
        cfg.check_dict_alignment(DEFAULT_CFG_DICT, {"frezee": 1})
    with pytest.raises(SyntaxError, match="epohcs") as caught:
        cfg.check_dict_alignment(DEFAULT_CFG_DICT, {"epohcs": 1})
    assert not isinstance(caught.value, TintboxError), "a stock name of no task of ours is Ultralytics' to tell"


def test_the_words_are_those_of_a_debug_text_where_there_is_one(monkeypatch, capsys):
    monkeypatch.setattr(cfg, "ARGV", ["yolo", "version"])
    with pytest.raises(SystemExit):
        cfg.entrypoint("yolo colorize trian")
    assert "did you mean 'train'" in capsys.readouterr().err


def test_help_is_held_back_until_it_is_known_whose_the_mistake_is(log):
    with configuration.help_held(cfg) as held:
        LOGGER.info("something else")
        LOGGER.info(cfg.CLI_HELP_MSG)
        assert log == ["something else"] and len(held) == 1
    assert log == ["something else", cfg.CLI_HELP_MSG]
    LOGGER.info(cfg.CLI_HELP_MSG)
    assert len(log) == 3, "afterwards it is told at once"


def test_help_that_is_not_wanted_is_dropped(log):
    with configuration.help_held(cfg) as held:
        LOGGER.info(cfg.CLI_HELP_MSG)
        held.clear()
    assert log == []


def test_help_is_told_where_an_error_passes(log):
    with pytest.raises(SyntaxError), configuration.help_held(cfg):
        LOGGER.info(cfg.CLI_HELP_MSG)
        raise SyntaxError
    assert log == [cfg.CLI_HELP_MSG]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["cfg"], 1), (["--cfg"], 1), (["CFG", "x"], 1), (["train", "cfg"], 0), (["cfg=x.yaml"], 0), ([], 0)],
)
def test_after_cfg_our_arguments_are_named(log, words, said):
    configuration.tell_of_options(words)
    assert log == ["# tintbox adds arguments of its own: tintbox options"] * said
