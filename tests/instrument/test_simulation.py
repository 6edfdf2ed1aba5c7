"""simulate: what it records, what it refuses, and that a run does not notice its neighbours."""

from dataclasses import replace

import numpy as np
import pytest

from vradam import noise, objectives
from vradam.optimizer import VRAdam
from vradam.plan import checked_plan
from vradam.recorder import TAU_DRAWS, stratified_tau, tau_total, tau_weight
from vradam.simulation import chosen_engine, simulate

NOISES = [None, noise.gaussian(0.3), noise.gaussian(0.3, bound=0.5), noise.two_point(0.2, 0.1), noise.uniform(0.2)]


def finite_sum():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(40, 3))
    return objectives.logistic_regression(features, (features @ [1.0, 2.0, -1.0] > 0).astype(float), l2=0.01)


def test_it_is_the_step_applied_again_and_again():
    """The records are x_t, F(x_t), ||grad F(x_t)||, eta_t at steps 0, 7, 14, 20 of a loop written by hand."""
    f, optimizer, x = objectives.rosenbrock(2), VRAdam(alpha0=0.03), np.array([-1.2, 1.0])
    run = simulate(optimizer, f, x, steps=20, every=7, engine="numpy")
    assert run.step.tolist() == [0, 7, 14, 20]
    state, t = optimizer.init(x), 0
    for i, step in enumerate(run.step):
        while t < step:
            x, state = optimizer.step(x, f.grad(x), state)
            t += 1
        assert (run.x[i] == x).all() and run.value[i] == f.value(x)
        np.testing.assert_allclose(run.grad_norm[i], np.linalg.norm(f.grad(x)), rtol=1e-15)
        assert run.learning_rate[i] == optimizer.learning_rate(state)
    assert run.diverged_at == -1 and run.final_state.step == 20


@pytest.mark.parametrize(
    ("every", "recorded"), [(0, [0, 10]), (1, list(range(11))), (3, [0, 3, 6, 9, 10]), (5, [0, 5, 10]), (99, [0, 10])]
)
def test_thinning(every, recorded):
    run = simulate(VRAdam(), objectives.quadratic([1.0]), [1.0], steps=10, every=every)
    assert run.step.tolist() == recorded
    assert run.x.shape == (len(recorded), 1) and run.value.shape == run.learning_rate.shape == (len(recorded),)


@pytest.mark.parametrize("beta1", [0.0, 0.9])
@pytest.mark.parametrize("law", NOISES, ids=str)
def test_the_weighted_mean_does_not_need_the_path(beta1, law):
    """P(tau = j) proportional to 1 - beta1^(N-j), j = 0, ..., N-1, of the exact gradient."""
    run = simulate(VRAdam(alpha0=0.05, beta1=beta1), objectives.log_cosh(2), np.ones((3, 2)), steps=60, noise=law)
    weights = 1 - beta1 ** (60 - np.arange(60))
    expected = (run.grad_norm[:, :-1] ** 2 * weights).sum(-1) / weights.sum()
    np.testing.assert_allclose(run.mean_grad_norm_squared, expected, rtol=1e-13)
    np.testing.assert_allclose(tau_total(beta1, 60), weights.sum(), rtol=1e-14)


def test_mean_of_a_finite_sum_is_estimated_without_bias():
    """256 stratified draws of tau; over 400 runs the estimate and the full mean differ by less than their scatter."""
    f, optimizer = finite_sum(), VRAdam(alpha0=0.1)
    few = simulate(optimizer, f, np.zeros((400, 3)), steps=600, noise=noise.minibatch(4), every=0)
    full = simulate(optimizer, f, np.zeros((400, 3)), steps=600, noise=noise.minibatch(4), every=1)
    weights = tau_weight(0.9, 600, np.arange(600))
    mean = (full.grad_norm[:, :-1] ** 2 * weights).sum(-1) / weights.sum()
    error = few.mean_grad_norm_squared - mean
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(400)
    assert error.std() < 0.1 * mean.mean()
    np.testing.assert_array_equal(few.x[:, -1], full.x[:, -1])


