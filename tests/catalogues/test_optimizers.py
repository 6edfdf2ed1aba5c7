"""What every optimizer of the package owes its user, whatever it does; a new class is found by itself."""

import inspect
import pickle

import numpy as np
import pytest

import vradam
from vradam import noise, objectives, sweeps

OPTIMIZERS = {
    name: value
    for name, value in vars(vradam).items()
    if inspect.isclass(value) and hasattr(value, "init") and hasattr(value, "step")
}
every_optimizer = pytest.mark.parametrize("kind", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
BOWL = objectives.quadratic([1.0, 4.0])
STARTS = np.array([[1.0, -2.0], [0.3, 0.4], [-5.0, 0.1]])


def final_value(trajectory):
    return trajectory.value[:, -1]


def test_they_are_those_of_the_documentation():
    assert {"VRAdam", "VRMomentum", "AdamW", "Lion"} <= set(OPTIMIZERS) <= set(vradam.__all__)


@every_optimizer
def test_it_comes_to_rest_in_a_bowl(kind):
    """With a rate that falls as 1/sqrt t every one of them, sign methods included, ends near the minimum."""
    optimizer = kind(alpha0=lambda t: 0.3 / np.sqrt(t))
    run = vradam.simulate(optimizer, BOWL, [1.0, -2.0], 2000, every=0)
    assert run.value[-1] < 1e-3 * run.value[0] and run.diverged_at == -1


@every_optimizer
def test_a_step_changes_nothing_that_it_is_given(kind):
    optimizer, x = kind(alpha0=0.01), STARTS.copy()
    state = optimizer.init(x)
    before = pickle.dumps((x, state))
    moved, after = optimizer.step(x, BOWL.grad(x), state)
    assert pickle.dumps((x, state)) == before and after.step == 1
    assert not np.shares_memory(moved, x) and moved.shape == x.shape
    assert optimizer.learning_rate(after).shape == (3,)


@every_optimizer
def test_a_batch_is_its_runs_one_by_one(kind):
    """Bit for bit, with a hyper-parameter and a seed for each run."""
    rates, seeds, law = np.array([0.01, 0.02, 0.003]), np.array([3, 1, 2]), noise.gaussian(0.1)
    together = vradam.simulate(kind(alpha0=rates), BOWL, STARTS, 50, law, seed=seeds, engine="numpy")
    for i in range(3):
        one = slice(i, i + 1)
        alone = vradam.simulate(kind(alpha0=rates[one]), BOWL, STARTS[one], 50, law, seed=seeds[one], engine="numpy")
        np.testing.assert_array_equal(together.x[one], alone.x)


@every_optimizer
def test_a_run_goes_on_from_its_state(kind):
    optimizer = kind(alpha0=0.02)
    whole = vradam.simulate(optimizer, BOWL, STARTS, 60, noise.gaussian(0.1), seed=1, engine="numpy")
    first = vradam.simulate(optimizer, BOWL, STARTS, 25, noise.gaussian(0.1), seed=1, engine="numpy")
    state = pickle.loads(pickle.dumps(first.final_state))
    rest = vradam.simulate(optimizer, BOWL, first.final_x, 35, noise.gaussian(0.1), seed=1, state=state, engine="numpy")
    np.testing.assert_array_equal(rest.final_x, whole.final_x)


@every_optimizer
def test_it_can_be_swept(kind):
    table = sweeps.run(
        kind(), BOWL, {"alpha0": [0.001, 0.01]}, seeds=[0, 1], statistic=final_value, x0=[1.0, 1.0], steps=20
    )
    assert dict(table.final_value.sizes) == {"alpha0": 2, "seed": 2} and np.isfinite(table.final_value).all()


@every_optimizer
def test_it_says_what_it_does_and_refuses_what_it_cannot(kind):
    assert ".. math::" in kind.__doc__ or "theta" in kind.__doc__
    with pytest.raises(ValueError, match=r"alpha0 must lie in \[0, inf\), got -1"):
        kind(alpha0=-1)
    with pytest.raises(ValueError, match="grad must have the shape of x"):
        kind().step(np.ones(2), np.ones(3), kind().init(np.ones(2)))
