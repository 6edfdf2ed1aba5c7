"""Objectives looked at closely: to full relative accuracy, at extremes, and the models of the edge."""

import mpmath
import numpy as np
import pytest

from vradam import objectives
from vradam.objectives import (
    ackley,
    four_scalar_product,
    log_cosh,
    logistic_regression,
    progressive_sharpening,
    pseudo_huber,
    rational,
)

# --- Accuracy and extremes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [1e-12, 1e-6, 1e-3, 0.5, 0.999, 1.0, 3.0, 20.0, 700.0, 1e5])
def test_convex_bowls_to_full_relative_accuracy(t):
    with mpmath.workdps(60):
        u = mpmath.mpf(t)
        assert float(log_cosh(1).value([t])) == pytest.approx(float(mpmath.log(mpmath.cosh(u))), rel=2e-15, abs=0)
        assert float(log_cosh(1).hessian([t]).item()) == pytest.approx(float(mpmath.sech(u) ** 2), rel=2e-15, abs=0)
        huber = float(mpmath.sqrt(1 + u * u) - 1)
        assert float(pseudo_huber(1).value([t])) == pytest.approx(huber, rel=2e-15, abs=0)
        assert float(rational(1).value([t])) == pytest.approx(float(u * u / (1 + u * u)), rel=2e-15, abs=0)


@pytest.mark.parametrize("t", [-1e4, -700.0, -30.0, -1e-3, 0.0, 2.0, 40.0, 700.0, 1e4])
def test_logistic_loss_to_full_relative_accuracy(t):
    f = logistic_regression([[1.0]], [1])
    with mpmath.workdps(60):
        e = mpmath.exp(-mpmath.mpf(t))
        assert float(f.value([t])) == pytest.approx(float(mpmath.log1p(e)), rel=2e-15, abs=0)
        assert float(f.grad([t])[0]) == pytest.approx(float(-e / (1 + e)), rel=2e-15, abs=0)


def test_ackley_close_to_its_cone():
    f = ackley(2)
    x = np.array([3e-9, 4e-9])
    with mpmath.workdps(60):
        r = mpmath.sqrt((mpmath.mpf(x[0]) ** 2 + mpmath.mpf(x[1]) ** 2) / 2)
        waves = (mpmath.cos(2 * mpmath.pi * mpmath.mpf(x[0])) + mpmath.cos(2 * mpmath.pi * mpmath.mpf(x[1]))) / 2
        exact = float(20 - 20 * mpmath.exp(-r / 5) + mpmath.e - mpmath.exp(waves))
    assert float(f.value(x)) == pytest.approx(exact, rel=1e-14)
    assert np.array_equal(f.grad(np.zeros(2)), [0, 0]) and np.isnan(f.hessian(np.zeros(2))).all()
    assert f.smoothness is None and float(f.value(np.zeros(2))) == 0.0


# --- Models of the edge ------------------------------------------------------------------------------------------


def test_the_sharpness_along_the_minima_of_the_four_scalar_product():
    """arXiv:2210.03294: at xyzw = 1 with x = z, y = w the sharpness is 2 (x^2 + y^2)."""
    for x in (0.5, 1.0, 3.0):
        y = 1 / x
        top = np.linalg.eigvalsh(four_scalar_product().hessian([x, y, x, y]))[-1]
        assert top == pytest.approx(2 * (x**2 + y**2), rel=1e-13)


def test_progressive_sharpening_sharpens_at_the_stated_rate():
    f = progressive_sharpening(final=64.0, flat=0.5, initial=4.0)
    assert np.array_equal(f.minimiser, [0.0, 8.0]) and np.array_equal(f.start, [0.01, 2.0])
    for y in (2.0, 5.0, 7.5):
        assert np.array_equal(f.hessian([0.0, y]), np.diag([y * y, 0.5]))
        assert -(2 * y) * f.grad([0.0, y])[1] == pytest.approx(2 * 0.5 * y * (8.0 - y), rel=1e-14)


@pytest.mark.parametrize(("edge_over_final", "attracts"), [(0.98, True), (0.80, True), (0.78, True), (0.75, False)])
def test_gradient_descent_settles_at_the_edge_exactly_above_49_64(edge_over_final, attracts):
    final, flat = 100.0, 0.3
    f = progressive_sharpening(final, flat)
    eta = 2 / (edge_over_final * final)
    y = np.sqrt(2 / eta)
    x = np.array([np.sqrt(flat * (10 - y) / y), y])
    np.testing.assert_allclose(x - eta * f.grad(x), [-x[0], x[1]], rtol=1e-13)  # the orbit of period 2
    x = x * [1 + 1e-6, 1]
    for _ in range(40_000):
        x = x - eta * f.grad(x)
        if abs(abs(x[1]) - y) > 1e-3:
            break
    assert (abs(x[1] ** 2 - 2 / eta) < 1e-9) == attracts


@pytest.mark.parametrize("make", [objectives.rastrigin, objectives.styblinski_tang, objectives.ackley])
def test_one_dimension_is_enough(make):
    one = make(1)
    assert one.dim == 1 and np.shape(one.grad(np.array([0.3]))) == (1,)
