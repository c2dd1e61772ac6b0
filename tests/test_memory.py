"""Memory that is kept from step to step."""

import sys

import psutil
import pytest
import torch

from tintbox import memory

MEGABYTE = 1 << 20
CPU = torch.device("cpu")
glibc = pytest.mark.skipif(memory._glibc() is None, reason="the C library is not glibc")


def faults(count=16, megabytes=16):
    """Return how many pages the system had to find for tensors, which are freed again."""
    import resource  # there is none on Windows

    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.ones(megabytes, MEGABYTE, dtype=torch.uint8) for _ in range(count)]
    del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@glibc
def test_memory_is_taken_once_within_the_block_and_given_back_after_it():
    process = psutil.Process()
    before = process.memory_info().rss
    with memory.keep(CPU):
        within_block = [faults() for _ in range(10)]
        within = process.memory_info().rss
    after = process.memory_info().rss
    assert min(within_block) < 0.01 * faults(), "what was given back is asked for again"
    assert within - after > 200 * MEGABYTE
    assert after - before < 50 * MEGABYTE


@glibc
def test_large_blocks_are_not_taken_again_and_again():
    process = psutil.Process()
    before = process.memory_info().rss
    with memory.keep(CPU):
        for _ in range(8):
            faults(1, 256)
            assert process.memory_info().rss - before < 300 * MEGABYTE, "one, in a gap that was there already"


@glibc
def test_an_error_gives_it_back_too():
    before = psutil.Process().memory_info().rss
    with pytest.raises(KeyboardInterrupt), memory.keep(CPU):
        faults()
        raise KeyboardInterrupt
    assert psutil.Process().memory_info().rss - before < 50 * MEGABYTE


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_a_users_own_adjustment_stays(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    monkeypatch.setattr(memory, "_glibc", lambda: pytest.fail("asked for"))
    with memory.keep(CPU):
        pass


def test_training_on_another_device_changes_nothing(monkeypatch):
    monkeypatch.setattr(memory, "_glibc", lambda: pytest.fail("asked for"))
    with memory.keep(torch.device("cuda")):
        pass


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_go_on_as_before(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    assert memory._glibc() is None
    with memory.keep(CPU):
        pass
