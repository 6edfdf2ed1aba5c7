"""S6: beyond the edge. The origin is unstable for ``S = alpha0 L > B = 2(1+beta1)/(1-beta1)``; what attracts instead.

A period-2 orbit ``v, -v, v, ...`` needs the gate at which momentum is exactly marginal, ``eta L = B``; the speed
adjusts itself until the gate has that value. So VRMomentum pins its own step size at the edge of the sharpest
direction. The orbit attracts until ``S = 2B``. There it breaks its symmetry: ``v1, -v2`` with ``beta3 v1 v2 = 1``
takes over, and attracts for a short while. If the fully closed gate is stable, ``eta_min L < B``, orbits stay bounded
whatever S is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from theory import recursion
from theory.claim import Claim, vanishes
from theory.claims.cycles.below_edge import IN_KAPPA, K, kinetic, same
from theory.claims.cycles.heavy_ball import gate_between
from theory.methods.linearisation import at, characteristic, transition, without_decay
from theory.notation import L, S, alpha1, beta1, beta3, edge, kappa, latex
from theory.recursion import ALGORITHM, Coefficients, gamma

ratio = sp.Symbol("ratio", positive=True)  # v1/v2 of the asymmetric orbit
q, x, w, s = sp.symbols("q x w s", positive=True)


# ---------------------------------------------------------------- the orbits, from the recursion


def slope(opening: sp.Expr) -> sp.Expr:
    """``d(gamma v)/dv`` at ``gamma = opening``, unclipped: ``opening (2 opening - 1)``, read off the gate."""
    energy = sp.Symbol("energy", positive=True)
    open_gate = gamma(energy**2, replace(ALGORITHM, alpha1=sp.oo, beta3=sp.Integer(1)))
    return sp.factor(sp.diff(open_gate * energy, energy).subs(energy, sp.sqrt(1 / opening - 1)))


def steps(*steepness: sp.Expr, c: Coefficients = ALGORITHM) -> sp.Expr:
    """Characteristic polynomial of successive steps whose gated velocities have the slopes ``steepness/S``."""
    step = sp.Symbol("step", positive=True)
    names = sp.symbols(f"steepness:{len(steepness)}")
    product = sp.eye(2)
    for name in names:
        product = transition(without_decay(c), step, name / step) * product
    return characteristic(product).subs(dict(zip(names, steepness, strict=True)))


def asymmetric_gates(c: Coefficients = ALGORITHM) -> tuple[sp.Expr, sp.Expr]:
    """``S gamma`` at v1 and at v2 on the orbit ``v1, -v2, v1, ...`` with ``v1 = ratio v2``."""
    one = sp.Integer(1)
    return gate_between(-one, ratio, -one, c), gate_between(ratio, -one, ratio, c)


def derive(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """Close the orbits, and ask Jury's conditions where they stop attracting."""
    one = sp.Integer(1)
    pinned = gate_between(-one, one, -one, c)
    squared = kinetic(pinned / S, c) / c.beta3
    (upper_end,) = sp.solve(at(steps(S * slope(pinned / S), c=c), 1), S)
    first, second = asymmetric_gates(c)
    balance = sp.numer(sp.together(kinetic(first / S, c) - ratio**2 * kinetic(second / S, c)))
    tied = [S - level for factor in _broken(balance) for level in sp.solve(factor, S)]
    loses = sp.numer(sp.together(at(steps(S * slope(first / S), S * slope(second / S), c=c), -1)))
    ends = [end for tie in tied for end in _common_levels(loses, sp.numer(sp.together(tie)))]
    return {
        "velocity_squared": squared,
        "pinned": pinned,
        "upper_end": upper_end,
        **({"asymmetric_end": ends[0]} if len(ends) == 1 else {}),
    }


def _broken(balance: sp.Expr) -> list[sp.Expr]:
    """The factors of the balance in which S occurs: the others are the symmetric orbit, ``ratio = 1``."""
    return [factor for factor, _ in sp.factor_list(balance)[1] if factor.has(S)]


def _common_levels(first: sp.Expr, second: sp.Expr) -> list[sp.Expr]:
    """The levels S, beyond ``upper_end``, at which two polynomials in ``ratio`` have a common root."""
    eliminant = sp.resultant(first, second, ratio)
    levels = {level for factor, _ in sp.factor_list(eliminant)[1] if factor.has(S) for level in sp.solve(factor, S)}
    at_example = {beta1: sp.Rational(9, 10)}
    return [level for level in levels if level.subs(at_example) > 2 * edge().subs(at_example)]


BEYOND = {
    "velocity_squared": (S / edge() - 1) / beta3,
    "pinned": edge(),
    "upper_end": 2 * edge(),
    "asymmetric_end": edge() * (9 + kappa() ** -2) / 4,
}


# ---------------------------------------------------------------- proof steps


