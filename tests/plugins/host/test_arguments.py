"""Where a user finds tintbox's arguments, and whose an unknown one is."""

import logging

import pytest
import ultralytics.cfg as cfg
from ultralytics.utils import LOGGER

from tintbox.errors import TintboxError
from tintbox.plugins.host import arguments


@pytest.fixture
def told():
    """What Ultralytics' logger gets."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.msg)
    LOGGER.addHandler(handler)
    yield lines
    LOGGER.removeHandler(handler)


def test_help_is_held_back_until_it_is_known_whose_the_mistake_is(told):
    with arguments.help_held(cfg) as held:
        LOGGER.info("something else")
        LOGGER.info(cfg.CLI_HELP_MSG)
        assert told == ["something else"] and len(held) == 1
    assert told == ["something else", cfg.CLI_HELP_MSG]
    LOGGER.info(cfg.CLI_HELP_MSG)
    assert len(told) == 3, "afterwards it is told at once"


def test_help_that_is_not_wanted_is_dropped(told):
    with arguments.help_held(cfg) as held:
        LOGGER.info(cfg.CLI_HELP_MSG)
        held.clear()
    assert told == []


def test_help_is_told_where_an_error_passes(told):
    with pytest.raises(SyntaxError), arguments.help_held(cfg):
        LOGGER.info(cfg.CLI_HELP_MSG)
        raise SyntaxError
    assert told == [cfg.CLI_HELP_MSG]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["cfg"], 1), (["--cfg"], 1), (["CFG", "x"], 1), (["train", "cfg"], 0), (["cfg=x.yaml"], 0), ([], 0)],
)
def test_after_cfg_our_arguments_are_named(told, words, said):
    arguments.tell_of_options(words)
    assert told == ["# tintbox adds arguments of its own: tintbox options"] * said


@pytest.mark.parametrize("mode", ["val", "predict", "track", "export", "benchmark"])
def test_an_argument_of_training_is_refused_elsewhere(mode):
    from ultralytics import YOLO

    with pytest.raises(TintboxError, match="freeze") as caught:
        getattr(YOLO("yolo11n.yaml"), mode)(freeze="backbone")
    assert "\n" not in str(caught.value)
