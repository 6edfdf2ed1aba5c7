"""Schedules: their values at the ends and between, arrays over the runs, and use in an optimizer."""

import math
import pickle

import numpy as np
import pytest

from vradam.baselines import GradientDescent
from vradam.optimizer import VRAdam
from vradam.schedules import Constant, Cosine, Exponential, InverseSqrt, Linear, LinearWarmup, StepDecay

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
