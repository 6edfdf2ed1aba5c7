"""The page of NumPy that explains the compiled tile does what the tile does, bit for bit."""

from types import SimpleNamespace

import numpy as np
import pytest

import vradam
from vradam.engine import mirror


@pytest.mark.parametrize("runs", [64, 100])
def test_the_mirror_has_the_bits_of_the_tile(runs):
    """Twenty-five steps on a quadratic from starts over six decades, every hyper-parameter different in every run."""
    pytest.importorskip("numba")
    random = np.random.default_rng(0)
    curvatures = np.array([0.5, 3.0, 10.0])
    numbers = {
        "alpha0": random.uniform(0.01, 1, runs),
        "alpha1": random.uniform(1, 20, runs),
        "beta1": random.uniform(0.5, 0.99, runs),
        "beta2": random.uniform(0.9, 0.999, runs),
        "beta3": random.uniform(0.1, 10, runs),
        "eps": random.uniform(1e-9, 1e-2, runs),
    }
    x0 = np.geomspace(1e-3, 1e3, runs)[:, None] * random.normal(size=(runs, 3))
    bowl = vradam.objectives.quadratic(curvatures)
    run = vradam.simulate(vradam.VRAdam(**numbers), bowl, x0, 25, every=1, engine="compiled")
    ones, zeros = np.ones(runs), np.zeros((3, runs))
    tile = mirror.Tile(x0.T.copy(), zeros, zeros, ones, ones)
    for t in range(1, 26):
        tile = mirror.step(tile, curvatures[:, None] * tile.X, SimpleNamespace(**numbers))
        np.testing.assert_array_equal(run.x[:, t].T, tile.X)
    np.testing.assert_array_equal(run.final_state.second_moment.T, tile.m)
