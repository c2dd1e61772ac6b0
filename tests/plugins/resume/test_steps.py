"""The optimizer's steps of a resumed run come at the same batches as in an uninterrupted one, even during warm-up."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tintbox.plugins.resume.steps import Steps

pytestmark = pytest.mark.attack("resume")


class Trainer:
    """A training loop that counts like Ultralytics' own and records the batches of its steps."""

    def __init__(self, batches, accumulate):
        self.train_loader = [None] * batches
        self.rule, self.accumulate = accumulate, 1
        self.made, self.callbacks = [], {}

    def add_callback(self, event, function):
        self.callbacks.setdefault(event, []).append(function)

    def run(self, event):
        for function in self.callbacks.get(event, []):
            function(self)

    def optimizer_step(self):
        self.made.append(self.batch)

    def train(self, first, epochs):
        last = -1
        for self.epoch in range(first, epochs):
            self.run("on_train_epoch_start")
            for i in range(len(self.train_loader)):
                self.batch = i + len(self.train_loader) * self.epoch
                self.run("on_train_batch_start")
                self.accumulate = self.rule[min(self.batch, len(self.rule) - 1)]
                if self.batch - last >= self.accumulate:
                    self.optimizer_step()
                    last = self.batch
                self.run("on_train_batch_end")


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(1, 9), st.lists(st.integers(1, 12), min_size=1, max_size=20).map(sorted), st.integers(1, 4))
def test_steps(batches, accumulate, stop):
    whole = Trainer(batches, accumulate)
    whole.train(0, 6)
    before = Trainer(batches, accumulate)
    counted = Steps(before)
    before.train(0, stop)
    after = Trainer(batches, accumulate)
    Steps(after).resume(counted.last)
    after.train(stop, 6)
    assert before.made + after.made == whole.made


def test_an_epoch_that_is_begun_again_counts_anew():
    trainer = SimpleNamespace(optimizer_step=lambda: None, add_callback=lambda *_: None, train_loader=[0], epoch=1)
    steps = Steps(trainer)
    steps.resume(5)
    steps.on_train_epoch_start(trainer)
    steps.on_train_epoch_start(trainer)
    assert (steps.last, steps.astray) == (-1, False)
