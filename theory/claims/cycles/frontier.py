"""What the boxes of the map rest on: one step as a matrix with one unknown, its trace, and the forms that it contracts.

:mod:`theory.certificates.frontier` verifies box by box that every start converges. The identities and inequalities that
it uses are proved here from the recursion. With ``a, b`` successive velocities, ``s = S/B`` and ``gamma`` the gate at
b,

    (a, b) -> (b, tau b - beta1 a),    tau = (1+beta1)(1 - 2 s gamma),    P(a, b) = b^2 - c a b + beta1 a^2.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from theory.claim import vanishes
from theory.claims.cycles.heavy_ball import gate_between
from theory.notation import S, beta1, beta3, edge
from theory.recursion import ALGORITHM, gamma

a, b, c, after = sp.symbols("a b c after", real=True)
tau, e, s, p, alpha, u = sp.symbols("tau e s p alpha u", positive=True)
EDGE_C = -4 * beta1 / (1 + beta1)


def form(c: sp.Expr = c, x: sp.Expr = a, y: sp.Expr = b) -> sp.Expr:
    """``P``."""
    return y**2 - c * x * y + beta1 * x**2


def trace(pull: sp.Expr = p) -> sp.Expr:
    """``tau`` at ``s gamma = pull``."""
    return (1 + beta1) * (1 - 2 * pull)


def one_unknown() -> bool:
    """The gate that makes a, b, after successive velocities is the one at which ``after = tau b - beta1 a``."""
    (following,) = sp.solve(gate_between(a, b, after) - p * edge(), after)
    return vanishes(following - (trace() * b - beta1 * a))


def contraction() -> bool:
    """``e P - P(image)`` is positive definite iff ``4 beta1 (tau-c)^2 e < (4 beta1 - c^2)(e-beta1)^2``, for ``e >
    beta1``:

    that is its determinant, and its coefficient of a^2 is ``beta1 (e - beta1)``.
    """
    fall = sp.expand(e * form() - form(c, b, tau * b - beta1 * a))
    square, mixed, last = (sp.Poly(fall, a, b).coeff_monomial(term) for term in (a**2, a * b, b**2))
    gap = (4 * beta1 - c**2) * (e - beta1) ** 2 - 4 * beta1 * (tau - c) ** 2 * e
    return vanishes(4 * square * last - mixed**2 - gap) and vanishes(square - beta1 * (e - beta1))


def ellipses() -> bool:
    """``P = (1 - c^2/(4 beta1)) b^2 + beta1 (a - c b/(2 beta1))^2 = (b - c a/2)^2 + (beta1 - c^2/4) a^2``; ``P(0, m)
    = m^2``."""
    height = (1 - c**2 / (4 * beta1)) * b**2 + beta1 * (a - c * b / (2 * beta1)) ** 2
    width = (b - c * a / 2) ** 2 + (beta1 - c**2 / 4) * a**2
    return vanishes(form() - height) and vanishes(form() - width) and form(c, sp.Integer(0), b) == b**2


def up_to_the_edge() -> bool:
    """At ``c = -4 beta1/(1+beta1)`` the condition at ``e = 1`` is ``((1+beta1)^2 p - 4 beta1)(1 - p) > 0`` with ``p =
    s gamma``: it holds for all gates of a neighbourhood of rest, however close S is to B."""
    squares = (b + beta1 * a) ** 2 + beta1 * (a + b) ** 2
    same = vanishes((1 + beta1) * form(EDGE_C) - squares)
    definite = 1 - EDGE_C**2 / (4 * beta1)
    window = (1 - beta1) ** 2 * definite - (trace() - EDGE_C) ** 2
    holds = vanishes(window - 4 * ((1 + beta1) ** 2 * p - 4 * beta1) * (1 - p))
    return same and holds and vanishes(definite - ((1 - beta1) / (1 + beta1)) ** 2)


def push_is_bounded() -> bool:
    """``2 (1+beta1) s (gamma - 1/(1+alpha1)) b <= (1+beta1) s alpha1/(1+alpha1)`` where no clip acts: the gap is a
    sum of two terms >= 0 for b >= 0, ``b^3/((1+b^2)(1+alpha1))`` and ``[alpha1/(1+alpha1)] (1-b)^2/(2 (1+b^2))``."""
    opening = gamma(b**2, replace(ALGORITHM, alpha1=sp.oo, beta3=sp.Integer(1)))
    share = alpha / (1 + alpha)
    gap = share / 2 - (opening - 1 / (1 + alpha)) * b
    terms = b**3 / ((1 + b**2) * (1 + alpha)) + share * (1 - b) ** 2 / (2 * (1 + b**2))
    return vanishes(gap - terms)


def far_orbits_return() -> bool:
    """``u' = u - h phi(b)`` for ``u = b - beta1 a``, and ``d' = beta1 d - h phi(b)`` for ``d = b - a``, with ``h =
    (1-beta1) S``."""
    h, force = (1 - beta1) * S, b * p * edge() / S
    following = trace() * b - beta1 * a
    position = (following - beta1 * b) - (b - beta1 * a) + h * force
    speed = (following - b) - beta1 * (b - a) + h * force
    return vanishes(position) and vanishes(speed)


def psi_falls_then_rises() -> bool:
    """``psi = b - 2 s gamma b``: the sign of its slope is that of ``(1+u)^2 - 2 s (1-u)``, ``u = b^2``, which rises
    with u and with ``1 - s``, and vanishes at ``u = sqrt 5 - 2`` for ``s = 1``; its curvature is that of ``3 - u``;
    with a clip ``alpha1 >= 1`` and ``s <= 1`` it rises beyond."""
    opening = gamma(b**2, replace(ALGORITHM, alpha1=sp.oo, beta3=sp.Integer(1))).subs(beta3, 1)
    psi = b - 2 * s * opening * b
    sign = (1 + u) ** 2 - 2 * s * (1 - u)
    slope = vanishes(sp.diff(psi, b) * (1 + b**2) ** 2 - sign.subs(u, b**2))
    rises = sp.diff(sign, u) == 2 * (1 + u) + 2 * s or vanishes(sp.diff(sign, u) - 2 * (1 + u) - 2 * s)
    least = vanishes(sign.subs(s, 1).subs(u, sp.sqrt(5) - 2))
    curved = vanishes(sp.diff(psi, b, 2) * (1 + b**2) ** 3 - 4 * s * b * (3 - b**2))
    clipped = bool((1 - 2 * s / (1 + alpha)).subs({s: 1, alpha: 1}) == 0)
    return slope and rises and least and curved and clipped


def period_four_with_a_clip() -> bool:
    """Velocities ``r v, v, -r v, -v`` need ``S gamma = kappa - 1/r`` at the first and ``kappa + r`` at the second.

    With ``q = kappa - S/(1+alpha1)``, ``1/r = q`` is where the first gate is ``1/(1+alpha1)``; its speed falls as r
    rises, and ``r - 1/r`` rises. The two gates tie ``(r v)^2`` to ``v^2``, and the excess of the first has the sign of
    ``kappa y^2 + (kappa^2 - 1 - kappa S) y + 2 S``, ``y = r - 1/r``: negative between the cycle and the saddle.
    """
    one, kappa = sp.Integer(1), (1 + beta1) / (1 - beta1)
    q, r = kappa - S / (1 + alpha), sp.Symbol("r", positive=True)
    first, second = gate_between(-one, r, one), gate_between(r, one, -r)
    closes = vanishes(first - (kappa - 1 / r)) and vanishes(second - (kappa + r))
    speed, other = S / first - 1, S / second - 1
    meets = vanishes(speed.subs(r, 1 / q) - alpha)
    falls = vanishes(sp.diff(speed, r) * r**2 * first**2 + S)
    y = r - 1 / r
    value = kappa * y**2 + (kappa**2 - 1 - kappa * S) * y + 2 * S
    excess = speed - r**2 * other  # the gates are positive
    return closes and meets and falls and vanishes(excess * first * second - value * r)


STEPS = {
    "one step is a matrix with one unknown, its trace": one_unknown,
    "which forms a trace contracts": contraction,
    "how far an ellipse reaches": ellipses,
    "a target that does not shrink at the edge": up_to_the_edge,
    "far away the open gate pushes by a bounded amount": push_is_bounded,
    "far orbits come back": far_orbits_return,
    "the range of one step on a cell": psi_falls_then_rises,
    "where a clip leaves or replaces the period-4 cycle": period_four_with_a_clip,
}
