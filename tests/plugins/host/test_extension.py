"""The classes of a model, whatever runs it."""

from types import SimpleNamespace

import pytest

from tintbox.plugins.host import extension


@pytest.mark.parametrize(
    ("branches", "counts"),
    [
        ("[4, 2]", [4, 2]),  # an export's metadata is text
        ([4, 2], [4, 2]),
        (None, []),
        ("[4, 2", []),
        ("[4, 3]", []),  # not as many as the model's classes
        ("[4, true, 1]", []),
        ("[7, -1]", []),
        ("{}", []),
        ("__import__('os')", []),
    ],
)
def test_the_counts_of_an_export(branches, counts):
    model = SimpleNamespace(branches=branches, names=dict.fromkeys(range(6), "x"))
    assert extension.find_counts(model) == counts
    assert extension.find_counts(SimpleNamespace(names={})) == []


@pytest.mark.parametrize(
    ("asked", "kept", "expected"),
    [(None, None, False), (None, True, True), (None, "True", True), (None, "False", False), (False, True, False),
     (True, None, True)],
)  # fmt: skip
def test_what_is_asked_for_counts_before_what_the_model_says(asked, kept, expected):
    runner = SimpleNamespace(args=SimpleNamespace(reconcile=asked))
    assert extension.reconciles(runner, SimpleNamespace(reconcile=kept)) is expected
    assert extension.reconciles(runner, SimpleNamespace(model=SimpleNamespace(reconcile=kept))) is expected
