"""S3b: the true gate below the edge. Where everything converges, and where cycles attract instead.

On ``F = L x^2/2`` a cycle of period four ``v1, v2, -v1, -v2`` exists when two gates close it; each of them is a linear
function of ``r = v1/v2``, and the unclipped gate ties them to the speeds: a quartic in r, quadratic in ``y = r - 1/r``.
In ``kappa = (1+beta1)/(1-beta1)`` it is linear in ``S = alpha0 L``, so everything about these cycles is a statement
about the curve

    S(y) = y (kappa y + kappa^2 - 1)/(kappa y - 2),   y > 2/kappa,

which has one minimum ``S*``: a saddle-node of cycles. Longer cycles are continued (:mod:`theory.search.cycles`) and
certified in interval arithmetic (:mod:`theory.certificates.cycles`); the theorem below them is in
:mod:`theory.claims.cycles.heavy_ball`. Nearly everything between is proved box by box: :mod:`theory.stability_map`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial

import sympy as sp

from theory import stability_map
from theory.certificates.statement import Statement
from theory.claim import Certificate, Cited, Claim, vanishes
from theory.claims.cycles import frontier, heavy_ball
from theory.claims.cycles.heavy_ball import gate_between
from theory.identity import is_zero
from theory.methods import linearisation
from theory.methods.linearisation import at, characteristic, jacobian, transition, velocity, without_decay, x, z
from theory.notation import L, S, alpha0, beta1, latex
from theory.recursion import ALGORITHM, Coefficients, gamma

r, y, K, t, root = sp.symbols("r y kappa t root", positive=True)
IN_KAPPA = {beta1: (K - 1) / (K + 1)}


# ---------------------------------------------------------------- the orbit, from the recursion


@cache
def closing_gates(c: Coefficients = ALGORITHM) -> tuple[sp.Expr, sp.Expr]:
    """``S gamma(v1)`` and ``S gamma(v2)`` that close ``v1 = r v2, v2, -v1, -v2``: ``kappa - 1/r`` and ``kappa + r``."""
    one = sp.Integer(1)
    return gate_between(-one, r, one, c), gate_between(r, one, -r, c)


@cache
def kinetic(opening: sp.Expr, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``beta3 v^2`` at which the unclipped gate is ``opening``: ``1/opening - 1``."""
    energy = sp.Symbol("energy")
    (solution,) = sp.solve(gamma(energy, replace(c, alpha1=sp.oo)) - opening, energy)
    return c.beta3 * solution


@cache
def quartic(c: Coefficients = ALGORITHM) -> sp.Poly:
    """The polynomial in r of the unclipped orbits: ``beta3 v1^2 = r^2 beta3 v2^2``."""
    first, second = (kinetic(gate / S, c) for gate in closing_gates(c))
    return sp.Poly(sp.numer(sp.together(first - r**2 * second)), r)


def quadratic(c: Coefficients = ALGORITHM) -> sp.Poly:
    """``quartic/r^2`` in ``y = r - 1/r``, which it depends on alone: r and -1/r are the same orbit."""
    top, odd, middle, _, _ = quartic(c).all_coeffs()
    return sp.Poly(top * (y**2 + 2) + odd * y + middle, y)


