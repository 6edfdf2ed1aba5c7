"""Sharpness against known spectra, the preconditioner against the step it defines, and the edge against runs."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg

from vradam import VRMomentum, baselines, noise, objectives, sharpness
from vradam.gates import inside, per_coordinate, power
from vradam.optimizer import VRAdam
from vradam.sharpness import along, hessian_sharpness, preconditioned_sharpness, preconditioner, stability_threshold
from vradam.simulation import simulate

PRECONDITIONED = [
    VRAdam(alpha0=0.02, beta1=0.7, beta2=0.95, eps=1e-3, weight_decay=0.1),
    VRAdam(alpha0=0.02, beta1=0.7, beta2=0.95, beta3=2.0, gate_decay=0.5),
    VRAdam(alpha0=0.02, gate=power(3)),
    VRAdam(alpha0=0.02, beta1=0.7, beta2=0.95, eps=1e-3, proof_form=True),
    VRAdam(alpha0=0.02, beta1=0.7, beta2=1.0, eps=1e-3, proof_form=True),
    VRMomentum(alpha0=0.02, beta1=0.7),
    baselines.HeavyBall(alpha0=0.02, beta1=0.7, weight_decay=0.1),
    baselines.GradientDescent(alpha0=0.02),
    baselines.RMSProp(alpha0=0.02, beta2=0.9),
    baselines.Adam(alpha0=0.02, beta1=0.7, beta2=0.95),
    baselines.AdamW(alpha0=0.02, beta1=0.7, beta2=0.95, weight_decay=0.1),
    baselines.RAdam(alpha0=0.02, beta1=0.7, beta2=0.95),
]
every_optimizer = pytest.mark.parametrize("optimizer", PRECONDITIONED, ids=lambda optimizer: type(optimizer).__name__)


def test_sharpness_is_the_largest_eigenvalue_not_the_largest_modulus():
    for spectrum in ([-10.0, 4.0, 1.0], np.r_[-10.0, np.linspace(-2, 3, 297), 3.7, 4.0]):  # dense, and ARPACK
        f = objectives.quadratic(spectrum, rotation=3)
        x = np.random.default_rng(0).standard_normal((2, f.dim))
        np.testing.assert_allclose(hessian_sharpness(f, x), [4.0, 4.0], rtol=1e-12)


def test_dense_and_matrix_free_eigenvalues_agree_and_can_be_repeated(monkeypatch):
    f = objectives.rosenbrock(60)
    x = np.random.default_rng(1).standard_normal((3, 60))
    dense = hessian_sharpness(f, x)
    by_columns = hessian_sharpness(replace(f, hessian=None), x)
    monkeypatch.setattr(sharpness, "DENSE", 10)
    free = hessian_sharpness(f, x)
    assert np.array_equal(free, hessian_sharpness(f, x))
    np.testing.assert_allclose(free, dense, rtol=1e-11)
    np.testing.assert_allclose(by_columns, dense, rtol=1e-14)
    np.testing.assert_allclose(dense, [np.linalg.eigvalsh(f.hessian(row)).max() for row in x], rtol=1e-13)


def test_a_vanishing_hessian_and_points_that_are_not_finite():
    flat = objectives.quadratic(np.zeros(200))
    assert hessian_sharpness(flat, np.ones(200)) == 0.0
    f = objectives.log_cosh(2)
    assert np.array_equal(np.isnan(hessian_sharpness(f, [[0.0, 1.0], [np.nan, 1.0], [np.inf, 0.0]])), [0, 1, 1])
    assert np.isnan(hessian_sharpness(objectives.ackley(2), np.zeros(2)))


def test_with_beta2_of_one_the_preconditioner_is_the_root_of_the_sum():
    """Adagrad's; the sum of t powers of beta2 is t there, by which nothing is divided."""
    both = VRAdam(beta1=0.0, beta2=np.array([1.0, 0.9]), eps=1e-3, proof_form=True)
    state = both.init(np.ones((2, 3)))
    for scale in (1.0, 2.0, 3.0):
        _, state = both.step(np.ones((2, 3)), scale * np.ones((2, 3)), state)
    adagrad, average = preconditioner(both, state)
    np.testing.assert_allclose(adagrad, np.sqrt(1e-3 + 1 + 4 + 9), rtol=1e-15)
    sums = (9 + 0.9 * 4 + 0.81) / (1 + 0.9 + 0.81)
    np.testing.assert_allclose(average, np.sqrt(1e-3 / (1 + 0.9 + 0.81) + sums), rtol=1e-14)