def window() -> bool:
    """Jury for the half-period map ``-J``, ``det J = beta1``: it needs ``p_J(-1) = 4(1+beta1)(S-B)/S > 0`` and
    ``p_J(1) = 2(1+beta1)(2B-S)/S > 0``."""
    p = steps(S * slope(BEYOND["pinned"] / S))
    born = same(at(p, -1), 4 * (1 + beta1) * (S - edge()) / S)
    lost = same(at(p, 1), 2 * (1 + beta1) * (2 * edge() - S) / S)
    return born and lost and same(at(p, 0), beta1)


def clip_condition() -> bool:
    """``alpha1 > beta3 v^2`` on the orbit exactly when the closed gate is stable: ``S/(1+alpha1) < B``."""
    room = alpha1 - beta3 * BEYOND["velocity_squared"]
    return same(room, (1 + alpha1) / edge() * (edge() - S / (1 + alpha1)))


def stable_closed_gate_is_not_enough() -> bool:
    """beta1 = 9/10, S = 57, alpha1 = 1: ``eta_min L = 57/2 < 38``, yet the origin repels and the orbit attracts.

    ``p(-1) = -19/10 < 0`` at the origin; on the orbit ``beta3 v^2 = 1/2 < alpha1``, and ``S < upper_end = 76``.
    """
    here = {beta1: sp.Rational(9, 10), S: 57, alpha1: 1, beta3: 1}
    asked = at(steps(S), -1), S / (1 + alpha1), edge(), BEYOND["velocity_squared"], BEYOND["upper_end"]
    return [value.subs(here) for value in asked] == [
        sp.Rational(-19, 10),
        sp.Rational(57, 2),
        38,
        sp.Rational(1, 2),
        76,
    ]


def directions_decouple() -> bool:
    """Two modes, curvatures L and ``q L``, at the orbit of the first: the Jacobian of the true map has two blocks, and
    the other mode's is momentum's at ``eta L = B``: ``||v||^2`` is of second order in its velocity."""
    position, velocity = sp.Matrix(sp.symbols("x0 x1")), sp.Matrix(sp.symbols("v0 v1"))
    hessian = sp.diag(L, q * L)
    c = replace(without_decay(ALGORITHM), alpha1=sp.oo)
    after = recursion.velocity(velocity, hessian * position, c)
    step_size = c.alpha0 * gamma(recursion.published(recursion.start(2), after, after), c)
    moved, after = recursion.momentum(position, velocity, hessian * position, step_size, c)
    state = [position[0], velocity[0], position[1], velocity[1]]
    jacobian = sp.Matrix([moved[0], after[0], moved[1], after[1]]).jacobian(state)
    jacobian = jacobian.subs({position[1]: 0, velocity[1]: 0})
    frozen = sp.Symbol("frozen")
    other = transition(c, frozen, q * L).subs(frozen, c.alpha0 * gamma(after[0] ** 2, c))
    return all(same(entry, sp.Integer(0)) for entry in jacobian - sp.diag(jacobian[:2, :2], other))


def sharpest_direction_rules() -> bool:
    """At ``eta L = B`` a mode of curvature ``q L`` has ``p(-1) = 2(1+beta1)(1-q)``: it decays iff q < 1. So the orbit
    of the sharpest direction attracts, all others moving at ``B/L``, and those of flatter directions never do."""
    p = steps(q * edge())
    free = vanishes(at(p, 1) - 2 * (1 + beta1) * q) and vanishes(at(p, 0) - beta1)
    return free and vanishes(at(p, -1) - 2 * (1 + beta1) * (1 - q))


def symmetry_breaks() -> bool:
    """``S gamma = kappa (1 + 1/ratio)`` and ``kappa (1 + ratio)`` close ``v1, -v2``; off ``ratio = 1`` the speeds are
    tied by ``S ratio = kappa (1+ratio)^2``, so S >= 2B, ``beta3 v1^2 = ratio`` and ``beta3 v1 v2 = 1``; and with ``rho
    = S/kappa`` ``p(1) = (1+beta1)^2 2 (rho - 4)``, ``p(-1) = (1+beta1)^2 (9 - 2 rho) + (1-beta1)^2``."""
    first, second = (gate.subs(IN_KAPPA) for gate in asymmetric_gates())
    level = K * (1 + ratio) ** 2 / ratio
    closed = same(first, K * (1 + 1 / ratio)) and same(second, K * (1 + ratio))
    tied = same(kinetic(first / level), ratio) and same(kinetic(second / level), 1 / ratio)
    beyond = same(level - 4 * K, K * (ratio - 1) ** 2 / ratio)
    p = steps(level * slope(first / level), level * slope(second / level)).subs(IN_KAPPA)
    one, two = (2 * K / (K + 1)) ** 2, (2 / (K + 1)) ** 2  # (1+beta1)^2, (1-beta1)^2
    repels = same(at(p, 1), 2 * one * (level / K - 4))
    flips = same(at(p, -1), one * (9 - 2 * level / K) + two)
    return closed and tied and beyond and repels and flips