def test_stratified_draws_follow_the_law_of_tau():
    plan = checked_plan(VRAdam(beta1=0.9), finite_sum(), np.zeros((300, 3)), 400, noise.minibatch(2), 5, 0, None)
    draws = stratified_tau(plan)
    assert draws.shape == (TAU_DRAWS, 300) and draws.min() >= 0 and draws.max() <= 399
    weights = tau_weight(0.9, 400, np.arange(400))
    share = np.bincount(draws.ravel(), minlength=400) / draws.size
    np.testing.assert_allclose(share[-10:], weights[-10:] / weights.sum(), rtol=0.35)
    np.testing.assert_allclose(np.cumsum(share)[::40], np.cumsum(weights / weights.sum())[::40], atol=2e-3)


@pytest.mark.parametrize("law", [*NOISES, noise.minibatch(4)], ids=str)
def test_a_batch_is_its_runs_one_by_one_bit_for_bit(law):
    f = finite_sum()
    optimizer = VRAdam(alpha0=np.array([0.01, 0.1, 0.3]), weight_decay=0.01)
    batch = simulate(optimizer, f, np.ones(3), steps=300, noise=law, seed=np.array([5, 6, 7]), every=50)
    for i in range(3):
        alone = simulate(
            replace(optimizer, alpha0=optimizer.alpha0[i]), f, np.ones(3), 300, law, seed=np.array(5 + i), every=50
        )
        for name in ("x", "value", "grad_norm", "learning_rate", "mean_grad_norm_squared"):
            assert (getattr(batch, name)[i] == getattr(alone, name)).all(), name


@pytest.mark.parametrize("law", [*NOISES, noise.minibatch(4)], ids=str)
def test_a_run_continued_is_the_run_in_one_go_bit_for_bit(law):
    f, optimizer = finite_sum(), VRAdam(alpha0=0.1, gate_decay=0.5)
    whole = simulate(optimizer, f, np.ones((2, 3)), 50, law, seed=4)
    first = simulate(optimizer, f, np.ones((2, 3)), 20, law, seed=4)
    rest = simulate(optimizer, f, first.final_x, 30, law, seed=4, state=first.final_state)
    np.testing.assert_array_equal(whole.x[:, 20:], rest.x)
    np.testing.assert_array_equal(whole.learning_rate[:, 20:], rest.learning_rate)
    assert rest.final_state.step == 50
    with pytest.raises(ValueError, match=r"state must belong to points of shape \(3,\), got \(2, 3\)"):
        simulate(optimizer, f, np.ones(3), 5, state=first.final_state)


@pytest.mark.parametrize(
    ("runs", "d", "steps", "engine"),
    [
        (1, 1, 19_000, "numpy"), (1, 1, 20_000, "compiled"), (10_000, 10, 1000, "compiled"),
        (10_000, 10, 500, "numpy"), (64, 2, 5000, "numpy"), (64, 2, 40_000, "compiled"),
    ],
)  # fmt: skip
def test_auto_goes_by_the_whole_work(runs, d, steps, engine):
    """Steps x (4000 + runs x d) against 8e7: what NumPy does in a second or two is not compiled."""
    pytest.importorskip("numba", reason="the compiled engine needs Numba")
    bowl = objectives.quadratic(np.ones(d))
    plan = checked_plan(VRAdam(), bowl, np.ones((runs, d)), steps, None, 0, 0, None)
    assert chosen_engine("auto", plan) == engine
    single = checked_plan(VRAdam(), bowl, np.ones(d), steps, None, 0, 0, None)
    assert chosen_engine("auto", single, runs) == engine
    without = checked_plan(VRAdam(), replace(bowl, kernel=None), np.ones((runs, d)), steps, None, 0, 0, None)
    single_precision = plan._replace(x0=plan.x0.astype(np.float32))
    assert chosen_engine("auto", without) == chosen_engine("auto", single_precision) == "numpy"


def test_runs_of_one_seed_use_different_streams():
    run = simulate(VRAdam(), objectives.log_cosh(1), np.ones((2, 1)), steps=20, noise=noise.uniform(0.5))
    assert run.x[0, -1] != run.x[1, -1]


