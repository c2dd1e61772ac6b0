"""Where tintbox's arguments are documented, and who reports an unknown one."""

import pytest
import ultralytics.cfg as cfg
from ultralytics.utils import LOGGER

from tintbox.errors import TintboxError
from tintbox.plugins.host import arguments


def test_help_is_held_back_until_it_is_known_whose_the_mistake_is(log):
    with arguments.help_held(cfg) as held:
        LOGGER.info("something else")
        LOGGER.info(cfg.CLI_HELP_MSG)
        assert log == ["something else"] and len(held) == 1
    assert log == ["something else", cfg.CLI_HELP_MSG]
    LOGGER.info(cfg.CLI_HELP_MSG)
    assert len(log) == 3, "afterwards it is told at once"


def test_help_that_is_not_wanted_is_dropped(log):
    with arguments.help_held(cfg) as held:
        LOGGER.info(cfg.CLI_HELP_MSG)
        held.clear()
    assert log == []


def test_help_is_told_where_an_error_passes(log):
    with pytest.raises(SyntaxError), arguments.help_held(cfg):
        LOGGER.info(cfg.CLI_HELP_MSG)
        raise SyntaxError
    assert log == [cfg.CLI_HELP_MSG]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["cfg"], 1), (["--cfg"], 1), (["CFG", "x"], 1), (["train", "cfg"], 0), (["cfg=x.yaml"], 0), ([], 0)],
)
def test_after_cfg_our_arguments_are_named(log, words, said):
    arguments.tell_of_options(words)
    assert log == ["# tintbox adds arguments of its own: tintbox options"] * said


@pytest.mark.parametrize("mode", ["val", "predict", "track", "export", "benchmark"])
def test_an_argument_of_training_is_refused_elsewhere(mode):
    from ultralytics import YOLO

    with pytest.raises(TintboxError, match="freeze") as caught:
        getattr(YOLO("yolo11n.yaml"), mode)(freeze="backbone")
    assert "\n" not in str(caught.value)
