"""The recursion in rational arithmetic with a proved bound on the rounding of float64, and at 60 digits beyond.

``recursion`` is Algorithm 1 once more, for any kind of number. Over ``Tracked`` it carries the exact rational value of
every quantity together with a bound on how far its float64 counterpart may be from it; over mpmath it runs on.

The bound. Let u = 2^-53, and let the counterparts a^, b^ of the exact a, b satisfy |a^ - a| <= e_a, |b^ - b| <= e_b.
IEEE arithmetic returns the correctly rounded result of an operation on a^ and b^, so that the counterpart of c = a o b
is wrong by at most p + u (|c| + p), where p bounds the propagated error |a^ o b^ - a o b|:

    a + b, a - b    p = e_a + e_b
    a b             p = |a| e_b + |b| e_a + e_a e_b
    a / b           p = (e_a + |a/b| e_b)/(|b| - e_b), if e_b < |b|
    min(a, b)       p = max(e_a, e_b), or the error of the smaller where the other is larger beyond doubt; not rounded

A sum of d terms may be taken in any order: each term passes through at most d - 1 additions, which is what adding up
d - 1 further relative errors of the sum of moduli allows for. alpha0 may be divided by 1 + min(...) or multiplied by
its reciprocal: the bound has room for the second rounding. A power b^t is taken to be right to four units in the last
place, that is 8 u relatively. Underflow does not occur: no number here is below 1e-30. The errors themselves are
rounded upwards to multiples of 2^-300, so that they stay short while the exact values triple their digits each step.
"""

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import mpmath
import numpy as np
import pytest

from vradam import gates
from vradam.momentum import VRMomentum
from vradam.optimizer import VRAdam

U = Fraction(1, 2**53)
FINE = 2**300


