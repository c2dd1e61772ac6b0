"""An extended network: the old network inside stays the same in all operations, and a branch starts as its copy."""

import copy
import pickle

import pytest
import torch
from ultralytics import YOLO
from ultralytics.nn.tasks import load_checkpoint

from tintbox.plugins.extend import network
from tintbox.plugins.extend.head import ALL_LEVELS

from .conftest import KINDS, OLD, WITHOUT_COARSEST, WITHOUT_FINEST, add_branch

SPECS = ("head", "slim", "neck", "neck[4:]", "backbone[5:]", "backbone[1:]")


def extend(model, spec, names=("n", "m"), levels=ALL_LEVELS):
    return add_branch(model, spec, names, levels).eval()


@torch.no_grad()
def run(model, x):
    return model(x)[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", SPECS)
def test_old_predictions_are_the_same_bits_and_the_branch_begins_with_the_old_boxes(kind, spec, old, load, pictures):
    model = load(old[kind])
    made = extend(model, spec)
    before, after = run(model, pictures), run(made, pictures)
    anchors, rows = before.shape[2], 4 + len(OLD)
    assert after.shape == (6, rows + 2, 2 * anchors)
    assert torch.equal(after[:, :rows, :anchors], before)
    if spec not in ("head", "slim"):  # those are narrower
        assert torch.equal(after[:, :4, anchors:], before[:, :4])  # every layer of the branch has the right inputs
    assert not after[:, rows:, :anchors].any() and not after[:, 4:rows, anchors:].any()
    assert after[:, rows:, anchors:].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", ["slim", "neck", "backbone[5:]"])
@pytest.mark.parametrize("levels", [WITHOUT_FINEST, WITHOUT_COARSEST], ids=["finest", "coarsest"])
def test_a_branch_without_a_level(kind, spec, levels, old, load, pictures):
    """Its anchors are the others', and begin with the old boxes; what only that level needs is not copied."""
    model = load(old[kind])
    made = extend(model, spec, levels=levels)
    before, after = run(model, pictures), run(made, pictures)
    cells, anchors, rows = [12 * 8, 6 * 4, 3 * 2], before.shape[2], 4 + len(OLD)
    first, own = sum(cells[: levels.start]), sum(cells[levels])
    assert after.shape == (6, rows + 2, anchors + own)
    assert torch.equal(after[:, :rows, :anchors], before)
    if (spec, levels) != ("slim", WITHOUT_COARSEST):  # its head may be narrower
        assert torch.equal(after[:, :4, anchors:], before[:, :4, first : first + own])
    again = extend(extend(made, "neck", ["o"]), "slim", ["p"], levels)
    assert again.joined.levels == [3, 2, 3, 2]
    assert torch.equal(run(again, pictures)[:, : rows + 2, : after.shape[2]], after)
    used = network.last_uses(made.model, network.inputs(made.joined)[3:])
    copied = len(made.model) - 1 - made.starts[0]
    assert len([i for i in used if i >= made.starts[0]]) == copied < made.size - made.forks[0]
    # Without the finest level, it reads the old neck's layers there.
    assert any(made.forks[0] < i < made.size for i in used) == (levels == WITHOUT_FINEST)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "specs", [("backbone[5:]", "head", "neck"), ("slim", "neck", "slim"), ("neck[4:]", "slim", "head")]
)
def test_three_extensions_leave_all_before_them_as_it_was(kind, specs, old, load, pictures):
    model, names = load(old[kind]), list(OLD)
    for i, spec in enumerate(specs):
        before = run(model, pictures)
        model = extend(model, spec, [f"n{i}"])
        names.append(f"n{i}")
        assert torch.equal(run(model, pictures)[:, : before.shape[1], : before.shape[2]], before)
        assert list(model.names.values()) == names
    assert model.joined.counts == [4, 1, 1, 1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("spec", "levels"),
    [
        *((spec, ALL_LEVELS) for spec in SPECS),
        *((spec, levels) for spec in ("slim", "backbone[5:]") for levels in (WITHOUT_FINEST, WITHOUT_COARSEST)),
    ],
)
def test_a_branch_knows_what_it_began_from(kind, spec, levels, old, load):
    first = extend(load(old[kind]), "neck", "k")
    for made in (extend(load(old[kind]), spec, levels=levels), extend(first, spec, levels=levels)):
        values, own = made.initial_weights(), made.state_dict()
        assert all(torch.equal(value, own[name]) for name, value in values.items())
        held = made.held(own)
        rest = {name for name in own if name not in held and ".heads." not in name}
        assert values.keys() == rest and bool(rest) == (made.starts[-1] < len(made.model) - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_training_runs_the_newest_branch_as_validation_does(kind, old, load, pictures):
    made = extend(extend(load(old[kind]), "neck"), "backbone[3:]", ["o"])
    made.end2end = False
    with torch.no_grad():
        (_, raw), alone = made(pictures), made.run_newest(pictures)
    raw, alone = (found.get("one2many", found) for found in (raw, {**alone} if isinstance(alone, dict) else alone[1]))
    assert all(torch.equal(raw[name], alone[name]) for name in ("boxes", "scores"))


def test_only_the_newest_branch_is_run_in_training_and_has_gradients(old, load, pictures):
    made = extend(extend(load(old["yolo11n"]), "head"), "neck", ["o"]).train()
    seen = []
    for i, layer in enumerate(made.model):
        layer.register_forward_hook(lambda *_, i=i: seen.append(i))
    found = made(pictures)
    assert seen == [*range(11), *range(made.starts[-1], len(made.model) - 1)]
    found["scores"].sum().backward()
    held = made.held_parameters()
    assert all(p.grad is None for name, p in made.named_parameters() if name in held)
    assert any(p.grad is not None for name, p in made.named_parameters() if name not in held)


def test_what_is_old_stays_in_evaluation_mode(old, load, pictures):
    made = extend(load(old["yolo11n"]), "backbone[5:]").train()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    made(pictures)
    changed = {name for name, value in made.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and not changed & made.held(before)


@pytest.mark.parametrize("kind", ["yolo11n", "yolo26n"])
def test_copies_pickles_half_precision_and_fusion_keep_the_old_predictions(kind, old, load, pictures):
    model = load(old[kind])
    made = extend(model, "neck")
    before = run(model, pictures)

    def same(one, base=before):
        return torch.equal(run(one, pictures)[:, : base.shape[1], : base.shape[2]], base)

    assert same(copy.deepcopy(made))
    assert same(pickle.loads(pickle.dumps(made)))
    assert same(copy.deepcopy(made).half().float())
    fused = copy.deepcopy(made).fuse(verbose=False)
    assert fused.is_fused()
    assert same(fused, run(copy.deepcopy(model).fuse(verbose=False), pictures))


@pytest.mark.smoke
def test_restricted_loading_and_another_process_know_the_model(
    old, load, tmp_path, python, forked, pictures, monkeypatch
):
    yolo = YOLO(str(old["yolo11n"]))
    before = run(yolo.model.eval(), pictures)
    yolo.model = extend(yolo.model, "head")
    file = tmp_path / "extended.pt"
    yolo.save(file)
    from ultralytics.nn import tasks

    monkeypatch.setattr(tasks, "SAFE_LOAD", True)
    model, _ = load_checkpoint(file)
    assert torch.equal(run(model, pictures)[:, : before.shape[1], : before.shape[2]], before)
    code = f"from ultralytics import YOLO; m = YOLO(r'{file}'); print('FOUND', m.task, list(m.names.values()))"
    for start, env in ((python, {}), (forked, {"ULTRALYTICS_SAFE_LOAD": "1"})):
        done = start("-c", code, env=env)
        assert "FOUND detect ['a', 'b', 'x', 'y', 'n', 'm']" in done.stdout, done.stderr
