"""Text on streams that cannot show it, or that nobody reads any more."""

import io
import logging
import os
import sys

import pytest

from tintbox import terminal


class Ascii(io.StringIO):
    encoding = "ascii"


def test_what_an_encoding_lacks_is_written_in_other_words(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Ascii())
    assert terminal.make_printable("0.5 ± 0.1 …") == "0.5 +- 0.1 ..."
    assert terminal.make_printable("häß\U0001f34e") == r"h\xe4\xdf\U0001f34e"


def test_a_stream_without_its_reader_is_written_into_nothing():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as raw:
        stream = terminal.PatientStream(raw)
        assert stream.write("a" * 100_000) == 100_000
        stream.flush()
        assert isinstance(stream.failure, BrokenPipeError)
        stream.write("more")
        stream.flush()
    assert isinstance(stream.failure, BrokenPipeError), "the first reason is kept"


def test_ultralytics_is_quiet_within_the_context_and_as_before_after_it():
    from ultralytics.utils import LOGGER

    before = LOGGER.level
    with pytest.raises(KeyboardInterrupt), terminal.quiet(logging.ERROR):
        assert LOGGER.level == logging.ERROR
        raise KeyboardInterrupt
    assert LOGGER.level == before