def up(number):
    """The least multiple of 2^-300 that is no less than |number|."""
    number = abs(Fraction(number))
    return Fraction(-(-number.numerator * FINE // number.denominator), FINE)


class Tracked(NamedTuple):
    """An exact number and a bound on the distance of its float64 counterpart."""

    exact: Fraction
    error: Fraction = Fraction(0)

    def rounded(self, times=1):
        return Tracked(self.exact, up(self.error + times * U * (up(self.exact) + self.error)))

    def __add__(self, other):
        return Tracked(self.exact + other.exact, self.error + other.error).rounded()

    def __sub__(self, other):
        return Tracked(self.exact - other.exact, self.error + other.error).rounded()

    def __mul__(self, other):
        propagated = up(self.exact) * other.error + up(other.exact) * self.error + self.error * other.error
        return Tracked(self.exact * other.exact, propagated).rounded()

    def __truediv__(self, other):
        quotient = self.exact / other.exact
        smallest = up(other.exact) - other.error - Fraction(1, FINE)
        assert smallest > 0
        return Tracked(quotient, (self.error + up(quotient) * other.error) / smallest).rounded()

    def __pow__(self, exponent):
        assert self.error == 0
        return Tracked(self.exact**exponent).rounded(8)

    def __lt__(self, other):
        return self.exact < other.exact

    def __gt__(self, other):
        return self.exact > other.exact


def least(a, b):
    """min, with its error."""
    smaller, larger = min(a, b), max(a, b)
    if not isinstance(a, Tracked) or smaller.exact + smaller.error < larger.exact - larger.error:
        return smaller
    return smaller._replace(error=max(a.error, b.error))


def total(terms):
    """A sum in whatever order."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result.rounded(len(terms)) if isinstance(result, Tracked) else result


def recursion(number, curvature, x, steps, gate="published", root=None, **parameters):
    """The points and learning rates of Algorithm 1 on F = sum curvature x^2/2; with ``root``, a square root, VRAdam.

    Numbers are made by ``number``; without ``root`` there is no second moment and no correction of the velocity.
    """
    p = {name: number(value) for name, value in parameters.items()}
    one, zero = number(1), number(0)
    x, h = [number(value) for value in x], [number(value) for value in curvature]
    v, m, u = [zero] * len(x), [zero] * len(x), zero
    path, rates = [], []
    for t in range(1, steps + 1):
        g = [h[i] * x[i] for i in range(len(x))]
        before = v
        energies = [w * w for w in v]
        if gate == "inside":
            opening = one / (one + least(p["beta3"] * total(energies), p["alpha1"]))
            entering = [opening * w for w in g]
        else:
            entering = g
        v = [p["beta1"] * v[i] + (one - p["beta1"]) * entering[i] for i in range(len(x))]
        seen = {"published": v, "predictable": before, "gradient_norm": g, "inside": before, "per_coordinate": v}[gate]
        energies = [w * w for w in seen]
        if gate != "per_coordinate":
            energy = total(energies)
            if p["gate_decay"] != zero:
                u = p["gate_decay"] * u + (one - p["gate_decay"]) * energy
                energy = u / (one - p["gate_decay"] ** t)
            energies = [energy] * len(x)
        eta = [p["alpha0"] / (one + least(p["beta3"] * energy, p["alpha1"])) for energy in energies]
        if gate == "inside":
            eta = [p["alpha0"]] * len(x)
        if isinstance(eta[0], Tracked):
            eta = [rate.rounded() for rate in eta]
        direction = v
        if root is not None:
            m = [p["beta2"] * m[i] + (one - p["beta2"]) * g[i] * g[i] for i in range(len(x))]
            corrected = [root(w / (one - p["beta2"] ** t)) + p["eps"] for w in m]
            direction = [v[i] / (one - p["beta1"] ** t) / corrected[i] for i in range(len(x))]
        x = [(one - eta[i] * p["weight_decay"]) * x[i] - eta[i] * direction[i] for i in range(len(x))]
        path.append(x)
        rates.append(eta[0])
    return path, rates


def descend(optimizer, curvature, x, steps):
    """The same path, taken by ``optimizer`` in float64."""
    h, x = np.array(curvature, dtype=float), np.array(x, dtype=float)
    state, path, rates = optimizer.init(x), [], []
    for _ in range(steps):
        x, state = optimizer.step(x, h * x, state)
        path.append(x)
        rates.append(float(optimizer.learning_rate(state)))
    return np.array(path), rates


def optimizer_of(kind, gate, parameters):
    return kind(**{name: float(value) for name, value in parameters.items()}, gate=getattr(gates, gate))


#: name: (gate, steps, parameters); short numbers, since digits triple in each unclipped step.
F = Fraction
SHORT = {"alpha0": F(3, 4), "alpha1": F(64), "beta1": F(1, 2), "beta3": F(3), "weight_decay": F(0), "gate_decay": F(0)}
LONG = {name: F(value) for name, value in {"alpha0": 0.7, "beta1": 0.9, "beta3": 1e6, "weight_decay": 0.01}.items()}
CASES = {
    "unclipped": ("published", 8, SHORT),
    "unclipped, decay": ("published", 7, SHORT | {"weight_decay": F(1, 4)}),
    "smoothed": ("published", 6, SHORT | {"gate_decay": F(3, 4)}),
    "predictable": ("predictable", 8, SHORT),
    "inside": ("inside", 8, SHORT),
    "gradient_norm": ("gradient_norm", 8, SHORT),
    "per_coordinate": ("per_coordinate", 8, SHORT),
    "clipped": ("published", 20, SHORT | LONG | {"alpha1": F(0.3)}),
    "clipped, smoothed": ("published", 20, SHORT | LONG | {"alpha1": F(0.3), "gate_decay": F(3, 4)}),
}
CURVATURE, START = [F(1), F(5, 2)], [F(3, 2), F(-1)]


def excess(path, exact):
    """The largest ratio of the distance between a path in float64 and the exact one to its bound."""
    pairs = [pair for rows in zip(path, exact, strict=True) for pair in zip(*rows, strict=True)]
    return max(float(up(Fraction(float(number)) - tracked.exact) / tracked.error) for number, tracked in pairs)


@pytest.mark.parametrize("name", CASES)
def test_float64_is_the_rational_recursion_to_the_proved_bound(name):
    """And a run whose alpha0 or beta1 is wrong by 1e-10 leaves it: the bound is below 1e-12."""
    gate, steps, parameters = CASES[name]
    exact, rates = recursion(lambda value: Tracked(F(value)), CURVATURE, START, steps, gate, **parameters)
    path, learning_rates = descend(optimizer_of(VRMomentum, gate, parameters), CURVATURE, START, steps)
    assert excess(path, exact) <= 1
    clipped = parameters["alpha0"] / (1 + parameters["alpha1"])
    assert all((rate.exact == clipped) is name.startswith("clipped") for rate in rates)
    if gate in ("published", "predictable", "gradient_norm"):
        for rate, learning_rate in zip(rates, learning_rates, strict=True):
            assert abs(F(learning_rate) - rate.exact) <= rate.error
    assert max(number.error for row in exact for number in row) < F(1, 10**12)
    for changed in ("alpha0", "beta1"):
        wrong = parameters | {changed: parameters[changed] * (1 + F(1, 10**10))}
        assert excess(descend(optimizer_of(VRMomentum, gate, wrong), CURVATURE, START, steps)[0], exact) > 1


def test_the_digits_of_an_unclipped_run_triple_each_step():
    """Why eight steps: eta_t is a rational function of the second degree in x, and multiplies x."""
    path, _ = recursion(Fraction, CURVATURE, START, 7, "published", **SHORT)
    digits = [row[0].denominator.bit_length() for row in path]
    assert all(2.5 < later / earlier < 3.5 for earlier, later in pairwise(digits[2:]))


LONG_RUN = {"alpha0": 0.01, "alpha1": 10.0, "beta1": 0.9, "beta3": 2.0, "weight_decay": 0.01, "gate_decay": 0.0}


@pytest.mark.parametrize("kind", [VRAdam, VRMomentum])
@pytest.mark.parametrize(
    ("gate", "gate_decay"),
    [("published", 0.0), ("published", 0.9), ("inside", 0.0), ("predictable", 0.0), ("per_coordinate", 0.0)],
)
def test_hundreds_of_steps_at_60_digits(kind, gate, gate_decay):
    """A contracting run forgets its roundings: after 300 steps float64 is still the recursion to 1e-13."""
    parameters = LONG_RUN | {"gate_decay": gate_decay}
    if kind is VRAdam:
        parameters |= {"beta2": 0.99, "eps": 1e-6}
    curvature, x, steps = [1.0, 3.0, 0.2], [3.0, -2.0, 0.7], 300
    path, rates = descend(optimizer_of(kind, gate, parameters), curvature, x, steps)
    with mpmath.workdps(60):
        root = mpmath.sqrt if kind is VRAdam else None
        exact, exact_rates = recursion(mpmath.mpf, curvature, x, steps, gate, root, **parameters)
    exact = np.array(exact, dtype=float)
    np.testing.assert_allclose(path, exact, rtol=0, atol=1e-13 * np.abs(exact).max())
    if gate in ("published", "predictable"):
        np.testing.assert_allclose(rates, np.array(exact_rates, dtype=float), rtol=1e-12)
    wrong, _ = descend(optimizer_of(kind, gate, parameters | {"beta3": 2.0 * (1 + 1e-9)}), curvature, x, steps)
    assert np.abs(wrong - exact).max() > 1e-12 * np.abs(exact).max()
