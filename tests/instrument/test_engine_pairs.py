"""Where the arrays of a tile lie, and noise that is drawn in its sweep: neither changes a bit."""

import numpy as np
import pytest

import vradam
from vradam.engine import draws, lanes, pieces
from vradam.engine.intrinsics import rows_of_lanes
from vradam.engine.layout import LINE
from vradam.engine.specialise import specialise

NOISES = {
    "normal": vradam.noise.gaussian(0.2),
    "two-point": vradam.noise.two_point(0.2, 0.3),
    "uniform": vradam.noise.uniform(0.4),
}


def places(found, width):
    """Begin two arrays of i + 1 rows for every i, fill both, and say where they begin and whether they are apart."""
    for i in range(found.shape[0]):
        one, other = rows_of_lanes(i + 1, width), rows_of_lanes(i + 1, width)
        one[:], other[:] = 1.0, 2.0
        found[i, 0], found[i, 1] = one.ctypes.data, other.ctypes.data
        found[i, 2], found[i, 3] = one.sum() + other.sum(), one.shape[0] * one.shape[1]


@pytest.mark.parametrize("width", [1, 5, 64])
def test_compiled_arrays_begin_on_cache_lines_and_lie_apart(width):
    found = np.zeros((20, 4), np.int64)
    specialise(places, {})(found, width)
    assert (found[:, :2] % LINE == 0).all()
    sizes = width * np.arange(1, 21)
    assert np.array_equal(found[:, 3], sizes) and np.array_equal(found[:, 2], 3 * sizes)
    assert (abs(found[:, 0] - found[:, 1]) >= 8 * sizes).all()


@pytest.mark.parametrize("name", NOISES)
def test_noise_drawn_in_the_sweep_is_that_drawn_before_it_bit_for_bit(name, monkeypatch):
    """In even and odd dimensions, with records and flushes between, where the noise is drawn before."""
    assert draws.PAIRS.keys() >= {draws.GAUSSIAN, draws.TWO_POINT, draws.UNIFORM}

    def ends(d):
        x = np.random.default_rng(d).standard_normal((70, d))
        bowl, optimizer = vradam.objectives.quadratic(np.geomspace(0.1, 1, d)), vradam.VRAdam(alpha0=0.05)
        return vradam.simulate(optimizer, bowl, x, 70, NOISES[name], seed=d, every=9, engine="compiled")

    monkeypatch.setattr(lanes, "WORTH_FUSING", 0)
    within = [ends(d) for d in (1, 2, 5)]
    monkeypatch.setattr(draws, "PAIRS", {})
    pieces.assembled.cache_clear()
    before = [ends(d) for d in (1, 2, 5)]
    pieces.assembled.cache_clear()
    for one, other in zip(within, before, strict=True):
        assert np.array_equal(one.x, other.x) and np.array_equal(one.learning_rate, other.learning_rate)
        assert np.array_equal(one.mean_grad_norm_squared, other.mean_grad_norm_squared)
        assert np.array_equal(one.final_state.second_moment, other.final_state.second_moment)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_long_slope_beside_the_next_coordinate_changes_no_bit(d, monkeypatch):
    """One coordinate has no next one."""
    assert pieces.is_long(vradam.objectives.log_cosh(d).kernel.form)
    assert not pieces.is_long(vradam.objectives.quadratic(np.ones(d)).kernel.form)
    refuse_other_bits(vradam.objectives.log_cosh(d), monkeypatch)


@pytest.mark.parametrize("noise", [None, *NOISES.values()])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_neighbours_beside_the_next_coordinate_change_no_bit(d, noise, monkeypatch):
    """Each coordinate is moved before its neighbour's slope is taken, and the ends have one neighbour."""
    valley = vradam.objectives.rosenbrock(d)
    assert valley.kernel.neighbours
    refuse_other_bits(valley, monkeypatch, noise)


@pytest.mark.parametrize("worth", [0, np.inf])
def test_what_is_tiny_becomes_zero_before_step_32_fused_or_not(worth, monkeypatch):
    """And nothing before it, nor a number that is not tiny."""
    monkeypatch.setattr(lanes, "WORTH_FUSING", worth)
    bowl, x0 = vradam.objectives.quadratic([1.0, 1.0]), np.array([[1e-200, 1.0]])
    for steps in (31, 32, 45):
        run = vradam.simulate(vradam.HeavyBall(alpha0=0.05), bowl, x0, steps, every=0, engine="compiled")
        tiny, other = run.final_x[0]
        assert tiny == (0.0 if steps >= 32 else pytest.approx(other * 1e-200, rel=1e-12, abs=0)) and other != 0


def refuse_other_bits(objective, monkeypatch, noise=None):
    """Fused or not, the same bits."""
    x, runs = np.random.default_rng(objective.dim).standard_normal((70, objective.dim)), []
    for worth in (0, np.inf):
        monkeypatch.setattr(lanes, "WORTH_FUSING", worth)
        optimizer = vradam.VRAdam(alpha0=0.05)
        runs.append(vradam.simulate(optimizer, objective, x, 70, noise, seed=1, every=9, engine="compiled"))
    assert np.isfinite(runs[0].x).all()
    for name in ("x", "learning_rate", "mean_grad_norm_squared"):
        assert np.array_equal(*(getattr(run, name) for run in runs)), name
