"""What compiled loops inline, called as the plain Python that it is: elementary functions, gradients of objectives."""

import math

import mpmath
import numpy as np
import pytest
from test_engine_lanes import OBJECTIVES

from vradam.objectives.elementary import exp_minus, sin_cos_of_turns, tanh

EPS = np.finfo(float).eps
POINTS = np.concatenate([[0.0], np.geomspace(1e-12, 30, 400), np.random.default_rng(0).uniform(0, 3, 400)])


def exactly(function, x):
    with mpmath.workdps(40):
        return float(function(mpmath.mpf(float(x))))


def test_exp_is_right_to_a_few_units_in_the_last_place():
    for a in np.concatenate([POINTS, np.linspace(30, 690, 100)]):
        assert exp_minus(a) == pytest.approx(exactly(lambda x: mpmath.exp(-x), a), rel=4 * EPS, abs=0)


def test_tanh_is_right_to_a_few_units_in_the_last_place_and_odd():
    for x in POINTS:
        assert tanh(x) == pytest.approx(exactly(mpmath.tanh, x), rel=4 * EPS, abs=0)
        assert tanh(-x) == -tanh(x)


def test_sine_and_cosine_of_turns_are_right_in_every_quarter():
    for x in np.concatenate([POINTS, -POINTS, np.arange(-8, 9) / 4]):
        sine, cosine = sin_cos_of_turns(x)
        assert sine == pytest.approx(exactly(mpmath.sinpi, 2 * x), rel=0, abs=2 * EPS)
        assert cosine == pytest.approx(exactly(mpmath.cospi, 2 * x), rel=0, abs=2 * EPS)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_form_of_a_kernel_is_the_gradient(name):
    """At random points, several runs side by side; what the array held before must not matter."""
    objective = OBJECTIVES[name]
    x = np.random.default_rng(1).normal(scale=1.5, size=(7, objective.dim))
    kernel, expected = objective.kernel, objective.grad(x)
    if kernel.separable:
        found = [[kernel.form(x[r, i], *kernel.parameters[i]) for i in range(objective.dim)] for r in range(len(x))]
    elif kernel.neighbours:
        beside = np.pad(x, [(0, 0), (1, 1)], mode="edge")
        found = [[kernel.form(*a[i : i + 3], *kernel.parameters[i]) for i in range(objective.dim)] for a in beside]
    else:
        g = np.full(x.T.shape, math.nan)
        kernel.form(x.T.copy(), g, kernel.parameters)
        found = g.T
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * abs(expected).max())
