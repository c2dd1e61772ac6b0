"""The training state: what is saved, restored, and left out."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ultralytics import YOLO

from tintbox.plugins.resume import state

pytestmark = pytest.mark.attack("resume")


def test_the_finished_checkpoint_holds_nothing_for_resuming(copy):
    run = copy("colorize")
    before = torch.load(run / "weights/last.pt", weights_only=False)
    assert state.KEY in before["optimizer"]
    YOLO(run / "weights/last.pt").train(resume=True, save_dir=str(run))
    after = torch.load(run / "weights/last.pt", weights_only=False)
    assert after["optimizer"] is None and not hasattr(after["model"], state.KEY)


def test_restricted_loading_takes_it(stopped, forked):
    code = "import sys; from ultralytics import YOLO; print(YOLO(sys.argv[1]).ckpt['epoch'])"
    done = forked("-c", code, stopped["frozen"] / "weights/last.pt", env={"ULTRALYTICS_SAFE_LOAD": "1"})
    assert done.stdout.splitlines()[-1:] == ["1"], done.stderr


def test_another_batch_size_goes_on_from_the_weights(copy):
    run = copy("frozen")
    model = YOLO(run / "weights/last.pt")
    saved = torch.load(run / "weights/last.pt", weights_only=False)["optimizer"][state.KEY]["weights"]
    found = {}
    model.add_callback("on_train_start", lambda trainer: found.update(trainer.model.state_dict()))
    model.add_callback("on_train_batch_start", lambda trainer: setattr(trainer, "stop", True))
    model.train(resume=True, save_dir=str(run), batch=2)
    name = "model.0.conv.weight"  # frozen, so no step has changed it
    assert torch.equal(found[name], saved[name])


def draw():
    """Draw a number from each generator."""
    return random.random(), float(np.random.random()), float(torch.rand(()))


def test_random_generators_go_on_where_they_were(tmp_path):
    saved = state.random_state(torch.device("cpu"))
    torch.save(saved, tmp_path / "state.pt")
    first = draw()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    assert draw() != first
    state.set_random_state(torch.load(tmp_path / "state.pt", weights_only=True))  # plain data and tensors
    assert draw() == first


def test_a_normal_number_that_numpy_keeps_back_is_kept():
    np.random.seed(0)
    np.random.normal()  # draws two
    saved = state.random_state(torch.device("cpu"))
    second = np.random.normal()
    np.random.seed(5)
    state.set_random_state(saved)
    assert np.random.normal() == second


@pytest.mark.parametrize(
    "loader",
    [
        SimpleNamespace(),
        SimpleNamespace(generator=torch.Generator(), num_workers=2, iterator=1, dataset=None),
        SimpleNamespace(generator=torch.Generator(), num_workers=0, dataset=None),
        SimpleNamespace(generator=None, num_workers=0, iterator=1, dataset=None),
    ],
)
def test_loaders_whose_state_is_out_of_reach(loader):
    assert state.loader_state(loader) is None


def test_the_loader_of_this_process_has_a_state():
    dataset = SimpleNamespace(buffer=[3, 1])
    loader = SimpleNamespace(generator=torch.Generator().manual_seed(5), num_workers=0, iterator=1, dataset=dataset)
    found = state.loader_state(loader)
    assert found["buffer"] == [3, 1] and found["buffer"] is not dataset.buffer
    assert torch.equal(found["generator"], torch.Generator().manual_seed(5).get_state())


def test_pictures_are_read_again_in_their_order():
    read = []
    dataset = SimpleNamespace(load_image=read.append, buffer=[9])
    state._fill(dataset, [2, 0, 2])
    assert read == [2, 0, 2] and dataset.buffer == [2, 0, 2]
    state._fill(SimpleNamespace(), [1])  # a dataset that does not buffer images


def trainer_of(model, average, batches=3, images=12):
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    loader = torch.utils.data.DataLoader(range(images), images // batches)
    return SimpleNamespace(
        model=model, ema=SimpleNamespace(ema=average), optimizer=optimizer, train_loader=loader,
        device=torch.device("cpu"), add_callback=lambda *_: None, optimizer_step=lambda: None,
    )  # fmt: skip


def network(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))


@pytest.mark.parametrize(("batches", "images"), [(3, 12), (4, 12), (3, 15)])
def test_weights_average_and_momentum_are_taken_back(batches, images):
    trainer = trainer_of(network(0), network(1))
    trainer.ema.ema[0].weight.data.copy_(trainer.model[0].weight)  # as if frozen: equal in both
    trainer.model(torch.rand(4, 2)).square().sum().backward()
    trainer.optimizer.step()
    trainer.ema.ema[0].weight.data.copy_(trainer.model[0].weight)
    position = state.Position(trainer)
    saved = position.capture(trainer.optimizer.state_dict())
    assert "0.weight" not in saved["average"] and "0.bias" in saved["average"]

    other = trainer_of(network(2), network(3), batches, images)
    resumed = state.Position(other)
    resumed.restore(saved)
    assert bool(resumed.saved) == ((batches, images) == (3, 12)), "with other batches, the rest does not fit"
    for mine, theirs in ((trainer.model, other.model), (trainer.ema.ema, other.ema.ema)):
        for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
            assert torch.equal(a, b)
    for a, b in zip(trainer.optimizer.state.values(), other.optimizer.state.values(), strict=True):
        assert torch.equal(a["momentum_buffer"], b["momentum_buffer"])


def test_a_checkpoint_has_the_state_beside_what_stock_reads():
    trainer = trainer_of(network(0), network(1))
    position = state.Position(trainer)
    own = trainer.optimizer.state_dict()
    added = position.add(trainer.optimizer, own)
    assert added.keys() == {*own, state.KEY} and added[state.KEY]["version"] == state.VERSION


GONE = object()


@pytest.mark.parametrize(
    "change",
    [
        {"weights": {"0.weight": torch.zeros(3, 2), "0.bias": torch.zeros(9)}},
        {"weights": {"0.weight": torch.zeros(3, 2), "7.weight": torch.zeros(3, 2)}},
        {"average": {"0.bias": torch.zeros(9)}},
        *({key: GONE} for key in ("weights", "average", "optimizer", "last_step", "gradients", "random", "loader")),
    ],
)
def test_of_another_network_nothing_is_taken(change):
    trainer = trainer_of(network(0), network(1))
    saved = state.Position(trainer).capture(trainer.optimizer.state_dict())
    saved = {key: value for key, value in {**saved, **change}.items() if value is not GONE}
    other = trainer_of(network(2), network(3))
    with pytest.raises((KeyError, ValueError)):
        state.Position(other).restore(saved)
    for found, seed in ((other.model, 2), (other.ema.ema, 3)):
        for mine, before in zip(found.state_dict().values(), network(seed).state_dict().values(), strict=True):
            assert torch.equal(mine, before)
