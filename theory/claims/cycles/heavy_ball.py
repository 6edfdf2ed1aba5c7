"""The true gate has a potential: VRMomentum on a quadratic is Polyak's heavy ball in the space of velocities.

Eliminating the positions from ``v_{t+1} = beta1 v_t + (1-beta1) H x_t`` and ``x_t = x_{t-1} - alpha0 phi(v_t)``,
``phi(v) = gamma(beta3 ||v||^2) v``, leaves

    v_{t+1} - v_t = beta1 (v_t - v_{t-1}) - (1-beta1) alpha0 H phi(v_t),        phi = grad Phi,

in units where beta3 = 1: ``Phi(v) = log(1 + ||v||^2)/2`` where the clip does not act, a parabola of curvature
``1/(1+alpha1)`` outside. The curvatures of ``Phi`` lie in ``[-mu, 1]``, ``mu = 1/8``. That much structure is enough for
convergence from everywhere below a threshold that is far above the one for arbitrary gates, and far below the edge.

**Theorem.** Let 0 <= beta1 < 1, H > 0 with eigenvalues at most L, S = alpha0 L, 0 < alpha1 <= oo. If S is below
``global_threshold``, or below the edge and beta1 <= ``global_beta1``, every start converges to the minimum;
exponentially, if alpha1 < oo.

*Proof.* Work in an eigenbasis of H; sums over the modes, each with its own ``h = (1-beta1) alpha0 H_i``, p, q, s, are
understood. With ``delta_t = v_t - v_{t-1}``, ``phi_t = phi(v_t)`` take

    V_t = Phi(v_t) + p delta_t^2 + 2 q delta_t phi_t + s phi_t^2.

``Phi + mu ||v||^2/2`` is convex and (1+mu)-smooth, so by the standard inequality for such functions (Nesterov,
Lectures on Convex Optimization, Theorem 2.1.5; :func:`interpolation` proves it for d = 1 and samples it beyond), with
``e = delta_{t+1}``, ``w = phi_{t+1}`` and ``nu = 1/(2(1+mu))``,

    Phi(v_{t+1}) - Phi(v_t) <= w e + mu e^2/2 - nu (w - phi + mu e)^2.

Hence ``V_t - V_{t+1} >= D(e, phi, w)``, a quadratic form, for which explicit p, q, s give sums of squares (the
functions below, each for an interval of S; together they cover what the theorem says). V is positive: under a
*constant* gate ``phi = k v``, 0 < k <= 1, the same D shows that the quadratic form V_k decreases, to 0 as those systems
are stable below the edge; so V_k > 0, and ``V = V_k + (Phi - phi v/2)`` at ``k = gamma(v)``, where the bracket is >= 0
because the gate never opens as the speed grows. The bracket and V_k also make V proper, so orbits are bounded, D -> 0
along them, and D = 0 for ever only at rest. If alpha1 < oo, k stays in a compact interval, V is comparable to the
squared norm of the state, and falls by a factor in every two steps. QED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.claim import vanishes
from theory.methods.linearisation import derive_edge, without_decay
from theory.notation import L, S, alpha0, beta1, beta3, v
from theory.recursion import ALGORITHM, Coefficients, gamma, momentum, velocity

mu, h, e, phi, w, delta = sp.symbols("mu h e phi w delta", positive=True)
t = sp.Symbol("t", positive=True)
nu = 1 / (2 * (1 + mu))
Array = NDArray[np.float64]


@cache
def gate_between(before: sp.Expr, now: sp.Expr, after: sp.Expr, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``S gamma_t`` of the gate that makes ``v_{t-1}, v_t, v_{t+1}`` successive velocities on ``F = L x^2/2``.

    >>> before, now, after = sp.symbols("before now after")
    >>> sp.factor(gate_between(before, now, after) - (now - after + beta1 * (now - before)) / ((1 - beta1) * now))
    0
    """
    c = without_decay(c)
    x, opening = sp.symbols("x opening")
    (position,) = sp.solve(velocity(before, L * x, c) - now, x)
    moved, _ = momentum(position, before, L * position, S / L * opening, c)
    (solution,) = sp.solve(velocity(now, L * moved, c) - after, opening)
    return sp.factor(S * solution)


# ---------------------------------------------------------------- the threshold, from the recursion


