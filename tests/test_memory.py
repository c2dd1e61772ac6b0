"""Memory that is kept from step to step."""

import resource
import sys

import psutil
import pytest
import torch

from tintbox import memory

MEGABYTE = 1 << 20
glibc = pytest.mark.skipif(memory._glibc() is None, reason="the C library is not glibc")


def faults(megabytes=256):
    """Return how many pages the system had to find for a tensor, which is freed again."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(megabytes, MEGABYTE, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@glibc
def test_memory_is_taken_once_within_the_block_and_given_back_after_it():
    process, outside = psutil.Process(), min(faults() for _ in range(3))
    before = process.memory_info().rss
    with memory.kept():
        first, *others = [faults() for _ in range(10)]  # what lies between large blocks may move the first ones
        within = process.memory_info().rss
    assert min(others) < 0.01 * outside and first > min(others)
    assert within - before > 200 * MEGABYTE
    assert process.memory_info().rss - before < 50 * MEGABYTE
    assert faults() > 0.5 * outside


@glibc
def test_an_error_gives_it_back_too():
    before = psutil.Process().memory_info().rss
    with pytest.raises(KeyboardInterrupt), memory.kept():
        faults()
        raise KeyboardInterrupt
    assert psutil.Process().memory_info().rss - before < 50 * MEGABYTE


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_a_users_own_adjustment_stays(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    monkeypatch.setattr(memory, "_glibc", lambda: pytest.fail("asked for"))
    with memory.kept():
        pass


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_go_on_as_before(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    assert memory._glibc() is None
    with memory.kept():
        pass