def test_a_sweep_is_one_call_over_the_broadcast_of_its_axes():
    optimizer = VRAdam(alpha0=np.geomspace(0.01, 0.1, 4)[:, None, None], beta3=np.array([0.0, 1.0, 4.0])[:, None])
    run = simulate(optimizer, objectives.quadratic([1.0, 2.0]), [1.0, 1.0], steps=5, seed=np.arange(2))
    assert run.x.shape == (4, 3, 2, 6, 2) and run.diverged_at.shape == (4, 3, 2)


def test_a_run_that_diverges_is_recorded_and_harms_nobody():
    """Its gradient becomes NaN beyond |x| = 5 (or infinite beyond 7): the step is recorded, the records end."""
    bowl = objectives.quadratic([1.0])
    wall = replace(bowl, grad=lambda x: np.where(abs(x) > 7, np.inf, np.where(abs(x) > 5, np.nan, -x)), kernel=None)
    start = np.array([[4.95], [6.0], [8.0], [1e-3]])
    run = simulate(VRAdam(alpha0=0.02, beta3=0.0), wall, start, steps=30)
    assert run.diverged_at.tolist() == [4, 1, 1, -1]
    for i, end in enumerate(run.diverged_at[:3]):
        assert np.isfinite(run.x[i, :end]).all()
        for series in (run.x[i, :, 0], run.value[i], run.grad_norm[i], run.learning_rate[i]):
            assert np.isnan(series[end:]).all()
    alone = simulate(VRAdam(alpha0=0.02, beta3=0.0), wall, start[3:], steps=30)
    np.testing.assert_array_equal(run.x[3:], alone.x)
    assert np.isnan(run.mean_grad_norm_squared).tolist() == [True, True, True, False]


def test_to_xarray_has_labelled_axes():
    run = simulate(VRAdam(alpha0=np.array([[0.1], [0.2]])), objectives.quadratic([1.0]), np.ones((3, 1)), 4, every=2)
    data = run.to_xarray()
    assert data.x.dims == ("run_0", "run_1", "step", "coordinate") and data.step.values.tolist() == [0, 2, 4]
    assert data.attrs == {"optimizer": "VRAdam", "objective": "quadratic"}


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ({"steps": 0}, ValueError, "steps must be an integer >= 1, got 0"),
        ({"steps": 2.5}, TypeError, "steps must be an integer >= 1, got 2.5"),
        ({"steps": True}, TypeError, "steps must be an integer >= 1, got True"),
        ({"every": -1}, ValueError, "every must be an integer >= 0, got -1"),
        ({"x0": [np.nan, 1.0]}, ValueError, "x0 must be finite, got nan"),
        ({"x0": [np.inf, 1.0]}, ValueError, "x0 must be finite, got inf"),
        ({"x0": [1.0]}, ValueError, r"x0 must have shape \(..., 2\) for quadratic, got \(1,\)"),
        ({"x0": 1.0}, ValueError, r"x0 must have shape \(..., 2\) for quadratic, got \(\)"),
        ({"x0": [1j, 1.0]}, TypeError, "x0 must hold real numbers"),
        ({"x0": [True, False]}, TypeError, "x0 must hold real numbers"),
        ({"seed": 0.5}, TypeError, "seed must be an integer"),
        ({"seed": -1}, ValueError, "seed must lie in"),
        ({"engine": "gpu"}, ValueError, "engine must be 'auto', 'numpy' or 'compiled', got 'gpu'"),
        ({"x0": np.ones((0, 2))}, ValueError, r"the runs must be one at least, got the shape \(0,\)"),
        ({"x0": np.ones((3, 2)), "seed": np.arange(4)}, ValueError, "the runs must broadcast against each other"),
    ],
)
def test_bad_input(argument, error, message):
    arguments = {"optimizer": VRAdam(), "objective": objectives.quadratic([1.0, 2.0]), "x0": [1.0, 1.0], "steps": 3}
    with pytest.raises(error, match=message):
        simulate(**arguments | argument)


def test_a_gradient_of_the_wrong_shape_is_refused():
    wrong = replace(objectives.quadratic([1.0, 2.0]), grad=lambda x: x[..., :1], kernel=None)
    with pytest.raises(ValueError, match=r"the gradient of quadratic must have shape \(2,\), got \(1,\)"):
        simulate(VRAdam(), wrong, [1.0, 1.0], steps=3)
