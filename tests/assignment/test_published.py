"""The assignment's closed forms against what is counted in the network."""

import pytest

from tintbox.assignment.published import COLOURISERS, pool_complexity
from tintbox.colorization.complexity import complexity, load_network


@pytest.mark.parametrize("size", [32, 64, 96])
def test_closed_forms_are_what_is_counted(size):
    network, channels = load_network("colorize-pool.yaml")
    assert complexity(network, size, channels)["total"] == pool_complexity(size)


def test_doubling_the_side_keeps_the_weights_and_makes_four_times_the_rest():
    small, large = pool_complexity(32), pool_complexity(64)
    assert large == {
        "weights": small["weights"],
        "outputs": 4 * small["outputs"],
        "connections": 4 * small["connections"],
    }


def test_public_runs_are_in_the_order_that_the_assignment_found():
    pool, convt, unet = COLOURISERS.values()
    assert pool.accuracy[1] < convt.accuracy[0] < convt.accuracy[1] < unet.accuracy[0]
    assert pool.loss[0] > convt.loss[1] > convt.loss[0] > unet.loss[1]
