"""Schedules: their values at the ends and between, arrays over the runs, and use in an optimizer."""

import copy
import math
import pickle

import numpy as np
import pytest

from vradam.baselines import GradientDescent
from vradam.inplace import InPlace
from vradam.minimize import minimize_vradam
from vradam.noise import gaussian, uniform
from vradam.objectives import quadratic
from vradam.optimizer import VRAdam
from vradam.schedules import Constant, Cosine, Exponential, InverseSqrt, Linear, LinearWarmup, StepDecay
from vradam.simulation import simulate

#: a schedule and its formula, 1 <= t <= 40
CASES = [
    (Constant(alpha0=0.3), lambda t: 0.3),
    (InverseSqrt(alpha0=0.3), lambda t: 0.3 * t**-0.5),
    (Linear(alpha0=0.3, steps=20, final=0.1), lambda t: max(0.3 - 0.01 * (t - 1), 0.1)),
    (
        Cosine(alpha0=0.3, steps=20, final=0.1),
        lambda t: 0.1 + 0.1 * (1 + math.cos(math.pi * (t - 1) / 20)) if t <= 21 else 0.1,
    ),
    (StepDecay(alpha0=0.3, every=7, factor=0.2), lambda t: 0.3 * 0.2 ** ((t - 1) // 7)),
    (Exponential(alpha0=0.3, factor=0.9), lambda t: 0.3 * math.exp((t - 1) * math.log(0.9))),
    (
        LinearWarmup(InverseSqrt(alpha0=0.3), steps=8),
        lambda t: 0.3 * t / 8 if t <= 8 else 0.3 / math.sqrt(t - 8),
    ),
]
every_schedule = pytest.mark.parametrize(("schedule", "formula"), CASES, ids=lambda case: type(case).__name__)


@every_schedule
def test_values(schedule, formula):
    np.testing.assert_allclose([schedule(t) for t in range(1, 41)], [formula(t) for t in range(1, 41)], rtol=1e-13)


@every_schedule
def test_schedules_can_be_sent_to_another_process(schedule, formula):
    there = pickle.loads(pickle.dumps(schedule))
    assert [there(t) for t in range(1, 41)] == [schedule(t) for t in range(1, 41)]


def test_a_factor_over_runs_rounds_like_each_number():
    factors = 1 - np.geomspace(1e-3, 0.9, 300)
    for make in (lambda f: Exponential(alpha0=1.0, factor=f), lambda f: StepDecay(alpha0=1.0, every=1, factor=f)):
        for t in (3, 8, 21):
            np.testing.assert_array_equal(make(factors)(t), [make(factor)(t) for factor in factors])


def test_decays_end_exactly_and_stay_there():
    for decay in (Linear, Cosine):
        assert decay(alpha0=0.3, steps=7)(1) == 0.3
        assert decay(alpha0=0.3, steps=7)(7) > 0
        assert decay(alpha0=0.3, steps=7)(8) == decay(alpha0=0.3, steps=7)(1000) == 0.0
        assert decay(alpha0=0.3, steps=7, final=0.1)(8) == 0.1


def test_a_cosine_with_warm_up_is_continuous_and_has_the_stated_length():
    warm = LinearWarmup(Cosine(alpha0=0.3, steps=90), steps=10)
    rates = np.array([warm(t) for t in range(1, 102)])
    assert np.argmax(rates) == 9 and rates[9] == rates[10] == 0.3 and rates[99] > 0 == rates[100]
    np.testing.assert_allclose(np.diff(rates[:10]), 0.03, rtol=1e-12)
    assert np.abs(np.diff(rates)).max() <= 0.03 * (1 + 1e-12)


@pytest.mark.parametrize("optimizer", [GradientDescent, VRAdam])
def test_the_first_step_of_an_optimizer_is_taken_at_t_equal_one(optimizer):
    schedule = Linear(alpha0=np.array([0.1, 0.2]), steps=4)
    tuned = optimizer(alpha0=schedule)
    x = np.full((2, 3), 1e-12)  # so small that a gate is open
    state = tuned.init(x)
    for t in range(1, 6):
        x, state = tuned.step(x, np.zeros((2, 3)), state)
        np.testing.assert_allclose(tuned.learning_rate(state), np.array([0.1, 0.2]) * (1 - (t - 1) / 4), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Constant(alpha0=-1.0), ValueError, r"alpha0 must lie in \[0, inf\), got -1.0"),
        (lambda: InverseSqrt(alpha0=math.inf), ValueError, r"alpha0 must lie in \[0, inf\), got inf"),
        (lambda: Cosine(alpha0=1.0, steps=0), ValueError, "steps must be an integer >= 1, got 0"),
        (lambda: Cosine(alpha0=1.0, steps=10, final=-0.1), ValueError, r"final must lie in \[0, inf\)"),
        (lambda: Linear(alpha0=1.0, steps=2.5), TypeError, "steps must be an integer"),
        (lambda: StepDecay(alpha0=1.0, every=10, factor=1.5), ValueError, r"factor must lie in \(0, 1\], got 1.5"),
        (lambda: StepDecay(alpha0=1.0, every=True), TypeError, "every must be an integer"),
        (lambda: Exponential(alpha0=1.0, factor=0.0), ValueError, r"factor must lie in \(0, 1\], got 0.0"),
        (lambda: LinearWarmup(0.1, steps=3), TypeError, "schedule must be a callable of the step, got 0.1"),
        (lambda: LinearWarmup(Constant(alpha0=1.0), steps=-3), ValueError, "steps must be an integer >= 1, got -3"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- One contract ----------------------------------------------------------------------------------------------------

RATES = np.array([0.1, 0.2])
OVER_RUNS = [
    Constant(alpha0=RATES),
    Cosine(alpha0=RATES, steps=5),
    Cosine(alpha0=0.3, steps=5, final=RATES),
    Exponential(alpha0=0.3, factor=RATES),
    LinearWarmup(Constant(alpha0=RATES), steps=2),
    lambda t: RATES / t,
]


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("schedule", OVER_RUNS, ids=lambda schedule: type(schedule).__name__)
def test_rates_over_runs_are_runs_as_those_of_an_optimizer_are(schedule, engine):
    bowl = quadratic([1.0, 10.0])
    run = simulate(VRAdam(alpha0=schedule), bowl, [1.0, 1.0], steps=3, engine=engine)
    assert run.x.shape == (2, 4, 2)
    for i in range(2):
        alone = simulate(VRAdam(alpha0=lambda t, i=i: schedule(t)[i]), bowl, [1.0, 1.0], steps=3, engine=engine)
        np.testing.assert_array_equal(run.x[i], alone.x)


@every_schedule
@pytest.mark.parametrize(
    ("t", "error"),
    [(0, ValueError), (-3, ValueError), (2.0, TypeError), (np.arange(1, 4), TypeError), ([1, 2], TypeError),
     (True, TypeError), (2**63, ValueError)],
)  # fmt: skip
def test_a_schedule_is_called_with_one_step(schedule, formula, t, error):
    with pytest.raises(error, match="t must be an integer"):
        schedule(t)


@every_schedule
def test_any_integer_type_is_a_step(schedule, formula):
    for kind in (np.int8, np.uint64, np.int64, np.array):
        assert schedule(kind(9)) == schedule(9)


def below_zero(t):
    return 0.1 if t < 4 else -0.1


WRONG = {
    "negative": (below_zero, ValueError, r"alpha0 at step 4 must lie in \[0, inf\), got -0.1"),
    "not a number": (lambda t: 0.1 if t < 4 else math.nan, ValueError, r"alpha0 at step 4 must lie in .*, got nan"),
    "infinite": (lambda t: 0.1 if t < 4 else math.inf, ValueError, r"alpha0 at step 4 must lie in .*, got inf"),
    "text": (lambda t: 0.1 if t < 4 else "0.1", TypeError, "alpha0 at step 4 must hold real numbers"),
    "nothing": (lambda t: 0.1 if t < 4 else None, TypeError, "alpha0 at step 4 must hold real numbers"),
}


@pytest.mark.parametrize("way", ["step", "numpy", "compiled", "in place", "minimize"])
@pytest.mark.parametrize("name", WRONG)
def test_what_a_schedule_returns_is_checked_at_every_step(name, way):
    schedule, error, message = WRONG[name]
    optimizer, x = VRAdam(alpha0=schedule), np.ones(2)
    with pytest.raises(error, match=message):
        if way == "step":
            state = optimizer.init(x)
            for _ in range(5):
                x, state = optimizer.step(x, x, state)
        elif way == "in place":
            training = InPlace(optimizer, [x])
            for _ in range(5):
                training.step([np.ones(2)])
        elif way == "minimize":
            minimize_vradam(np.sum, x, jac=np.ones_like, alpha0=schedule, maxiter=5)
        else:
            simulate(optimizer, quadratic([1.0, 10.0]), x, steps=5, engine=way)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_rate_that_changes_its_shape_is_named(engine):
    growing = VRAdam(alpha0=lambda t: 0.1 if t < 3 else RATES)
    with pytest.raises(ValueError, match=r"alpha0.* must broadcast to the runs, shape"):
        simulate(growing, quadratic([1.0, 10.0]), [1.0, 1.0], steps=5, engine=engine)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda whole: pickle.loads(pickle.dumps(whole)), copy.copy])
def test_arrays_stay_read_only_in_copies(copied):
    """A rate that were changed in a copy would change what the copy was checked for."""
    for whole in (VRAdam(beta1=RATES), GradientDescent(alpha0=RATES), *OVER_RUNS[:4], gaussian(RATES), uniform(RATES)):
        arrays = [value for value in vars(copied(whole)).values() if isinstance(value, np.ndarray)]
        assert arrays and not any(array.flags.writeable for array in arrays)