@cache
def lowest_curvature(c: Coefficients = ALGORITHM) -> sp.Expr:
    """The least slope of the gated velocity ``gamma(v^2) v`` where the clip does not act: ``-mu``."""
    slope = sp.diff(gamma(v**2, replace(c, alpha1=sp.oo)) * v, v)
    slope = slope.subs(beta3, t)  # beta3 > 0, where the gate acts at all
    stationary = [point for point in sp.solve(sp.diff(slope, v), v) if point != 0]
    return sp.simplify(min((slope.subs(v, point) for point in stationary), default=sp.nan))


@cache
def dissipation(c: Coefficients = ALGORITHM, curvature: sp.Expr = mu) -> sp.Poly | None:
    """The drop of ``Phi`` on oscillations ``v_t = z^t``, in units of ``|e|^2``: a polynomial in the cosine of the
    angle.

    With ``psi = phi/e`` it is ``-Re(z psi) - mu/2 + nu |(z-1) psi + mu|^2``, and must be positive on the whole circle:
    no other terms are left of D there. None when ``psi`` has a pole at 1, so that no such polynomial exists.
    """
    z, cosine = sp.symbols("z cosine")
    psi = sp.cancel(gate_between(1 / z, sp.Integer(1), z, c) / S / (z - 1))
    mirrored = psi.subs(z, 1 / z)
    jump, mirrored_jump = (z - 1) * psi + curvature, (1 / z - 1) * mirrored + curvature
    form = -(z * psi + mirrored / z) / 2 - curvature / 2 + jump * mirrored_jump / (2 * (1 + curvature))
    if sp.denom(psi).subs(z, 1) == 0:
        return None
    coefficients = sp.Poly(sp.expand(sp.cancel(form * z**2)), z).all_coeffs()
    second, first, middle = (sp.factor(coefficient) for coefficient in coefficients[:3])
    return sp.Poly(second * (4 * cosine**2 - 2) + first * 2 * cosine + middle, cosine)


