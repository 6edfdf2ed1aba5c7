"""The exact counterexample behind C1b: a problem on which the claimed bound and a proven lower bound cross.

``F' = x/sqrt(1+x^2)`` (so ``L = 1`` and ``|F'| < 1``), two-point noise with ``p = 1/10`` and ``amplitude = 1``
(values 9 and -1), ``beta1 = 0``, ``beta3 = 1``, ``alpha1 = 19``, ``eps = 1/100``; hence ``|g| < 10`` and ``R = 10 +
1/10``. The start is the minimiser, so ``F(x_0) - F* = 0``. ``psi`` has its only zero near ``F' = 0.9446``; with
``psi <= -SLACK`` wherever ``F' <= EDGE``,

    E F'(x_tau)^2 >= EDGE^2 P(F' > EDGE) >= EDGE^2 (1 - E Ft'(x_tau)^2 / SLACK^2) >= EDGE^2 (1 - surrogate / SLACK^2).

All checks are in rational or interval arithmetic.
"""

from __future__ import annotations

import sympy as sp
from mpmath import iv

from theory.claim import vanishes
from theory.claims.bias.surrogate import mean_gated, surrogate, up
from theory.claims.convergence.predictable_gate import theorem2, tuned
from theory.methods.intervals import enclose
from theory.notation import D, L, N, R, alpha1, amplitude, beta3, d, eps, gradient, p

PROBLEM = {
    p: sp.Rational(1, 10), amplitude: sp.Integer(1), beta3: sp.Integer(1), alpha1: sp.Integer(19), d: sp.Integer(1),
    L: sp.Integer(1), R: sp.Rational(101, 10), eps: sp.Rational(1, 100),
}  # fmt: skip
SETTLED = (sp.Rational(944, 1000), sp.Rational(945, 1000))  # contains the zero of psi
EDGE, SLACK = sp.Rational(84, 100), sp.Rational(9, 100)  # psi <= -SLACK on [-1, EDGE]
GAP = sp.Rational(8, 5)  # bounds the surrogate's gap Ft(0) - min Ft
HORIZON = 10**14


def psi_has_one_zero() -> bool:
    """For ``|G| <= 1`` the value ``G + 9`` is clipped and ``G - 1`` is not; then Sturm's theorem counts the zeros.

    ``psi`` has one zero on ``[-1, 1]``, in ``SETTLED``, where it changes from minus to plus, and ``psi <= -SLACK`` on
    ``[-1, EDGE]``.
    """
    numerator, denominator = (
        sp.Poly(part, gradient) for part in sp.fraction(sp.together(mean_gated(up_clipped=True).subs(PROBLEM)))
    )
    clip_squared = PROBLEM[alpha1] / PROBLEM[beta3]
    low, high = SETTLED
    raised = numerator + SLACK * denominator
    return bool(
        (up.subs(PROBLEM) - 1) ** 2 >= clip_squared >= (1 + PROBLEM[amplitude]) ** 2
        and denominator.count_roots() == 0
        and denominator.eval(0) > 0
        and numerator.count_roots(-1, 1) == 1
        and numerator.eval(low) < 0 < numerator.eval(high)
        and raised.count_roots(-1, EDGE) == 0
        and raised.eval(0) < 0
    )


def surrogate_gap_is_bounded() -> bool:
    """``Ft(0) - min Ft = int_0^{x*} -psi(F') dx <= x* max|phi| <= GAP``, where ``F'(x*)`` is the zero of ``psi``.

    ``F'(x*) < SETTLED[1]`` gives ``x* <= 16/5``; ``|phi| <= 1/2`` for ``|w| <= 10``: unclipped because
    ``(1-w)^2 >= 0``, clipped because ``10/20 = 1/2``.
    """
    w = sp.Symbol("w", real=True)
    furthest, high = sp.Rational(16, 5), SETTLED[1]
    return bool(
        high**2 / (1 - high**2) <= furthest**2
        and vanishes((1 + w**2) / 2 - w - (1 - w) ** 2 / 2)
        and 10 / (1 + PROBLEM[alpha1]) <= sp.Rational(1, 2)
        and furthest / 2 <= GAP
    )


def lower_bound() -> sp.Expr:
    """``EDGE^2 (1 - surrogate/SLACK^2)``, tuned to the horizon ``N``: a proven lower bound of ``E F'(x_tau)^2``."""
    return EDGE**2 * (1 - tuned(surrogate).subs({**PROBLEM, D: GAP}) / SLACK**2)


def bound_with_factor() -> sp.Expr:
    """Theorem 2 times ``1 + alpha1``, what Theorem 4.2 would amount to here, tuned to the horizon ``N``."""
    return tuned(theorem2).subs({**PROBLEM, D: 0})


def refuted_in_the_limit() -> bool:
    """As ``N -> oo`` the lower bound tends to ``EDGE^2 > 0``, the claimed upper bound to 0."""
    return bool(sp.limit(lower_bound(), N, sp.oo) == EDGE**2 and sp.limit(bound_with_factor(), N, sp.oo) == 0)


def refuted_at_a_horizon() -> bool:
    """At ``N = HORIZON`` the claimed upper bound lies below the proven lower bound, in interval arithmetic."""
    precision, iv.prec = iv.prec, 200
    try:
        above, below = (enclose(bound.subs(N, HORIZON)) for bound in (lower_bound(), bound_with_factor()))
        return bool(below.b < above.a)
    finally:
        iv.prec = precision
