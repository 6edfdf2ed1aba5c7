"""Attracting cycles of VRMomentum below the edge, verified in interval arithmetic over the rationals.

On ``F(x) = L x^2/2`` the velocities of VRMomentum, in units of ``1/sqrt(beta3)``, obey one scalar recursion,

    w_{t+1} = (1+beta1) w_t - beta1 w_{t-1} - (1-beta1) S phi(w_t),    phi(w) = w/(1 + min(w^2, alpha1)), S = alpha0 L,

because ``x_t = x_{t-1} - eta_t v_t`` and ``v_{t+1} = beta1 v_t + (1-beta1) L x_t``. A sequence with ``w_{t+k} = -w_t``
is a cycle of period 2k. A certificate of kind ``cycle`` holds ``beta1``, ``S``, ``alpha1`` and

* ``velocity``: k cells of the grid of mesh 10^-20, one for each ``w_1, ..., w_k``;
* ``clipped``: for each of them, whether ``w^2 > alpha1``, so that the clip acts there;
* ``kinetic``: the cell of mesh 10^-6 that contains ``max w_i^2``. If no point is clipped, ``alpha1`` must be the upper
  end of this cell, and the certificate holds for every larger ``alpha1`` too, the absent clip included;
* ``trace``: the cell of mesh 10^-6 that contains the trace of the derivative of the half-return map.

:func:`check_cycle` proves that ``S`` is below the edge ``2(1+beta1)/(1-beta1)``; that exactly one such cycle passes
through the cells (Krawczyk's test); that it is not zero and 2k is its least period; that the recursion is smooth around
it; and that it attracts: the half-return map has determinant ``beta1^k``, so by Jury its spectral radius is below one
exactly when ``|trace| < 1 + beta1^k``. Cells are those of fixed grids: a number that is changed no
longer fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from theory.certificates.reading import flag, interval, items, rational, require_keys, shown
from theory.certificates.statement import Statement

KEYS = ("beta1", "S", "alpha1", "velocity", "clipped", "kinetic", "trace")
FINE, COARSE = Fraction(1, 10**20), Fraction(1, 10**6)
MAX_HALF_PERIOD = 40
_GRID = 2**256


@dataclass(frozen=True)
class Interval:
    """A closed interval with rational ends; every operation rounds outwards to multiples of 2^-256.

    >>> square = Interval(Fraction(-1), Fraction(2)).square()
    >>> (square + Interval.of(Fraction(1))).inverse() == Interval(Fraction(1, 5), Fraction(1)).outward()
    True
    """

    low: Fraction
    high: Fraction

    @classmethod
    def of(cls, number: Fraction) -> Interval:
        return cls(number, number)

    def outward(self) -> Interval:
        return Interval(Fraction(floor(self.low * _GRID), _GRID), Fraction(ceil(self.high * _GRID), _GRID))

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __sub__(self, other: Interval) -> Interval:
        return self + -other

    def __mul__(self, other: Interval) -> Interval:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(ends), max(ends)).outward()

    def scaled(self, factor: Fraction) -> Interval:
        return self * Interval.of(factor)

    def square(self) -> Interval:
        ends = sorted((self.low**2, self.high**2))
        return Interval(Fraction(0) if self.low <= 0 <= self.high else ends[0], ends[1]).outward()

    def inverse(self) -> Interval:
        """``1/self`` for an interval of positive numbers."""
        return Interval(1 / self.high, 1 / self.low).outward()

    def inside(self, other: Interval) -> bool:
        return other.low < self.low and self.high < other.high

    def meets(self, other: Interval) -> bool:
        return self.low <= other.high and other.low <= self.high


ZERO, ONE = Interval.of(Fraction(0)), Interval.of(Fraction(1))
Matrix = list[list[Interval]]


@dataclass(frozen=True)
class Recursion:
    """The scalar recursion of the velocities for rational ``beta1``, ``S``, ``alpha1``."""

    beta1: Fraction
    S: Fraction
    alpha1: Fraction

    def force(self, w: Interval, clipped: bool) -> Interval:
        """``(1-beta1) S phi(w)`` on one branch."""
        return (w * self._gate(w, clipped)).scaled((1 - self.beta1) * self.S)

    def slope(self, w: Interval, clipped: bool) -> Interval:
        """``1 + beta1 - (1-beta1) S phi'(w)``, with ``phi' = gamma`` if clipped, else ``gamma (2 gamma - 1)``."""
        gamma = self._gate(w, clipped)
        derivative = gamma if clipped else gamma * (gamma + gamma - ONE)
        return Interval.of(1 + self.beta1) - derivative.scaled((1 - self.beta1) * self.S)

    def _gate(self, w: Interval, clipped: bool) -> Interval:
        return (ONE + (Interval.of(self.alpha1) if clipped else w.square())).inverse()

    def residual(self, w: list[Interval], clipped: list[bool]) -> list[Interval]:
        """``w_{i+1} - (1+beta1) w_i + beta1 w_{i-1} + force(w_i)`` with ``w_{i+k} = -w_i``."""
        previous, following = [-w[-1], *w[:-1]], [*w[1:], -w[0]]
        return [
            w[i].scaled(-1 - self.beta1) + following[i] + previous[i].scaled(self.beta1) + self.force(w[i], clipped[i])
            for i in range(len(w))
        ]

    def jacobian(self, w: list[Interval], clipped: list[bool]) -> Matrix:
        """The derivative of :meth:`residual`: cyclic tridiagonal, with minus signs where it wraps around."""
        k = len(w)
        rows = [[ZERO] * k for _ in range(k)]
        for i in range(k):
            rows[i][i] = rows[i][i] - self.slope(w[i], clipped[i])
            rows[i][(i + 1) % k] = rows[i][(i + 1) % k] + (ONE if i + 1 < k else -ONE)
            back = Interval.of(self.beta1)
            rows[i][i - 1] = rows[i][i - 1] + (back if i > 0 else -back)
        return rows

    def trace(self, w: list[Interval], clipped: list[bool]) -> Interval:
        """The trace of the product of ``[[slope_i, -beta1], [1, 0]]`` over the half-cycle."""
        (a, b), (c, d) = (ONE, ZERO), (ZERO, ONE)
        for point, at_clip in zip(w, clipped, strict=True):
            slope = self.slope(point, at_clip)
            (a, b), (c, d) = (
                (slope * a - c.scaled(self.beta1), slope * b - d.scaled(self.beta1)),
                (a, b),
            )
        return a + d


def krawczyk(recursion: Recursion, w: list[Interval], clipped: list[bool]) -> bool:
    """True when exactly one zero of the residual lies in the box ``w`` (Krawczyk's test with midpoint ``c``):

    ``c - C f(c) + (I - C f'(w)) (w - c)`` lies inside ``w``, for ``C`` a floating-point inverse of ``f'(c)``; any ``C``
    would do, because the test is exact in ``C``.
    """
    k = len(w)
    centre = [Interval.of((cell.low + cell.high) / 2) for cell in w]
    at_centre = [[float(entry.low) for entry in row] for row in recursion.jacobian(centre, clipped)]
    try:
        inverse = np.linalg.inv(np.array(at_centre))
    except np.linalg.LinAlgError:
        return False
    if not np.isfinite(inverse).all():
        return False
    C = [[Interval.of(Fraction(float(entry))) for entry in row] for row in inverse]
    residual, jacobian = recursion.residual(centre, clipped), recursion.jacobian(w, clipped)
    for i in range(k):
        image = centre[i] - _dot(C[i], residual)
        for j in range(k):
            defect = (ONE if i == j else ZERO) - _dot(C[i], [row[j] for row in jacobian])
            image = image + defect * (w[j] - centre[j])
        if not image.inside(w[i]):
            return False
    return True


def check_cycle(data: Mapping[str, Any]) -> Statement | None:
    """What a certificate of kind ``cycle`` proves, None if it is false; ValueError if malformed.

    See the module's text for its content. Without a clipped point the statement is for every clip from ``alpha1`` on.
    """
    require_keys(data, KEYS)
    beta1, S, alpha1 = (rational(data[name], name) for name in ("beta1", "S", "alpha1"))
    if not 0 <= beta1 < 1:
        raise ValueError(f"beta1 must lie in [0, 1), got {shown(data['beta1'])}")
    if not (S > 0 and alpha1 >= 0):
        raise ValueError(f"S must be > 0 and alpha1 >= 0, got {shown(data['S'])} and {shown(data['alpha1'])}")
    w = [Interval(*interval(pair, "velocity")) for pair in items(data["velocity"], "velocity")]
    k = len(w)
    if k > MAX_HALF_PERIOD:
        raise ValueError(f"velocity must have at most {MAX_HALF_PERIOD} entries, got {k}")
    clipped = [flag(value, "clipped") for value in items(data["clipped"], "clipped", k)]
    kinetic = Interval(*interval(data["kinetic"], "kinetic"))
    trace = Interval(*interval(data["trace"], "trace"))

    recursion = Recursion(beta1, S, alpha1)
    holds = (
        S * (1 - beta1) < 2 * (1 + beta1)
        and all(_is_cell(cell, FINE) for cell in w)
        and _is_cell(kinetic, COARSE)
        and _is_cell(trace, COARSE)
        and _kinetic_holds(w, clipped, alpha1, kinetic)
        and _least_period(w)
        and krawczyk(recursion, w, clipped)
        and recursion.trace(w, clipped).inside(trace)
        and max(-trace.low, trace.high) < 1 + beta1**k
    )
    facts = {"beta1": beta1, "S": S, "period": Fraction(2 * k), "clipped": Fraction(2 * sum(clipped)), "alpha1": alpha1}
    return Statement("cycle", facts) if holds else None


def _kinetic_holds(w: list[Interval], clipped: list[bool], alpha1: Fraction, kinetic: Interval) -> bool:
    """Each point is strictly on the side of the clip it claims, and ``kinetic`` encloses the largest square."""
    squares = [cell.square() for cell in w]
    sides = all(
        square.low > alpha1 if at_clip else square.high < alpha1
        for square, at_clip in zip(squares, clipped, strict=True)
    )
    largest = Interval(max(square.low for square in squares), max(square.high for square in squares))
    return sides and largest.inside(kinetic) and (any(clipped) or alpha1 == kinetic.high)


def _least_period(w: list[Interval]) -> bool:
    """Not zero, and ``w_{i+j} = -w_i`` for no proper divisor j of k with k/j odd: then 2k is the least period."""
    k = len(w)
    signed = w + [-cell for cell in w]
    shorter = [j for j in range(1, k) if k % j == 0 and (k // j) % 2 == 1]
    return any(not cell.meets(ZERO) for cell in w) and all(
        any(not signed[i + j].meets(-w[i]) for i in range(k)) for j in shorter
    )


def _is_cell(cell: Interval, mesh: Fraction) -> bool:
    """``cell`` is exactly ``[n mesh, (n+1) mesh]``: any change of one of its ends is noticed."""
    return cell.high - cell.low == mesh and (cell.low / mesh).denominator == 1


def _dot(row: list[Interval], column: list[Interval]) -> Interval:
    total = ZERO
    for left, right in zip(row, column, strict=True):
        if right != ZERO:
            total = total + left * right
    return total