def derive(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """The saddle-node, the decay at which it meets the edge, the largest speed of a cycle below the edge; and the
    thresholds of the theorem for all starts."""
    at_edge = linearisation.derive_edge(c)["threshold"]
    discriminant = quadratic(c).discriminant()
    saddle_nodes = sp.solve(discriminant, S)
    meetings = sp.solve(sp.numer(sp.together(discriminant.subs(S, at_edge))), beta1)
    found = {
        "period4_threshold": saddle_nodes,
        "period4_beta1": [decay for decay in meetings if decay.is_real and 0 < decay < 1],
        "period4_kinetic": _largest_kinetic(c, at_edge),
    }
    largest = {name: max(roots, key=lambda root: root.subs(beta1, 0.9)) for name, roots in found.items() if roots}
    return {**largest, **heavy_ball.derive_global(c)}


def _largest_kinetic(c: Coefficients, at_edge: sp.Expr) -> list[sp.Expr]:
    """Extremes over beta1 of ``u = beta3 v1^2`` at the edge: there two roots in beta1 of the quartic, in u, meet."""
    u = sp.Symbol("u", positive=True)
    inverse = sp.solve((closing_gates(c)[0] - at_edge / (1 + u)).subs(r, 1 / t), t)
    cycles = sp.numer(sp.together(quartic(c).as_expr().subs(S, at_edge).subs(r, 1 / inverse[0])))
    factors = sp.factor_list(sp.discriminant(cycles, beta1))[1]
    extremes = [energy for factor, _ in factors if sp.degree(factor, u) > 1 for energy in sp.solve(factor, u)]

    def decays(energy: sp.Expr) -> list[sp.Expr]:
        roots = sp.Poly(cycles.subs(u, energy.evalf(40)), beta1).nroots(n=20)
        return [decay for decay in roots if abs(sp.im(decay)) < 1e-8]

    return [energy for energy in extremes if any(0 < decay < 1 for decay in decays(energy))]


CYCLES = {
    "period4_threshold": 4 * (1 - beta1 + beta1**2 + (1 - beta1) * sp.sqrt(1 + beta1**2)) / (1 - beta1**2),
    "period4_beta1": 1 / sp.sqrt(3),
    "period4_kinetic": 2 - sp.sqrt(3) + sp.sqrt(6) - sp.sqrt(2),
    **heavy_ball.GLOBAL,
}


# ---------------------------------------------------------------- the curve of period-4 cycles

CURVE = y * (K * y + K**2 - 1) / (K * y - 2)  # S(y)
LEAST = (2 + root) / K  # where S(y) is least, root = sqrt(2(kappa^2+1))
Y = r - 1 / r
GATES = (K - 1 / r, K + r)  # S gamma at v1 and at v2


def same(left: sp.Expr, right: sp.Expr) -> bool:
    """Two rational functions are equal."""
    return is_zero(left - right)


def _positive(expr: sp.Expr, *symbols: sp.Symbol) -> bool:
    """A polynomial all of whose coefficients are positive: it is positive for positive ``symbols``."""
    return all(coefficient > 0 for coefficient in sp.Poly(sp.expand(expr), *symbols).coeffs())


def saddle_node() -> sp.Expr:
    """``S*`` in kappa and ``root = sqrt(2(kappa^2+1))``, which is ``2 sqrt(1+beta1^2)/(1-beta1)``."""
    return CYCLES["period4_threshold"].subs(sp.sqrt(1 + beta1**2), root * (1 - beta1) / 2).subs(IN_KAPPA)


def one_curve() -> bool:
    """``quartic = r^2 quadratic(r - 1/r)``; it vanishes exactly on ``S = S(y)``, whose least value is ``S*``.

    The speeds are real only for r > 1 (up to the symmetry r -> -1/r): ``beta3 (v1^2 - v2^2)`` is
    ``S/(kappa-1/r) - S/(kappa+r) > 0``. For ``0 < kappa y < 2`` the curve has S < 0.
    """
    in_y = same(quartic().as_expr(), r**2 * quadratic().as_expr().subs(y, Y))
    curve = same(quadratic().as_expr().subs(IN_KAPPA).subs(S, CURVE), sp.Integer(0))
    turning = K**2 * y**2 - 4 * K * y - 2 * (K**2 - 1)
    slope = same(sp.diff(CURVE, y) * (K * y - 2) ** 2, turning)
    least = turning.subs(y, LEAST), CURVE.subs(y, LEAST) - saddle_node()
    attained = all(sp.rem(sp.numer(sp.together(gap)), root**2 - 2 * (K**2 + 1), root) == 0 for gap in least)
    return in_y and curve and slope and attained


def speeds_are_real() -> bool:
    """On the curve ``beta3 v2^2 (kappa+r) = S - kappa - r`` is positive for ``kappa y > 2``, and ``v1 = r v2``."""
    excess = (CURVE - K - r).subs(y, Y) * (K * Y - 2)
    closed = (same(gate.subs(IN_KAPPA), named) for gate, named in zip(closing_gates(), GATES, strict=True))
    return same(excess, K * (1 + 1 / r**2) + r + 1 / r) and all(closed)


def below_the_edge() -> bool:
    """``kappa (edge - S*) = kappa^2 - 3 - 2 sqrt(2(kappa^2+1))``, positive iff kappa > 2 + sqrt 3: beta1 > 1/sqrt 3."""
    gap = same(K * (2 * K - saddle_node()), K**2 - 3 - 2 * root)
    squared = (K**2 - 3) ** 2 - 8 * (K**2 + 1)
    crossing = vanishes(squared - (K**2 - (2 + sp.sqrt(3)) ** 2) * (K**2 - (2 - sp.sqrt(3)) ** 2))
    return gap and crossing and vanishes(((K - 1) / (K + 1)).subs(K, 2 + sp.sqrt(3)) - 1 / sp.sqrt(3))


# ---------------------------------------------------------------- who attracts


def half_return(first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """Characteristic polynomial, in kappa, of two steps with ``S d(gamma v)/dv = first``, then ``second``."""
    one, two, step = sp.symbols("one two step", positive=True)
    matrix = transition(without_decay(ALGORITHM), step, S / step)
    p = characteristic(matrix.subs(S, two) * matrix.subs(S, one)).subs(IN_KAPPA)
    return p.subs({one: first, two: second})


def slope_of_the_true_map() -> bool:
    """The Jacobian of the true map is momentum's matrix with ``gamma (2 gamma - 1)`` in the place of ``gamma``."""
    opening = gamma(velocity**2, replace(ALGORITHM, alpha1=sp.oo))
    slope = sp.diff(opening * velocity, velocity)
    after = beta1 * velocity + (1 - beta1) * L * x
    step = sp.Symbol("step")
    frozen = transition(without_decay(ALGORITHM), step, L).subs(step, alpha0 * slope.subs(velocity, after))
    matches = all(same(entry, sp.Integer(0)) for entry in jacobian(hessian=L) - frozen)
    return matches and same(slope, opening * (2 * opening - 1))


def lower_branch_attracts() -> bool:
    """Jury for the half-return map ``-M``, ``det M = beta1^2``.

    ``1 + beta1^2 + tr M`` is a negative multiple of dS/dr: positive on the branch ``y < LEAST``, negative on the
    other, a saddle. ``1 + beta1^2 - tr M`` has the sign of ``first + second/kappa^2`` at ``m = kappa y``: positive
    below the edge, where ``kappa^2 (m-4) = m^2 - m + g``, ``g > 0``, so that ``m = 4 + t``.
    """
    m, g = sp.symbols("m g", positive=True)
    curve = CURVE.subs(y, Y)
    p = half_return(*(gate * (2 * gate / curve - 1) for gate in GATES))
    weight = r / ((K + 1) ** 2 * (K + r) * (r**2 - 1) ** 2 * (K * r - 1))
    low = -8 * (r**2 + 1) * (K * r**2 - K - 2 * r) ** 2 * weight * sp.diff(curve, r)
    first, second = K**2 * (m**2 - 16) + m**3 + 4 * m**2 - 32 * m + 16, m**2 * (2 * m - 1) * (m - 3)
    high = 4 * r**2 * weight * (first + second / K**2).subs(m, K * Y)
    ends = {point: p.subs(z, point) for point in (-1, 1, 0)}
    jury = same(ends[-1], low) and same(ends[1], high) and same(ends[0], beta1.subs(IN_KAPPA) ** 2)
    square = (m**2 - m + g) / (m - 4)
    below = same((2 * K - CURVE) * K * (K * y - 2) - g, ((K**2 - square) * (m - 4)).subs(m, K * y))
    inside = (sp.cancel(part.subs(K**2, square)).subs(m, 4 + t) for part in (first, second))
    return jury and below and all(_positive(part, t, g) for part in inside)


def largest_speed() -> bool:
    """``beta3 v1^2 = S/(kappa - 1/r) - 1`` rises with S and falls with r.

    So its supremum below the edge lies on the lower branch at the edge, where it is ``(kappa r + 1)/(kappa r - 1)``: at
    the one extreme that :func:`derive` finds, since the ends are lower (r = 1 + sqrt 2 at kappa = 2 + sqrt 3; 1 as
    kappa -> oo, where ``kappa y -> 4``, ``r -> 1``).
    """
    first = kinetic(GATES[0] / S)
    lowest = {K: 2 + sp.sqrt(3), r: 1 + sp.sqrt(2)}
    start = ((K * r + 1) / (K * r - 1)).subs(lowest)
    on_curve = vanishes((CURVE - 2 * K).subs(y, Y).subs(lowest))
    interior = on_curve and 1 < start < CYCLES["period4_kinetic"]
    rises = same(sp.diff(first, S), 1 / (K - 1 / r))
    falls = same(sp.diff(first, r), -S / (K * r - 1) ** 2)
    return rises and falls and bool(interior) and same(first.subs(S, 2 * K), (K * r + 1) / (K * r - 1))


def clipped_orbit_attracts() -> bool:
    """With ``v1`` clipped, ``1/r = kappa - S/(1+alpha1)``; the orbit exists iff the quartic is negative at r, that is
    for alpha1 between the ``beta3 v1^2`` of the two unclipped branches; and wherever it exists it attracts.

    With ``g = gamma(v2)`` in (0, 1), in units of ``(1-beta1)^2``: ``1 + beta1^2 + tr M = 2 (1-g) (kappa+r)/r > 0``;
    and ``1 + beta1^2 - tr M = kappa^2 - 1 - 2 kappa/r + 2 g (kappa+r)/r > 0``, as r > 1 and ``kappa > 2 + sqrt 3``.
    """
    g, unit = sp.Symbol("g", positive=True), 4 / (K + 1) ** 2
    first, second = GATES
    p = half_return(first, (2 * g - 1) * second)
    low = same(at(p, -1), 2 * unit * (1 - g) * second / r)
    high = same(at(p, 1), unit * (K**2 - 1 - 2 * K / r + 2 * g * second / r))
    return low and high and _positive((K**2 - 1 - 2 * K).subs(K, 2 + sp.sqrt(3) + t), t)


def other_directions() -> bool:
    """In d dimensions a mode of curvature ``q L`` sees the cycle's two gates as a word; it decays iff

    ``q < (kappa^2+1)/(kappa^2 + kappa y - 1)`` (or q > 1): at q = 1 the word has the root -1, the cycle itself.
    """
    q = sp.Symbol("q", positive=True)
    value = at(half_return(*(q * gate for gate in GATES)), -1)
    other = (K**2 + 1) / (K**2 + K * Y - 1)
    return same(value.subs(q, 1), sp.Integer(0)) and same(value.subs(q, other), sp.Integer(0))


# ---------------------------------------------------------------- the claim


def _cycle(name: str, beta1: str, S: str, period: int, alpha1: str, clipped: int = 0) -> Certificate:
    """Needed: an attracting cycle below the edge, for every clip from ``alpha1`` on unless a point of it is clipped."""
    numbers = {"beta1": Fraction(beta1), "S": Fraction(S), "alpha1": Fraction(alpha1)}
    counts = {"period": Fraction(period), "clipped": Fraction(clipped)}
    return Certificate(name, Statement("cycle", numbers | counts))


CERTIFIED = (
    _cycle("cycle_60", "3/5", "79/10", 4, "629959/500000"),
    _cycle("cycle_70", "7/10", "10", 4, "61243/62500"),
    _cycle("cycle_80", "4/5", "15", 4, "408221/500000"),
    _cycle("cycle_90", "9/10", "30", 4, "130833/200000"),
    _cycle("cycle_99", "99/100", "300", 4, "515039/1000000"),
    _cycle("cycle_90_early", "9/10", "37/2", 8, "807163/250000"),
    _cycle("cycle_99_early", "99/100", "71", 24, "1407147/100000"),
    _cycle("cycle_999_early", "999/1000", "325", 48, "27229351/1000000"),
    _cycle("cycle_70_clipped", "7/10", "54/5", 4, "1", clipped=2),
    _cycle("cycle_80_clipped", "4/5", "17", 4, "1", clipped=2),
    _cycle("cycle_90_clipped", "9/10", "36", 10, "10", clipped=6),
    _cycle("cycle_90_clipped_early", "9/10", "76/5", 8, "9/5", clipped=6),
    _cycle("cycle_99_clipped", "99/100", "200", 14, "10", clipped=10),
    _cycle("cycle_99_clipped_early", "99/100", "80", 22, "10", clipped=12),
)

#: ``python -m theory --map`` and ``python -m experiments --paper`` verify every box.
SAMPLED = 97
SAMPLE = f"a sample of the map, one box in {SAMPLED}, verified"


def sample(every: int = SAMPLED) -> bool:
    """One box in ``every`` of each stored part of the map proves what it says."""
    return all(stability_map.verified(every))


S3b = Claim(
    id="S3b",
    title="Theorem 4.1 for the true gate: local below the edge, global only well below it",
    as_reported=(
        "Theorem 4.1: for VRMomentum on a quadratic, alpha0 L < B(beta1) makes the origin globally uniformly "
        "exponentially stable, with the gate that Algorithm 1 computes in particular."
    ),
    statement=(
        rf"\mathrm{{every\ start\ converges\ for}}\ S < {latex(CYCLES['global_threshold'])}, "
        r"\ \mathrm{and}\ (d = 1)\ \mathrm{for}\ S < B, \ \beta_1 \leq 0.577, "
        r"\ \alpha_1 \in \{1, 10, 19, \infty\}; \quad "
        rf"\mathrm{{attracting\ cycles\ for}}\ {latex(CYCLES['period4_threshold'])} < S < B, \ "
        rf"\beta_1 > {latex(CYCLES['period4_beta1'])}"
    ),
    source="VRAdam (arXiv:2505.13196), Theorem 4.1; the cycles and the threshold below them are introduced here",
    assumptions=(
        "VRMomentum, quadratic objective with curvatures in (0, L], published gate, beta3 > 0; S = alpha0 L, "
        "B = 2(1+beta1)/(1-beta1)",
        "convergence from everywhere: every dimension, every 0 < alpha1 <= oo; for beta1 <= global_beta1 up to S = "
        "B; at an exponential rate if alpha1 < oo (if alpha1 = oo no uniform rate is possible, steps being bounded)",
        "cycles: along the sharpest eigenvector, in any dimension; that they attract is stated for one dimension; in "
        "more, the period-4 cycle attracts while the other curvatures are below (kappa^2+1)/(kappa^2+kappa y-1) L",
        "formulas of the period-4 cycle: alpha1 > period4_kinetic, so that the clip never acts on it",
        "boxes of the map (every start converges; a cycle attracts): one curvature; alpha1 in {1, 10, 19} or no clip",
    ),
    plain=(
        "Below the edge B the minimum attracts what starts near it. It does not attract everything. With the gate "
        "nearly closed by a large velocity the steps are small, and momentum carries the iterate across the valley "
        "and up the other side; the gate opens as it slows, just in time for a long step back. Such cycles exist for "
        "every beta1 > 1/sqrt 3 close enough to the edge, and the larger beta1, the earlier: at beta1 = 0.9 from "
        "0.58 B (period 4) and 0.48 B (period 8), at 0.99 from 0.18 B, at 0.999 certified at 0.08 B; numerically, as "
        "beta1 tends to 1 the onset of period 2k tends to sin^2(pi/2k) of the edge, so that no fixed fraction of it "
        "is safe. A clip can make matters worse (0.40 B at beta1 = 0.9, alpha1 = 1.8). What is safe: in the space of "
        "velocities the method is a heavy ball rolling in the valley log(1 + v^2)/2, and an energy that falls at "
        "every step exists as long as S is below global_threshold (6.7 at beta1 = 0.9, where B = 38). For beta1 "
        "below 0.22 that reaches the edge. With one curvature the gap between the two is nearly closed by boxes of "
        "settings, each with a proof: the plane of successive velocities is cut into cells, and no cell is left in "
        "which an orbit could stay away from the minimum. So for beta1 up to 0.577 (1/sqrt 3 is 0.5774) every start "
        "converges for every S below the edge, and at 1/sqrt 3 itself up to 0.999 B (up to B if alpha1 = 1). The rest "
        "of that corner is open: on its tip, S = B, a cycle of period 4 appears unless alpha1 < 1.25, so that no grid "
        "of cells reaches it. Beyond, every start converges up to the line on which cycles of period 4 appear as far "
        "as beta1 = 0.8, within .01 B of it; at beta1 = 0.9 up to 0.448 B, where longer cycles are proved from 0.494 "
        "B, at 0.95 (alpha1 = 10) up to 0.327 B and from 0.373 B, at 0.97 up to 0.255 B and from 0.314 B. There the "
        "boxes end. "
        "With alpha1 = 1 the order is not kept: at beta1 = 0.9 cycles attract from 0.461 B, none does from 0.5 to "
        "0.56 B, cycles again from 0.579 B; at 0.97 a cycle of period 10 attracts at 0.189 B, from 0.195 to 0.275 B "
        "and from 0.294 to 0.344 B every start converges, and cycles attract from 0.371 B. With several curvatures "
        "every cycle exists along an eigenvector, but that every start converges is proved only below "
        "global_threshold."
    ),
    concludes="refuted",
    holds=(
        "locally below B; from every start (d = 1) for S < B if beta1 <= 0.577, up to 0.448 B at beta1 = 0.9, where "
        "cycles attract from 0.494 B"
    ),
    inequalities={
        "the energy falls: up to the threshold": "mu = 1/8, 0 <= beta1 < 1",
        "the energy falls: up to the edge for small beta1": "mu = 1/8, 0 <= beta1 <= global_beta1",
        "one branch attracts up to the edge, the other is a saddle": "kappa y > 4 and S < B",
        "the fastest point of these cycles": "kappa >= 2 + sqrt 3, S < B",
        "with a clipped point the cycle attracts too": "kappa >= 2 + sqrt 3, r > 1, 0 < gamma(v2) < 1",
    },
    cited=(
        Cited(
            "a convex function Psi with an M-Lipschitz gradient has Psi(b) - Psi(a) <= <grad Psi(b), b - a> - "
            "|grad Psi(b) - grad Psi(a)|^2/(2 M); proved here for d = 1, sampled for d = 2 and 3",
            "Nesterov, Lectures on Convex Optimization, Theorem 2.1.5",
            "the interpolation inequality of the potential",
        ),
        Cited(
            "a box that the Krawczyk operator maps into its interior holds exactly one zero",
            "Krawczyk 1969; Tucker, Validated Numerics",
        ),
        Cited(
            "bounded orbits along which a continuous function never grows tend to where it stays constant",
            "LaSalle's invariance principle",
        ),
    ),
    prose=(
        "V is positive and proper: at a constant gate the same squares show that its quadratic part is positive, and "
        "what is left, Phi - phi v/2, is not negative because the gate never opens with the speed.",
        "Along an orbit V falls by D >= 0, and D = 0 for ever only at rest: every orbit tends to the minimum.",
        "With alpha1 < oo the gates fill a closed interval, V is comparable to the squared state, and falls by a "
        "factor every two steps.",
        "The three choices of p, q, s cover every S that the theorem names.",
        "A cycle whose half-return map has its eigenvalues inside the unit circle attracts its neighbourhood.",
        "An orbit that never enters the target of a box visits some cells again and again; each has a successor and a "
        "predecessor among them, so that none is removed: when no cell is left there is no such orbit.",
        "In the target a form falls by a factor at every step: such an orbit converges.",
    ),
    derive=derive,
    formulas=CYCLES,
    steps={
        "VRMomentum is a heavy ball in the space of velocities": heavy_ball.heavy_ball,
        "the potential: its gradient and curvatures": heavy_ball.potential,
        "the interpolation inequality of the potential": heavy_ball.interpolation,
        "the energy falls: small steps": heavy_ball.squares_for_small_steps,
        "the energy falls: up to the threshold": heavy_ball.squares,
        "the energy falls: up to the edge for small beta1": heavy_ball.squares_up_to_the_edge,
        "period-4 cycles form one curve with one turning point": one_curve,
        "on it the speeds are real": speeds_are_real,
        "S* < B iff beta1 > 1/sqrt 3": below_the_edge,
        "the true map's derivative": slope_of_the_true_map,
        "one branch attracts up to the edge, the other is a saddle": lower_branch_attracts,
        "the fastest point of these cycles": largest_speed,
        "with a clipped point the cycle attracts too": clipped_orbit_attracts,
        "curvatures near L are the only ones that can disturb it": other_directions,
        **frontier.STEPS,
        SAMPLE: sample,
    },
    in_full={SAMPLE: partial(sample, 1)},
    reads=tuple(sorted(stability_map.FOLDER.glob("*.json"))),
    certificates=CERTIFIED,
)