def derive_global(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """Where the dissipation ceases to be positive, and the decay below which that is the edge."""
    polynomial = dissipation(c, -lowest_curvature(c))
    if polynomial is None:
        return {}
    roots = sp.solve(sp.numer(sp.together(polynomial.discriminant())), S)
    threshold = max(roots, key=lambda root: root.subs(beta1, sp.Rational(9, 10)).evalf())
    (quadratic, linear, _) = polynomial.all_coeffs()
    vertex_at_minus_one = sp.numer(sp.together((linear - 2 * quadratic).subs(S, derive_edge(c)["threshold"])))
    decays = [root for root in sp.solve(vertex_at_minus_one, beta1) if 0 < root < 1]
    return {"global_threshold": threshold, **dict(zip(["global_beta1"], decays, strict=False))}


GLOBAL = {
    "global_threshold": 8
    * (8 + 27 * beta1 + beta1**2 + 2 * sp.sqrt(2 * beta1 * (17 + beta1) * (4 + 5 * beta1)))
    / (8 + beta1) ** 2,
    "global_beta1": (3 * sp.sqrt(41) - 17) / 10,
}


# ---------------------------------------------------------------- proof steps


def heavy_ball() -> bool:
    """The recursion in two dimensions, curvatures L and 2L/3, equals the heavy ball on ``Phi`` (gate a free number)."""
    before, now = (sp.Matrix(sp.symbols(f"{name}:2")) for name in ("before", "now"))
    hessian, opening = sp.diag(L, 2 * L / 3), sp.Symbol("opening")
    c = without_decay(ALGORITHM)
    position = (hessian * (1 - beta1)).inv() * (now - beta1 * before)
    moved, same = momentum(position, before, hessian * position, alpha0 * opening, c)
    after = velocity(now, hessian * moved, c)
    ball = now + beta1 * (now - before) - (1 - beta1) * alpha0 * hessian * opening * now
    return all(vanishes(entry) for entry in [*(same - now), *(after - ball)])


def potential() -> bool:
    """``grad Phi`` is the gated velocity; curvatures along v in [-1/8, 1], across it gamma in (0, 1]; and
    ``Phi - phi v/2`` rises from 0 with the speed, because gamma falls."""
    opening = 1 / (1 + v**2)
    same_gate = vanishes(gamma(v**2, replace(ALGORITHM, alpha1=sp.oo, beta3=sp.Integer(1))) - opening)
    gradient = vanishes(sp.diff(sp.log(1 + v**2) / 2, v) - opening * v)
    along = sp.diff(opening * v, v)
    above = vanishes(along + sp.Rational(1, 8) - (v**2 - 3) ** 2 / (8 * (1 + v**2) ** 2))
    below = vanishes(1 - along - v**2 * (3 + v**2) / (1 + v**2) ** 2)
    excess = sp.diff(sp.log(1 + v**2) / 2 - opening * v**2 / 2, v)
    return same_gate and gradient and above and below and vanishes(excess - v**3 / (1 + v**2) ** 2)


def interpolation() -> bool:
    """The inequality that is imported: proved for d = 1, sampled for d = 2 and 3, where it is tight.

    For ``Psi`` with ``0 <= Psi'' <= M`` let ``G(a) = Psi'(b)(b-a) - Psi(b) + Psi(a) - (Psi'(b)-Psi'(a))^2/(2M)``. Then
    ``G(b) = 0`` and ``G'(a) = -(Psi'(b)-Psi'(a))(1 - Psi''(a)/M)``, which has the sign of a - b: G is nowhere negative.
    With ``Psi = Phi + mu v^2/2``, ``M = 1 + mu``, ``a = v``, ``b = v + e`` it is the inequality of the proof.
    """
    a, b, M = sp.symbols("a b M", positive=True)
    Psi, Phi = sp.Function("Psi"), sp.Function("Phi")
    gap = Psi(b).diff(b) * (b - a) - Psi(b) + Psi(a) - (Psi(b).diff(b) - Psi(a).diff(a)) ** 2 / (2 * M)
    slope = -(Psi(b).diff(b) - Psi(a).diff(a)) * (1 - Psi(a).diff(a, 2) / M)
    one_dimension = vanishes(gap.diff(a) - slope) and vanishes(gap.subs(a, b).doit())
    used = w * e + mu * e**2 / 2 - nu * (w - phi + mu * e) ** 2 - (Phi(b) - Phi(a))
    named = {Psi(b).diff(b): w + mu * b, Psi(a).diff(a): phi + mu * a, M: 1 + mu}
    named |= {Psi(b): Phi(b) + mu * b**2 / 2, Psi(a): Phi(a) + mu * a**2 / 2}
    restated = vanishes((gap.subs(named) - used).subs(e, b - a))
    return one_dimension and restated and all(sampled_gap(d) >= -1e-13 > sampled_gap(d, 1.05) for d in (2, 3))


def sampled_gap(dimension: int, factor: float = 1.0, pairs: int = 40_000) -> float:
    """The least of ``<w, e> + mu |e|^2/2 - factor nu |w - phi + mu e|^2 - (Phi(v+e) - Phi(v))`` over random pairs.

    ``mu = 1/8``, Phi unclipped and clipped at alpha1 = 4; v and e are normal, their sizes spread over four decades.
    """
    random = np.random.default_rng(dimension)
    size = 10 ** random.uniform(-3, 1, (2, pairs, 1))
    before, jump = size * random.standard_normal((2, pairs, dimension))
    curvature, least = 1 / 8, np.inf
    for clip in (np.inf, 4.0):

        def value(v: Array, clip: float = clip) -> Array:
            square = (v**2).sum(axis=-1)
            inside = np.minimum(square, clip)
            return (np.log1p(inside) + (square - inside) / (1 + inside)) / 2

        def slope(v: Array, clip: float = clip) -> Array:
            return v / (1 + np.minimum((v**2).sum(axis=-1, keepdims=True), clip))

        after = before + jump
        turn = slope(after) - slope(before) + curvature * jump
        bound = (slope(after) * jump).sum(axis=-1) + curvature * (jump**2).sum(axis=-1) / 2
        bound -= factor * (turn**2).sum(axis=-1) / (2 * (1 + curvature))
        least = min(least, float((bound - (value(after) - value(before))).min()))
    return least


def decrement(p: sp.Expr, q: sp.Expr, s: sp.Expr) -> sp.Expr:
    """``D(e, phi, w)``, with ``delta`` eliminated by the recursion ``e = beta1 delta - h phi``."""
    past = (e + h * phi) / beta1
    supply = w * e + mu * e**2 / 2 - nu * (w - phi + mu * e) ** 2
    drop = p * (past**2 - e**2) + 2 * q * (past * phi - e * w) + s * (phi**2 - w**2)
    return drop - supply


def squares() -> bool:
    """The first choice: ``D = nu (beta1 w - phi - c e)^2/beta1 + rho e^2`` with ``rho = -nu W(S)/(4 beta1 S^2)``,

    ``W(S) = (1+mu beta1)^2 S^2 - 2 (1 + 3 beta1 + mu beta1 (3+beta1)) S + (1-beta1)^2``. Its larger root is the
    threshold, since it divides the discriminant of the dissipation; its smaller one lies below 1, since W(1) < 0.
    """
    p = beta1 * (sp.Rational(1, 2) - (1 - beta1) * nu * mu) / h
    q = nu * ((1 - beta1) ** 2 / h - (1 + mu * beta1)) / 2
    W = (1 + mu * beta1) ** 2 * S**2 - 2 * (1 + 3 * beta1 + mu * beta1 * (3 + beta1)) * S + (1 - beta1) ** 2
    total = nu * (beta1 * w - phi - (q + nu) / nu * e) ** 2 / beta1 - nu * W / (4 * beta1 * S**2) * e**2
    same = sp.cancel(decrement(p, q, nu * (1 - beta1)) - total.subs(S, h / (1 - beta1))) == 0
    polynomial = dissipation()
    roots = polynomial is not None and not sp.cancel(polynomial.discriminant() * S**4 / W).has(S)
    at_one = vanishes(W.subs(S, 1) + beta1 * (8 + 4 * mu - beta1 * (1 - mu) ** 2))
    return same and roots and at_one and (8 + 4 * mu - (1 - mu) ** 2).subs(mu, -lowest_curvature()) > 0


def squares_for_small_steps() -> bool:
    """For S < 2 the energy ``V = Phi + p delta^2`` with ``p = (1/h - 1/2)/2`` is enough:

    ``D = p (e^2 + delta^2) - (beta1/h) e delta + nu (w - phi - e)^2``, positive iff ``2p > beta1/h``. The last square
    is what the inequality gains over the descent lemma ``Phi(v+e) <= Phi(v) + phi e + e^2/2``.
    """
    p = (1 / h - sp.Rational(1, 2)) / 2
    past = (e + h * phi) / beta1
    total = p * (e**2 + past**2) - beta1 / h * e * past + nu * (w - phi - e) ** 2
    same = vanishes(decrement(p, sp.Integer(0), sp.Integer(0)) - total)
    return same and vanishes((2 * p - beta1 / h).subs(h, (1 - beta1) * S) - (2 - S) / (2 * S))


def squares_up_to_the_edge() -> bool:
    """The second choice: ``D = nu (beta1 w - phi - c e)^2/beta1 + n (e + delta)^2 + rho e^2`` with

    ``n h^2 = nu ((1 - mu beta1) h - (1 + 6 beta1 + beta1^2))``, and ``rho h^2 = nu (edge_h - h)(edge_h + mu h)``
    positive below the edge ``edge_h = 2(1+beta1)``. At n = 0 the first choice holds already (the dissipation is
    positive there, its vertex being -1), so both together reach the edge if ``n >= 0`` there: if beta1 <=
    ``global_beta1``.
    """
    n = nu * ((1 - mu * beta1) * h - (1 + 6 * beta1 + beta1**2)) / h**2
    p = n * (1 + beta1) + nu * beta1 * (1 + mu * beta1) / h
    q = nu * (1 + beta1) ** 2 / h - nu
    edge_h = 2 * (1 + beta1)
    rho = nu * (edge_h - h) * (edge_h + mu * h) / h**2
    past = (e + h * phi) / beta1
    total = nu * (beta1 * w - phi - (q + nu) / nu * e) ** 2 / beta1 + n * (e + past) ** 2 + rho * e**2
    polynomial = dissipation()
    if polynomial is None or not vanishes(decrement(p, q, nu * (1 - beta1)) - total):
        return False
    quadratic, linear, _ = polynomial.all_coeffs()
    vertex = (-linear / (2 * quadratic)).subs(S, h / (1 - beta1))
    at_edge = sp.expand((n * h**2 / nu).subs(h, edge_h).subs(mu, -lowest_curvature()))
    same_sign = vanishes(4 * beta1 * (vertex + 1) + n * h**2 / nu)
    return same_sign and _falls_through(at_edge, GLOBAL["global_beta1"])


def _falls_through(polynomial: sp.Expr, root: sp.Expr) -> bool:
    """``polynomial`` in beta1 falls on [0, 1] and vanishes at ``root``."""
    falling = all(coefficient <= 0 for coefficient in sp.Poly(sp.diff(polynomial, beta1), beta1).all_coeffs())
    return falling and vanishes(polynomial.subs(beta1, root))