def bounded() -> bool:
    """``x' = x - a w' - pi`` with ``a = eta_min L`` and ``|pi| = (eta - eta_min)|v| <= alpha0/(2 sqrt beta3)``, in d =
    1.

    With ``Q = (1-beta1) x (x-w) + a w w'``: ``Q(A z) = beta1 Q(z)``, Q is positive definite for ``a + 1/a < B``, and
    ``Q(1, 0) = 1-beta1``. So ``sqrt Q' <= sqrt(beta1) sqrt Q + sqrt(1-beta1) |pi|``, and in the limit ``sqrt Q <=
    sqrt(1-beta1) alpha0/(2 sqrt(beta3) (1 - sqrt beta1))``. In d dimensions each mode is a Schur system with the same
    bounded input.
    """

    def form(x: sp.Expr, w: sp.Expr) -> sp.Expr:
        return (1 - beta1) * x * (x - w) + s * w * (beta1 * w + (1 - beta1) * x)

    moved, after = recursion.momentum(x, w * L, L * x, s / L, without_decay(ALGORITHM))
    contracts = vanishes(form(moved, after / L) - beta1 * form(x, w))
    determinant = 4 * (1 - beta1) * s * beta1 - (1 - beta1) ** 2 * (s - 1) ** 2
    definite = vanishes(sp.discriminant(form(x, w).subs(w, 1), x) + determinant)
    edge_form = vanishes(determinant - (1 - beta1) ** 2 * s * (edge() - s - 1 / s))
    largest = 1 / (2 * sp.sqrt(beta3))
    peak = vanishes(largest - gamma(x**2, replace(ALGORITHM, alpha1=sp.oo)) * x - _gap(x))
    return contracts and definite and edge_form and peak and form(1, 0) == 1 - beta1


def _gap(v: sp.Expr) -> sp.Expr:
    """``1/(2 sqrt beta3) - gamma v`` as a square: ``(1 - sqrt(beta3) v)^2/(2 sqrt(beta3) (1 + beta3 v^2))``."""
    return (1 - sp.sqrt(beta3) * v) ** 2 / (2 * sp.sqrt(beta3) * (1 + beta3 * v**2))


S6 = Claim(
    id="S6",
    title="Beyond the edge: the gate pins the step size",
    as_reported=(
        "With the clip active, eta_min L < B(beta1) is said to be enough for stability (Theorem 4.1); what happens for "
        "B < alpha0 L is not described. The statement here is introduced by this project."
    ),
    statement=(
        rf"B < S < {latex(BEYOND['upper_end'])}, \ \alpha_1 > S/B - 1: \quad "
        rf"\eta_t L = {latex(BEYOND['pinned'])}, \quad v_t = \pm v, \quad v^2 = {latex(BEYOND['velocity_squared'])}"
    ),
    source="introduced here; the condition eta_min L < B is from VRAdam (arXiv:2505.13196), Theorem 4.1",
    assumptions=(
        "VRMomentum, quadratic objective, beta1 > 0, beta3 > 0, published gate; S = alpha0 L, B = 2(1+beta1)/(1-beta1)",
        "L is a simple eigenvalue; the other curvatures lie in (0, L)",
        "attraction is local: from starts near the orbit",
        "boundedness: eta_min L < B for every S; the explicit constant is for d = 1, a = eta_min L, a + 1/a < B",
    ),
    plain=(
        "Suppose the learning rate is too large for the sharpest direction. Near the minimum the gate is open and "
        "the iterate is thrown out; as it speeds up, the gate closes, until the step size is exactly the largest one "
        "that momentum tolerates. There it stays, jumping to and fro with one speed: the gate regulates itself to "
        "the edge of stability of the sharpest direction, and every flatter direction converges with that same step "
        "size B/L. Up to alpha0 L = 2B this two-step motion attracts, provided the clip leaves the gate room (alpha1 "
        "> S/B - 1, which is the same as eta_min L < B). At 2B one of the two jumps becomes faster than the other, "
        "their speeds multiplying to 1/beta3; soon after (2.25 B) longer cycles and chaos follow. What eta_min L < B "
        "does guarantee is that nothing runs away, not that the minimum is reached."
    ),
    concludes="proved under assumptions",
    holds="B < S < 2B: eta_t L = B and beta3 v^2 = S/B - 1; orbits stay bounded while eta_min L < B",
    prose=(
        "A periodic orbit whose return map has its eigenvalues inside the unit circle attracts its neighbourhood.",
        "On the orbit the other modes see the constant gate B/L, below their own edges, and decay.",
        "A stable linear system with a bounded input stays bounded.",
    ),
    derive=derive,
    formulas=BEYOND,
    steps={
        "the orbit attracts exactly for B < S < 2B": window,
        "the clip leaves room iff eta_min L < B": clip_condition,
        "eta_min L < B does not make the origin stable: exact example": stable_closed_gate_is_not_enough,
        "in d dimensions the other modes decouple": directions_decouple,
        "only the orbit of the sharpest direction attracts": sharpest_direction_rules,
        "at 2B the orbit breaks its symmetry": symmetry_breaks,
        "orbits stay bounded while eta_min L < B": bounded,
    },
)
