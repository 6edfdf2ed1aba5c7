"""A user's own optimizer, noise and objective: they work everywhere, or the error says what they must have."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest

import vradam
from vradam import noise, objectives, sharpness, sweeps
from vradam.objectives import Objective

BOWL = objectives.quadratic([1.0, 10.0])


class Count(NamedTuple):
    """The least that a state must have."""

    step: int


class Bare(NamedTuple):
    """A state that does not say how many steps it has taken."""

    last: np.ndarray


@dataclass(frozen=True, eq=False)
class Descent:
    """Gradient descent with a rate of one's own."""

    rate: float | np.ndarray = 0.05

    def init(self, x):
        return Count(0)

    def step(self, x, grad, state):
        return x - np.asarray(self.rate)[..., None] * grad, Count(state.step + 1)

    def learning_rate(self, state):
        return np.asarray(self.rate)

    def preconditioner(self, state):
        return np.full((2,), np.nan if state.step == 0 else 1.0)


@dataclass(frozen=True)
class Forgetful(Descent):
    """The same with a state that does not count."""

    def init(self, x):
        return Bare(x)

    def step(self, x, grad, state):
        return x - self.rate * grad, Bare(grad)


class Shaken:
    """Noise of one's own: a constant push."""

    bound = 0.1

    def stochastic_gradient(self, objective, x, exact, streams):
        streams.step += 1
        return exact + 0.1


def last(trajectory):
    return trajectory.value[:, -1]


@pytest.mark.parametrize("law", [None, noise.gaussian(0.1), noise.two_point(0.2, 0.1), Shaken()], ids=range(4))
@pytest.mark.parametrize("own", [Descent(), Forgetful()], ids=["counts", "does not count"])
def test_it_runs_like_the_one_of_the_package(own, law):
    theirs = vradam.GradientDescent(alpha0=0.05)
    runs = [vradam.simulate(one, BOWL, np.ones((3, 2)), steps=20, noise=law, seed=4) for one in (own, theirs)]
    np.testing.assert_array_equal(runs[0].x, runs[1].x)
    np.testing.assert_array_equal(runs[0].learning_rate, runs[1].learning_rate)


@pytest.mark.parametrize("law", [None, noise.uniform(0.1)])
def test_it_goes_on_from_a_state(law):
    whole = vradam.simulate(Descent(), BOWL, [1.0, 1.0], steps=20, noise=law)
    half = vradam.simulate(Descent(), BOWL, [1.0, 1.0], steps=8, noise=law)
    rest = vradam.simulate(Descent(), BOWL, half.final_x, steps=12, noise=law, state=half.final_state)
    np.testing.assert_array_equal(rest.x, whole.x[8:])
    assert rest.final_state == Count(20)


def test_a_state_that_does_not_count_goes_on_without_noise_and_says_what_is_missing_with_it():
    half = vradam.simulate(Forgetful(), BOWL, [1.0, 1.0], steps=8)
    rest = vradam.simulate(Forgetful(), BOWL, half.final_x, steps=12, state=half.final_state)
    np.testing.assert_array_equal(rest.x, vradam.simulate(Descent(), BOWL, [1.0, 1.0], steps=20).x[8:])
    with pytest.raises(TypeError, match=r"state must have the attribute step, .*OptimizerState\), got Bare"):
        vradam.simulate(Forgetful(), BOWL, half.final_x, 12, noise.uniform(0.1), state=half.final_state)


def test_its_arrays_are_runs_and_a_sweep_replaces_its_fields():
    rates = np.array([0.02, 0.05, 0.1])
    run = vradam.simulate(Descent(rates), BOWL, [1.0, 1.0], steps=10)
    table = sweeps.run(Descent(), BOWL, {"rate": rates}, [1], last, x0=[1.0, 1.0], steps=10)
    expected = 0.5 * ((1 - rates) ** 20 + 10 * (1 - 10 * rates) ** 20)
    np.testing.assert_allclose(run.value[:, -1], expected, rtol=1e-12)
    np.testing.assert_allclose(table["last"].values[:, 0], expected, rtol=1e-12)


