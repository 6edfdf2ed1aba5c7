"""Gradients whose square is no float: one law in ``step``, ``InPlace`` and the two engines, up to the largest float.

A coordinate whose gradient is g at every step moves eta max(1, |g|/sqrt(M)), M the largest float of its precision.
"""

import numpy as np
import pytest

import vradam
from vradam.engine import single
from vradam.inplace import InPlace
from vradam.sharpness import preconditioner

#: Without a gate, eta = alpha0; with the published gate such a gradient closes it: eta = alpha0/(1 + alpha1).
OPTIMIZERS = {
    "VRAdam without gate": (vradam.VRAdam(alpha0=0.1, beta3=0.0), 0.1),
    "VRAdam": (vradam.VRAdam(alpha0=0.1, alpha1=4.0), 0.02),
    "VRAdam, beta2 = 0": (vradam.VRAdam(alpha0=0.1, alpha1=4.0, beta2=0.0), 0.02),
    "smoothed": (vradam.VRAdam(alpha0=0.1, alpha1=4.0, gate_decay=0.9), 0.02),
    "Adam": (vradam.Adam(alpha0=0.1), 0.1),
    "AdamW": (vradam.AdamW(alpha0=0.1, weight_decay=0.0), 0.1),
}
SIZES = {
    np.float64: [1e150, 1e154, 2e154, 1e200, 1e300, np.finfo(float).max],
    np.float32: [1e15, 1e19, 3e19, 1e30, float(np.finfo(np.float32).max)],
}
LAWS = [(dtype, size) for dtype, sizes in SIZES.items() for size in sizes]


def law(eta, size, dtype):
    return eta * max(1.0, size / np.sqrt(float(np.finfo(dtype).max)))


@pytest.mark.parametrize(("dtype", "size"), LAWS)
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("sign", [1, -1])
def test_such_a_coordinate_moves_by_the_stated_distance(name, dtype, size, sign):
    optimizer, eta = OPTIMIZERS[name]
    x, grad = np.zeros(2, dtype), np.array([sign * size, 0.0], dtype)
    state, array = optimizer.init(x), np.zeros(2, dtype)
    training, distance = InPlace(optimizer, [array]), -sign * law(eta, size, dtype)
    precision = 1e-12 if dtype is np.float64 else 3e-5
    for t in range(1, 6):
        x, state = optimizer.step(x, grad, state)
        training.step([grad])
        for found in (x, array):
            assert found[0] == pytest.approx(t * distance, rel=precision)
            assert found[1] == 0.0
        assert np.isfinite(preconditioner(optimizer, state)).all()


@pytest.mark.parametrize("name", ["VRAdam without gate", "VRAdam", "Adam"])
def test_both_engines_move_alike(name):
    """On a slope so steep that one step changes nothing of it: L x with L = 1e200, x from 1 to 1 - 1e45."""
    optimizer, eta = OPTIMIZERS[name]
    steep, start = vradam.objectives.quadratic([1e160]), [1.0]
    ends = [
        vradam.simulate(optimizer, steep, start, steps=1, every=0, engine=engine).final_x[0]
        for engine in ("numpy", "compiled")
    ]
    np.testing.assert_allclose(ends, 1.0 - law(eta, 1e160, float), rtol=1e-13)


def test_a_huge_gradient_among_ordinary_ones_is_averaged_like_the_largest_square():
    """m_t = beta2 m_{t-1} + (1 - beta2) min(g^2, M), in every engine, when gradients shrink again."""
    optimizer = vradam.VRAdam(alpha0=0.1, beta3=0.0, beta2=0.5)
    x, array = np.zeros(1), np.zeros(1)
    state, training = optimizer.init(x), InPlace(optimizer, [array])
    expected, largest = 0.0, np.finfo(float).max
    for grad in (1e200, 1.0, -1e160, 3.0):
        x, state = optimizer.step(x, [grad], state)
        training.step([np.array([grad])])
        expected = 0.5 * expected + 0.5 * min(grad**2 if abs(grad) < 1e150 else np.inf, largest)
        assert state.second_moment[0] == pytest.approx(expected, rel=1e-15)
        assert training.second_moments[0][0] == pytest.approx(expected, rel=1e-15)
    np.testing.assert_allclose(array, x, rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("place", [0, 3 * single.BLOCK + 5])
def test_a_gradient_that_is_not_finite_touches_its_coordinate_and_closes_the_gate(name, bad, place):
    """The same in ``step`` and in ``InPlace``, wherever the coordinate lies and however early the gate is closed."""
    optimizer, eta = OPTIMIZERS[name]
    size = 4 * single.BLOCK
    grad = np.full(size, 1.0)
    grad[place] = bad
    x, array = np.zeros(size), np.zeros(size)
    x, state = optimizer.step(x, grad, optimizer.init(x))
    rate = InPlace(optimizer, [array]).step([grad])
    assert rate == pytest.approx(eta, rel=1e-14) and float(optimizer.learning_rate(state)) == pytest.approx(eta)
    np.testing.assert_allclose(array, x, rtol=1e-12)
    touched = np.arange(size) == place
    np.testing.assert_array_equal(np.isfinite(x), ~touched)
    assert np.isnan(x[place]) if np.isnan(bad) else x[place] == -bad
    np.testing.assert_allclose(x[~touched], -eta, rtol=1e-7)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_simulated_run_ends_there_and_its_neighbours_go_on(bad):
    wall = vradam.Objective(
        name="wall",
        dim=1,
        value=lambda x: x[..., 0],
        grad=lambda x: np.where(x < 0.5, bad, 1.0),
        hvp=lambda x, u: 0 * u,
    )
    run = vradam.simulate(vradam.Adam(alpha0=0.1), wall, [[1.05], [9.0]], steps=10)
    assert run.diverged_at.tolist() == [7, -1]  # 1.05 - 6 * 0.1 < 0.5
    np.testing.assert_allclose(run.final_x[1], 8.0, rtol=1e-6)


def test_the_steps_without_numba_follow_the_same_law(monkeypatch):
    by_numpy = single.Kernels(single.absorb_by_numpy, single.move_by_numpy, single.absorb_and_move_by_numpy)
    monkeypatch.setattr("vradam.engine.passes.numba_works", lambda: False)
    monkeypatch.setattr("vradam.engine.single.kernels", lambda keeps: by_numpy)
    monkeypatch.setattr("vradam.inplace.roots_pay", lambda size: False)
    optimizer, eta = OPTIMIZERS["VRAdam"]
    for dtype, size in LAWS:
        array = np.zeros(2, dtype)
        InPlace(optimizer, [array]).step([np.array([size, 0.0], dtype)])
        assert array[0] == pytest.approx(-law(eta, size, dtype), rel=3e-5) and array[1] == 0