@every_optimizer
def test_the_step_defines_the_preconditioner(optimizer):
    """x_t = (1 - eta_t lambda) x_{t-1} - eta_t P_t^{-1} v_t, v_t the average of the gradients, at every step."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, 3))
    state, v = optimizer.init(x), np.zeros((2, 3))
    beta1 = getattr(optimizer, "beta1", 0.0)
    for _ in range(12):
        grad = rng.standard_normal((2, 3))
        before = x
        x, state = optimizer.step(x, grad, state)
        v = beta1 * v + (1 - beta1) * grad
        eta = optimizer.learning_rate(state)[:, None]
        decay = getattr(optimizer, "weight_decay", 0.0)
        if isinstance(optimizer, baselines.RAdam):  # its P_t goes with alpha0 r_t, its decay (0 here) with alpha0
            assert decay == 0
        moved = (1 - eta * decay) * before - eta * v / preconditioner(optimizer, state)
        np.testing.assert_allclose(x, moved, rtol=1e-12, atol=1e-14)


def test_the_gate_inside_the_momentum_enters_through_the_velocity():
    optimizer = VRAdam(alpha0=0.02, gate=inside)
    x = np.array([3.0, -1.0])
    state = optimizer.init(x)
    for _ in range(5):
        before = x
        x, state = optimizer.step(x, x, state)
        np.testing.assert_allclose(x, before - 0.02 * state.velocity / preconditioner(optimizer, state), rtol=1e-14)


@pytest.mark.parametrize("dense", [True, False])
@every_optimizer
def test_preconditioned_sharpness_is_the_generalised_eigenvalue(optimizer, dense, monkeypatch):
    monkeypatch.setattr(sharpness, "DENSE", 100 if dense else 2)
    f = objectives.matrix_factorisation(np.random.default_rng(2).standard_normal((4, 3)), 2)
    x = np.random.default_rng(3).standard_normal((2, f.dim))
    state = optimizer.init(x)
    assert np.isnan(preconditioned_sharpness(f, x, state, optimizer)).all()
    for _ in range(7):
        x, state = optimizer.step(x, f.grad(x), state)
    found = preconditioned_sharpness(f, x, state, optimizer)
    P = preconditioner(optimizer, state)
    expected = [
        scipy.linalg.eigh(f.hessian(row), np.diag(p), eigvals_only=True)[-1] for row, p in zip(x, P, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_threshold():
    np.testing.assert_allclose(stability_threshold([0.0, 0.5, 0.9], 0.5), [4.0, 12.0, 76.0], rtol=1e-14)


# --- Along runs --------------------------------------------------------------------------------------------------


def test_along_follows_the_path_of_simulate_with_noise_and_over_runs():
    f = objectives.four_scalar_product()
    optimizer = VRAdam(alpha0=np.array([0.01, 0.03]), beta1=np.array([0.5, 0.9]))
    start = [2.0, 0.6, 1.5, 0.5]
    record = along(optimizer, f, start, steps=23, noise=noise.gaussian(0.1), seed=4, every=5)
    run = simulate(optimizer, f, start, steps=23, noise=noise.gaussian(0.1), seed=4, every=5)
    assert record.step.tolist() == run.step.tolist() == [0, 5, 10, 15, 20, 23]
    assert np.array_equal(record.x, run.x) and np.array_equal(record.learning_rate, run.learning_rate)
    np.testing.assert_allclose(record.sharpness, np.linalg.eigvalsh(f.hessian(run.x))[..., -1], rtol=1e-12)
    np.testing.assert_allclose(record.threshold, np.array([[6.0], [38.0]]) / run.learning_rate, rtol=1e-14)
    last = preconditioned_sharpness(f, run.final_x, run.final_state, optimizer)
    np.testing.assert_allclose(record.preconditioned[:, -1], last, rtol=1e-12)
    assert np.isnan(record.preconditioned[:, 0]).all() and not np.isnan(record.preconditioned[:, 1:]).any()


def test_a_run_that_diverges_is_nan_and_leaves_the_others_alone():
    f = objectives.four_scalar_product()
    alpha0 = np.array([0.01, 3.0])
    record = along(baselines.GradientDescent(alpha0=alpha0), f, [2.0, 2.0, 1.0, 1.0], steps=30, every=10)
    alone = along(baselines.GradientDescent(alpha0=0.01), f, [2.0, 2.0, 1.0, 1.0], steps=30, every=10)
    for series, single in zip(record[1:], alone[1:], strict=True):
        assert np.array_equal(series[0], single, equal_nan=True)
        assert np.isnan(series[1, 1:]).all()


def test_vrmomentum_beyond_the_edge_pins_the_sharpness_at_the_raised_threshold():
    """S = 1.5 B: the gate closes until eta_t L = B exactly; the threshold B/eta_t then equals the sharpness."""
    edge = 2 * 1.5 / 0.5
    optimizer = VRMomentum(alpha0=1.5 * edge / 4, beta1=0.5)
    record = along(optimizer, objectives.quadratic([4.0]), [1e-6], steps=3000, every=1000)
    assert record.threshold[-1] == pytest.approx(record.sharpness[-1], rel=1e-9)
    assert record.threshold[0] == pytest.approx(4.0 / 1.5, rel=1e-14) and record.sharpness[0] == 4.0


def test_adam_without_momentum_settles_where_the_preconditioned_sharpness_meets_two_over_eta():
    f = objectives.quadratic([1.0, 0.3, 0.05])
    settled = along(baselines.Adam(alpha0=0.01, beta1=0.0, beta2=0.99), f, np.ones(3), steps=6000, every=2000)
    assert settled.threshold[-1] == pytest.approx(200.0, rel=1e-14)
    assert settled.preconditioned[-1] == pytest.approx(200.0, rel=1e-6)
    momentum = along(baselines.Adam(alpha0=0.01, beta1=0.9, beta2=0.99), f, np.ones(3), steps=4000, every=5)
    late = (momentum.preconditioned / momentum.threshold)[-400:]
    assert 0.9 < np.mean(late) < 1.05


def test_gradient_descent_on_progressive_sharpening_rises_to_the_edge_and_stays():
    f = objectives.progressive_sharpening(final=100.0, flat=1.0)
    record = along(baselines.GradientDescent(alpha0=2 / 85), f, f.start, steps=4000, every=200)
    assert record.sharpness[0] < 2 and record.sharpness.max() > 85
    np.testing.assert_allclose(record.x[-5:, 1] ** 2, 85.0, rtol=1e-6)  # the curvature of the sharp coordinate


# --- Bad input ---------------------------------------------------------------------------------------------------


def test_bad_input_is_named():
    f = objectives.quadratic([1.0, 2.0])
    with pytest.raises(ValueError, match=r"x must have shape \(..., 2\) for quadratic, got \(3,\)"):
        hessian_sharpness(f, np.ones(3))
    with pytest.raises(ValueError, match=r"state must belong to points of shape \(2,\), got .* \(3, 2\)"):
        optimizer = baselines.Adam()
        preconditioned_sharpness(f, np.ones(2), optimizer.init(np.ones((3, 2))), optimizer)
    for optimizer in (baselines.Lion(), baselines.Nesterov()):
        with pytest.raises(
            TypeError, match=rf"optimizer must have a method preconditioner\(.*, got {type(optimizer).__name__}"
        ):
            along(optimizer, f, np.ones(2), steps=3)
    with pytest.raises(ValueError, match="optimizer must have one learning rate, got a gate per coordinate"):
        along(VRAdam(gate=per_coordinate), f, np.ones(2), steps=3)
    with pytest.raises(ValueError, match=r"beta1 must lie in \[0, 1\), got 1.0"):
        stability_threshold(1.0, 0.1)
    with pytest.raises(ValueError, match=r"eta must lie in \(0, inf\), got 0.0"):
        stability_threshold(0.9, 0.0)
    with pytest.raises(ValueError, match="every must be an integer >= 1, got 0"):
        along(baselines.Adam(), f, np.ones(2), steps=3, every=0)