def test_sharpness_takes_it_by_its_preconditioner():
    theirs = sharpness.along(vradam.GradientDescent(alpha0=0.05), BOWL, [1.0, 1.0], steps=20, every=5)
    own = sharpness.along(Descent(), BOWL, [1.0, 1.0], steps=20, every=5)
    for name in ("x", "sharpness", "preconditioned", "learning_rate", "threshold"):
        np.testing.assert_array_equal(getattr(own, name), getattr(theirs, name))
    assert np.isnan(own.velocity_squared).all()  # its state has no velocity

    @dataclass(frozen=True)
    class Scaled(Descent):
        beta1: float = 0.5

        def preconditioner(self, state):
            return np.array([2.0, 4.0])

    scaled = sharpness.along(Scaled(), BOWL, [1.0, 1.0], steps=4, every=2)
    np.testing.assert_allclose(scaled.preconditioned, 2.5)  # the larger of 1/2 and 10/4
    np.testing.assert_allclose(scaled.threshold, 6 / 0.05)  # 2 (1 + beta1)/(1 - beta1) = 6
    with pytest.raises(TypeError, match=r"optimizer must have a method preconditioner\(state\), .*, got Lion"):
        sharpness.along(vradam.Lion(), BOWL, [1.0, 1.0], steps=4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"optimizer": vradam.VRAdam},
            TypeError,
            r"optimizer must have the methods init\(x\), .*, got the class VRAdam",
        ),
        ({"optimizer": object()}, TypeError, "optimizer must have .* got object without init, step, learning_rate"),
        (
            {"objective": lambda x: x},
            TypeError,
            "objective must be a vradam.Objective, got the function .*functions",
        ),
        ({"noise": 0.1}, TypeError, "noise must have bound and stochastic_gradient, .*, got 0.1"),
        ({"state": Count(3)}, TypeError, "state must have velocity, second_moment, kinetic too, as VRAdam.init gives"),
    ],
)
def test_what_is_missing_is_said(changes, error, message):
    with pytest.raises(error, match=message):
        vradam.simulate(**{"optimizer": vradam.VRAdam(), "objective": BOWL, "x0": [1.0, 1.0], "steps": 3} | changes)


def test_a_step_of_another_shape_is_refused():
    class Short(Descent):
        def step(self, x, grad, state):
            return x[..., :1], state

    with pytest.raises(ValueError, match=r"the step of optimizer Short must return .* shape \(2,\), got \(1,\)"):
        vradam.simulate(Short(), BOWL, [1.0, 1.0], steps=3)


# --- Objectives ------------------------------------------------------------------------------------------------------

ONE_NUMBER = replace(BOWL, value=lambda x: 0.5 * np.sum(x * x * [1.0, 10.0]), kernel=None)


def test_one_value_for_a_whole_batch_is_refused_and_one_for_one_run_is_right():
    run = vradam.simulate(vradam.VRAdam(), ONE_NUMBER, [1.0, 1.0], steps=2)
    np.testing.assert_allclose(run.value[0], 5.5)
    with pytest.raises(ValueError, match=r"the value of quadratic must have shape \(2,\), got \(\)"):
        vradam.simulate(vradam.VRAdam(), ONE_NUMBER, [[1.0, 1.0], [2.0, 2.0]], steps=2)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("wrong", ["value", "grad"])
def test_wrong_shapes_are_refused_by_both_engines(engine, wrong):
    broken: Objective = replace(BOWL, **{wrong: lambda x: np.sum(x, axis=-1, keepdims=True)})
    with pytest.raises(ValueError, match=r"the (value|gradient) of quadratic must have .*, got \(\d, 1\)"):
        vradam.simulate(vradam.VRAdam(), broken, np.ones((3, 2)), steps=2, engine=engine)


def test_gradients_of_integers_masks_and_other_byte_orders_count_as_what_they_are():
    for dtype in (int, ">f8", np.float32):
        like = replace(BOWL, grad=lambda x, dtype=dtype: np.full(x.shape, 2).astype(dtype), kernel=None)
        run = vradam.simulate(vradam.GradientDescent(alpha0=0.25), like, [1.0, 1.0], steps=2)
        assert run.final_x.tolist() == [0.0, 0.0]
    masked = replace(BOWL, grad=lambda x: np.ma.masked_array(x, x > 0), kernel=None)
    with pytest.raises(TypeError, match="the gradient of quadratic must be an array without a mask"):
        vradam.simulate(vradam.VRAdam(), masked, [1.0, 1.0], steps=2)


def test_values_after_a_divergence_are_not_asked_for():
    """Where a run has diverged its records are NaN; an objective of one's own that refuses NaN never meets one."""

    def value(x):
        assert np.isfinite(x).all()
        return np.sum(x * x, axis=-1)

    cliff = replace(BOWL, value=value, grad=lambda x: np.where(x < 0, np.inf, 2.0), kernel=None)
    run = vradam.simulate(vradam.GradientDescent(alpha0=0.25), cliff, [[1.1, 9.0], [9.0, 9.0]], steps=4)
    assert run.diverged_at.tolist() == [4, -1]
    assert np.isnan(run.value[0, 4]) and np.isfinite(run.value[0, :4]).all() and np.isfinite(run.value[1]).all()
    assert np.array_equal(np.isnan(run.grad_norm), np.isnan(run.value))
