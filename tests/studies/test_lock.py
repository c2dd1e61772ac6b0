"""Two processes never work in one folder, and a killed process leaves no lock."""

import os
import signal
import subprocess
import sys

import pytest

from tintbox.studies import lock

pytestmark = pytest.mark.attack("study")

# Pairs of processes that start together, one folder per pair: how many of a pair held its lock at the same time.
PAIRS = """
import multiprocessing, pathlib, sys
from tintbox.studies.lock import BusyError, hold
root, pairs = pathlib.Path(sys.argv[1]), int(sys.argv[2])
begin, end, held = (multiprocessing.Barrier(2), multiprocessing.Barrier(2), multiprocessing.Array("i", pairs))

def work():
    for pair in range(pairs):
        begin.wait()
        try:
            with hold(root / str(pair)):
                with held.get_lock():
                    held[pair] += 1
                end.wait()
        except BusyError:
            end.wait()

for pair in range(pairs):
    (root / str(pair)).mkdir()
workers = [multiprocessing.Process(target=work) for _ in range(2)]
[worker.start() for worker in workers]
[worker.join() for worker in workers]
print(*held[:])
"""


def test_of_a_hundred_pairs_released_together_one_each_holds_the_lock(python, tmp_path):
    done = python("-c", PAIRS, tmp_path, 100, timeout=60)
    assert done.stdout.split() == ["1"] * 100, done.stderr


HOLD = """
import pathlib, sys, time
from tintbox.studies.lock import hold
with hold(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_holds_it_is_named_and_a_killed_one_leaves_no_lock(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(lock.BusyError, match=rf"a study is at work there \(process {process.pid}\); wait"):
            lock.hold(tmp_path).__enter__()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with lock.hold(tmp_path):
        pass
    assert [file.name for file in tmp_path.iterdir()] == [lock.LOCK]


def test_a_holder_on_another_machine_and_one_that_cannot_be_read(tmp_path):
    (tmp_path / lock.HOLDER).write_text("17 other\nmachine")
    assert lock.holder(tmp_path) == " (process 17 on other machine)"
    (tmp_path / lock.HOLDER).write_bytes(b"\xff\0")
    assert lock.holder(tmp_path) == ""


def test_it_is_free_again_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), lock.hold(tmp_path):
        assert (tmp_path / lock.HOLDER).read_text().startswith(f"{os.getpid()} ")
        raise ZeroDivisionError
    with lock.hold(tmp_path), pytest.raises(lock.BusyError), lock.hold(tmp_path):
        pass
