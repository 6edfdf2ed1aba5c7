"""The compiled ensemble engine returns what the reference returns, and its bits depend on nothing but the run."""

import dataclasses

import numpy as np
import pytest

import vradam
from vradam import noise, objectives, schedules, variants
from vradam.engine import lanes
from vradam.objectives.objective import Kernel
from vradam.simulation import _plan

pytest.importorskip("numba")

SPECTRUM = [1.0, 2.0, 5.0]
RUNS = 11  # more than the engine takes one at a time


def plan(optimizer, objective, runs=RUNS, steps=1000, model=None, every=0, x0=None, state=None, seed=0):
    if x0 is None:
        x0 = np.random.default_rng(3).standard_normal((runs, objective.dim))
    return _plan(optimizer, objective, x0, steps, model, seed, every, False, state)


def assert_equal(left, right):
    """Two trajectories are the same to the bit."""
    for name in ("x", "value", "grad_norm", "learning_rate", "diverged_at", "mean_grad_norm_squared"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
    for name, a, b in zip(left.final_state._fields, left.final_state, right.final_state, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def assert_close(compiled, reference, tolerance=1e-12):
    """Two trajectories agree relative to the size of the run."""
    assert np.array_equal(compiled.diverged_at, reference.diverged_at)
    for name in ("x", "value", "grad_norm", "learning_rate", "mean_grad_norm_squared"):
        got, expected = getattr(compiled, name), getattr(reference, name)
        assert got.shape == expected.shape
        assert np.array_equal(np.isnan(got), np.isnan(expected)), name
        size = np.nanmax(np.abs(expected), initial=1e-30)
        assert np.nanmax(np.abs(got - expected), initial=0.0) <= tolerance * size, name
    sound = compiled.diverged_at < 0
    for name, got, expected in zip(
        compiled.final_state._fields, compiled.final_state, reference.final_state, strict=True
    ):
        if name == "step":
            assert got == expected
            continue
        assert got.shape == expected.shape, name
        size = np.abs(expected[sound]).max(initial=1e-30)
        assert np.abs(got[sound] - expected[sound]).max(initial=0.0) <= 1e-11 * size, name


def rates(low, high):
    return np.geomspace(low, high, RUNS)


OPTIMIZERS = {
    "VRAdam": vradam.VRAdam(alpha0=rates(1e-3, 1e-2)),
    "VRAdam, everything per run": vradam.VRAdam(
        alpha0=rates(1e-3, 1e-2),
        alpha1=np.linspace(0.5, 20, RUNS),
        beta1=np.linspace(0, 0.95, RUNS),
        beta2=np.linspace(0.9, 0.9999, RUNS),
        beta3=np.geomspace(0.1, 10, RUNS),
        eps=np.geomspace(1e-8, 1e-2, RUNS),
        weight_decay=np.linspace(0, 0.1, RUNS),
        gate_decay=np.linspace(0, 0.99, RUNS),
    ),
    "weight decay": vradam.VRAdam(alpha0=1e-2, weight_decay=0.1),
    "schedule": vradam.VRAdam(alpha0=vradam.schedules.InverseSqrt(alpha0=0.1)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("model", [None, noise.gaussian(0.3)], ids=["exact", "noisy"])
def test_every_optimizer_agrees_with_the_reference(name, model):
    bowl = objectives.pseudo_huber(3)
    what = plan(OPTIMIZERS[name], bowl, model=model, every=100)
    assert lanes.supports(what.optimizer, bowl, model)
    assert_close(lanes.run(what), vradam.simulation.run_numpy(what))
