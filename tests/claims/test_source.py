"""The source's own figures: the recursion that was drawn, written out by hand, and an orbit that keeps its energy."""

import numpy as np
import sympy as sp

from experiments.studies import source
from theory.claims.stability import transition
from theory.notation import beta1, weight_decay
from theory.recursion import ALGORITHM

FOUND = source.phase_portrait(source.DEFAULT)


def test_the_leaps_are_the_published_recursion():
    """v' = beta v - (1-beta) x, then x' = x + rate v'/(1 + 4 v^2), v the velocity before; momentum without divisor."""
    for method, start, factor in (("as drawn", 2.5, 4.0), ("momentum", -2.5, 0.0)):
        x, v, path = start, 0.0, [(start, 0.0)]
        for _ in range(14):
            before, v = v, 0.75 * v - 0.25 * x
            x = x + 2.6 * v / (1 + factor * before**2)
            path.append((x, v))
        np.testing.assert_allclose(FOUND.leap.sel(optimizer=method), path, rtol=1e-13, atol=1e-15)


def test_the_gate_of_algorithm_1_sees_the_new_velocity():
    x, v, path = 2.5, 0.0, [(2.5, 0.0)]
    for _ in range(14):
        v = 0.75 * v - 0.25 * x
        x = x + 2.6 * v / (1 + min(4 * v**2, 10))
        path.append((x, v))
    np.testing.assert_allclose(FOUND.leap.sel(optimizer="Algorithm 1"), path, rtol=1e-13, atol=1e-15)


def test_an_orbit_keeps_its_energy():
    """v^2/2 + 3 v^4/4 + x^2/2 is conserved by (v, -x/(1 + 3 v^2)); Runge-Kutta at 0.1 keeps it to a few 1e-5."""
    x, v = FOUND.orbit.sel(part="x"), FOUND.orbit.sel(part="v")
    energy = v**2 / 2 + 3 * v**4 / 4 + x**2 / 2
    np.testing.assert_allclose(energy, energy.isel(time=0).expand_dims(time=201).transpose(*energy.dims), rtol=1e-4)
    assert float(np.ptp(x.values)) > 3.9 and FOUND.sizes["time"] == 201


def test_weight_decay_moves_the_slow_root_to_first_order_by_decay_plus_curvature():
    """z = 1 - eta (h + decay) + O(eta^2): at h = -m the constant term is -m, and the factor of the decay is 1."""
    eta, h, m, rate = sp.symbols("eta h m rate")
    matrix = transition(ALGORITHM, eta, h)
    p = (sp.eye(2) * (1 - eta * rate) - matrix).det()
    first = sp.series(sp.expand(p), eta, 0, 2).removeO().coeff(eta, 1)
    (found,) = sp.solve(first, rate)
    assert sp.simplify(found - (h + weight_decay)) == 0
    assert sp.simplify(sp.expand(found.subs(h, -m)) - (weight_decay - m)) == 0
    numbers = {
        beta1: sp.Rational(9, 10),
        weight_decay: sp.Rational(1, 2),
        h: -sp.Rational(1, 4),
        eta: sp.Rational(1, 1000),
    }
    slow = max(complex(root).real for root in sp.Poly(matrix.subs(numbers).charpoly().as_expr()).nroots())
    assert abs((1 - slow) / 1e-3 - 0.25) < 0.01
