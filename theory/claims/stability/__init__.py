"""S1, S2 and S4: the edge of stability of one curvature, from the characteristic polynomial of the recursion.

For a curvature ``h`` and a step size ``eta`` the recursion is linear in ``(x, v)``; its characteristic polynomial
``p(z)`` has both roots inside the unit circle exactly when ``p(1) > 0``, ``p(-1) > 0`` and ``p(0) < 1`` (Jury). The
first to fail as ``eta`` grows is ``p(-1) > 0``: the iterate overshoots and changes sign at every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from theory import recursion
from theory.claim import Cited, Claim, vanishes
from theory.claims.stability import decay_sequences
from theory.methods.linearisation import (
    at,
    below_one,
    characteristic,
    curvature,
    derive_edge,
    eta,
    jacobian,
    jury_conditions,
    transition,
    velocity,
    without_decay,
    x,
    z,
)
from theory.notation import L, alpha0, alpha1, beta1, beta3, edge, kappa, latex, m, v, weight_decay
from theory.recursion import ALGORITHM, Coefficients, gamma


def derive_instantaneous(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """The edge in units of ``alpha0 * curvature``: at speed ``v`` with the gate frozen, and at rest for the true map.

    ``slope`` is the derivative of the gated velocity ``gamma(v^2) v``, unclipped: what the Jacobian of the true map
    has in the place where the frozen gate has ``gamma``.
    """
    s = sp.Symbol("s")
    frozen = transition(without_decay(c), c.alpha0 * gamma(v**2, c), s / alpha0)
    (threshold,) = sp.solve(at(characteristic(frozen), -1), s)
    (local,) = sp.solve(at(characteristic(jacobian(c, s / alpha0).subs({x: 0, velocity: 0})), -1), s)
    slope = sp.diff(gamma(v**2, replace(c, alpha1=sp.oo)) * v, v)
    return {"threshold": threshold, "local": local, "slope": sp.factor(slope)}


def derive_decay(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """Where ``p(-1)`` vanishes at the largest curvature ``L``, with weight decay; and the limit for gate sequences."""
    (threshold,) = sp.solve(at(characteristic(transition(c, eta, L)), -1), eta)
    return {"threshold": threshold, "gate_sequences": decay_sequences.derive_limit(c)}


EDGE = {"threshold": edge()}
INSTANTANEOUS = {
    "threshold": edge() * (1 + sp.Min(beta3 * v**2, alpha1)),
    "local": edge(),
    "slope": (1 - beta3 * v**2) / (1 + beta3 * v**2) ** 2,
}
DECAY = {
    "threshold": 2 * (1 + beta1) / ((1 - beta1) * L + (1 + beta1) * weight_decay),
    "gate_sequences": 2 * (1 - beta1) / ((1 + beta1) * L + (1 - beta1) * weight_decay),
}


# ---------------------------------------------------------------- proof steps


def _values(matrix: sp.Matrix) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """``p(1)``, ``p(-1)`` and ``1 - p(0)`` with ``1 - beta1`` written as a positive symbol."""
    p = characteristic(matrix)
    values = (at(p, 1), at(p, -1), 1 - at(p, 0))
    return tuple(sp.factor(value.subs(beta1, 1 - below_one)) for value in values)  # type: ignore[return-value]


def two_conditions_are_free() -> bool:
    """Without decay ``p(1) = (1-beta1) eta h > 0`` and ``p(0) = beta1 < 1``: only ``p(-1) > 0`` can fail."""
    s = sp.Symbol("s")
    one, _, determinant = _values(transition(without_decay(ALGORITHM), sp.Integer(1), s))
    return vanishes(one - below_one * s) and vanishes(determinant - below_one)


def unstable_beyond_the_edge() -> bool:
    """``p(-1) = (1-beta1)(threshold - eta h)``: at the edge a root is -1, beyond it a real root lies below -1."""
    s = sp.Symbol("s")
    p = characteristic(transition(without_decay(ALGORITHM), sp.Integer(1), s))
    return vanishes(p.subs(z, -1) - (1 - beta1) * (EDGE["threshold"] - s))


def frozen_adam_decouples() -> bool:
    """Adam with frozen ``P`` and ``P^-1 H u = l u``: the plane ``(x, v) = (xi u, w P u)`` maps to itself as one mode.

    ``H u = l P u`` is all that is used of the Hessian, so this holds in every dimension; ``P^-1 H`` has a basis of such
    ``u`` with real ``l``, being similar to the symmetric ``P^(-1/2) H P^(-1/2)``. Hence the edge is
    ``eta lambda_max(P^-1 H) = threshold``.
    """
    xi, w, l = sp.symbols("xi w l")  # noqa: E741
    u = sp.Matrix(sp.symbols("u:3"))
    moments = sp.Matrix(sp.symbols("moment:3"))
    preconditioner = moments.applyfunc(sp.sqrt).applyfunc(lambda root: root + ALGORITHM.eps)
    scaled = u.multiply_elementwise(preconditioner)  # P u
    after = recursion.velocity(w * scaled, l * xi * scaled)
    moved = xi * u - eta * recursion.adam_direction(after, moments, sp.Integer(1), sp.Integer(1), ALGORITHM)
    mode = transition(without_decay(ALGORITHM), eta, l) * sp.Matrix([xi, w])
    return all(vanishes(entry) for entry in [*(moved - mode[0] * u), *(after - mode[1] * scaled)])


def gate_does_not_move_the_origin() -> bool:
    """At the origin the Jacobian of the true map is momentum's matrix at ``alpha0``: the gate is second order in v."""
    there = jacobian().subs({x: 0, velocity: 0})
    return all(vanishes(entry) for entry in there - transition(without_decay(ALGORITHM), alpha0, curvature))


def frozen_gate_is_not_the_jacobian() -> bool:
    """At beta3 v^2 = 4 the frozen gate is stable, but the true map's Jacobian has a real root above 1.

    Exact: beta1 = 9/10, alpha0 h = 1, v = 2, alpha1 > 4: frozen eta h = 1/5, while the slope of ``gamma(v^2) v`` is
    -3/25, so ``p(1) = -3/250 < 0``.
    """
    numbers = {beta1: sp.Rational(9, 10), alpha0: sp.Rational(1, 2), beta3: 1, curvature: 2}
    here = {x: 10, velocity: 0}  # then v_t = (1 - beta1) 2 x = 2
    true = at(characteristic(jacobian().subs(numbers).subs(here)), 1)
    frozen = (alpha0 * gamma(v**2) * curvature).subs({**numbers, v: 2, alpha1: sp.oo})
    stable = frozen < EDGE["threshold"].subs(numbers)
    return bool(stable) and vanishes(frozen - sp.Rational(1, 5)) and vanishes(true + sp.Rational(3, 250))


def stable_instants_do_not_add_up() -> bool:
    """beta1 = 9/10: eta h = 36 and 36/11 are both below 38, yet the two steps in turn have a root below -1.

    Their product has ``p(-1) = -293/110``, negative.
    """
    first, second = (
        transition(without_decay(ALGORITHM), sp.Integer(1), step).subs(beta1, sp.Rational(9, 10))
        for step in (sp.Integer(36), sp.Rational(36, 11))
    )
    word = characteristic(second * first)
    return _is_schur(first) and _is_schur(second) and vanishes(at(word, -1) + sp.Rational(293, 110))


def _is_schur(matrix: sp.Matrix) -> bool:
    p = characteristic(matrix)
    return bool(at(p, 1) > 0 and at(p, -1) > 0 and at(p, 0) < 1)


def decay_conditions() -> bool:
    """With decay the three values are, with ``B = 2 kappa``,

    ``p(1) = (1-beta1) eta (h + decay)``, ``1 - p(0) = 1 - beta1 + beta1 eta decay > 0`` and
    ``p(-1) = (1-beta1)(B - eta (h + kappa decay))``.
    """
    step = sp.Symbol("step")
    one, _, determinant = _values(transition(ALGORITHM, step, curvature))
    p = characteristic(transition(ALGORITHM, step, curvature))
    overshoot = (1 - beta1) * (edge() - step * (curvature + kappa() * weight_decay))
    slack = sp.expand(determinant - below_one - (1 - below_one) * step * weight_decay)  # beta1 eta decay >= 0
    return (
        vanishes(one - below_one * step * (curvature + weight_decay))
        and vanishes(slack)
        and vanishes(at(p, -1) - overshoot)
    )


def largest_curvature_and_open_gate_are_worst() -> bool:
    """``p(-1)`` falls with the curvature, and ``eta (L + kappa decay)`` rises with ``eta``: test ``h = L``, ``alpha0``.

    ``p(1) > 0`` for every ``h >= -m`` exactly when the decay exceeds ``m``, which is where that condition comes from.
    """
    step = sp.Symbol("step")
    one, overshoot, _ = _values(transition(ALGORITHM, step, curvature))
    falls = vanishes(sp.diff(overshoot, curvature) + below_one * step)
    opening = sp.expand((L + kappa() * weight_decay).subs(beta1, 1 - below_one)).coeff(weight_decay)
    ratio_at_least_one = vanishes(opening - 1 - 2 * (1 - below_one) / below_one)
    lowest = vanishes(one.subs(curvature, -m) - below_one * step * (weight_decay - m))
    return falls and ratio_at_least_one and lowest


def decay_counterexample() -> bool:
    """beta1 = 9/10, alpha0 = 1, L = 37 < 38, m = 1/4, decay 1/2 > m: ``p(-1) = -17/20``, a real root below -1."""
    numbers = {beta1: sp.Rational(9, 10), weight_decay: sp.Rational(1, 2)}
    matrix = transition(ALGORITHM, sp.Integer(1), sp.Integer(37)).subs(numbers)
    as_reported = sp.Integer(37) < edge().subs(numbers)
    return bool(as_reported) and vanishes(at(characteristic(matrix), -1) + sp.Rational(17, 20))


def decay_word() -> bool:
    """Nor does the corrected threshold cover gate sequences: ``L = 1``, decay 1/100, beta1 = 9/10.

    The step sizes 30 and 30/11 in turn, with ``30 (1 + 19/100) = 35.7 < 38``, have a root below -1:
    ``p(-1) = -241331/110000``.
    """
    numbers = {beta1: sp.Rational(9, 10), weight_decay: sp.Rational(1, 100)}
    step = sp.Integer(30)
    first, second = (transition(ALGORITHM, size, sp.Integer(1)).subs(numbers) for size in (step, step / 11))
    within = step < DECAY["threshold"].subs({**numbers, L: 1})
    word = characteristic(second * first)
    overshoots = vanishes(at(word, -1) + sp.Rational(241331, 110000))
    return bool(within) and _is_schur(first) and _is_schur(second) and overshoots


S1 = Claim(
    id="S1",
    title="Edge of stability of Adam with a frozen preconditioner",
    as_reported=(
        "With a frozen preconditioner P the edge of stability of Adam is lambda_max(P^-1 H) = B(beta1)/eta, "
        "B(beta1) = 2(1+beta1)/(1-beta1): 38/eta at beta1 = 0.9."
    ),
    statement=(
        r"\mathrm{stable} \ \Longleftrightarrow\ "
        rf"0 < \eta\,\lambda_i(P^{{-1}}H) < {latex(EDGE['threshold'])} \ \ \mathrm{{for\ all}}\ i"
    ),
    source="Cohen et al., Adaptive Gradient Methods at the Edge of Stability (arXiv:2207.14484)",
    assumptions=(
        "quadratic objective (or its linearisation at a minimum), 0 <= beta1 < 1",
        "preconditioner P positive, diagonal and frozen; bias corrections equal to 1",
        "constant learning rate eta, no weight decay",
    ),
    plain=(
        "Momentum with a constant learning rate on a parabola is a linear map of two numbers, position and "
        "velocity. It shrinks every start as long as the learning rate times the curvature stays below "
        "2(1+beta1)/(1-beta1); above, the iterate overshoots further at each step, with alternating sign. Adam "
        "whose preconditioner has stopped changing is the same thing seen in rescaled coordinates, with the "
        "eigenvalues of P^-1 H for curvatures. At beta1 = 0.9 the edge is 38/eta."
    ),
    concludes="proved",
    holds="as claimed",
    cited=(
        Cited(
            "P^-1 H is similar to a symmetric matrix, which has real eigenvalues and a basis of eigenvectors",
            "spectral theorem",
        ),
    ),
    prose=(
        "A real quadratic has both roots in the left half-plane exactly when its coefficients have one sign; mapped to "
        "the unit disc these are Jury's three conditions.",
        "The powers of a matrix tend to 0 exactly when all its eigenvalues lie inside the unit circle.",
    ),
    derive=derive_edge,
    formulas=EDGE,
    steps={
        "Jury's conditions for a quadratic": jury_conditions,
        "p(1) > 0 and p(0) < 1 hold by themselves": two_conditions_are_free,
        "p(-1) changes sign at the threshold": unstable_beyond_the_edge,
        "Adam with a frozen preconditioner decouples into single modes": frozen_adam_decouples,
    },
)

S2 = Claim(
    id="S2",
    title="Instantaneous edge of VRAdam",
    as_reported=(
        "VRAdam's edge is B(beta1)/eta_t: Adam's at alpha0, raised by the factor 1 + min(beta3 ||v_t||^2, alpha1)."
    ),
    statement=(
        r"\mathrm{gate\ frozen\ at\ speed}\ v:\ \alpha_0\,\lambda_{\max}(P^{-1}H) < "
        rf"{latex(INSTANTANEOUS['threshold'])}; \quad \mathrm{{at\ rest}}:\ \alpha_0\,\lambda_{{\max}} < "
        rf"{latex(INSTANTANEOUS['local'])}"
    ),
    source="VRAdam (arXiv:2505.13196), edge of stability of VRAdam",
    assumptions=(
        "those of S1",
        "the gate is frozen at its value for the speed v = ||v_t||: a statement about one instant, not about an orbit",
        "alpha1 > 0 for the statement at rest",
    ),
    plain=(
        "If the gate is held at its present value, VRAdam is Adam with the smaller learning rate eta_t, and its "
        "edge is further away by the factor by which the gate divides. Two warnings go with it. At rest the gate "
        "is fully open, so the edge of the minimum itself is that of Adam at alpha0: the gate shortens steps, it "
        "does not move the edge. And instants do not add up: the frozen gate is not the derivative of the true "
        "map, and gates that are each stable can be unstable in alternation."
    ),
    concludes="proved under assumptions",
    holds="for the gate of one instant, held or moving slowly; at rest the edge is B/alpha0, as without a gate",
    cited=(
        Cited(
            "P^-1 H is similar to a symmetric matrix, which has real eigenvalues and a basis of eigenvectors",
            "spectral theorem",
        ),
    ),
    prose=("With the gate held at its value for one speed a step is one of Adam at eta_t, and S1 applies.",),
    derive=derive_instantaneous,
    formulas=INSTANTANEOUS,
    steps={
        "Jury's conditions for a quadratic": jury_conditions,
        "at the origin the gate has no first-order effect": gate_does_not_move_the_origin,
        "the frozen gate is not the Jacobian: exact example": frozen_gate_is_not_the_jacobian,
        "two stable instants, unstable in turn: exact example": stable_instants_do_not_add_up,
    },
)

S4 = Claim(
    id="S4",
    title="Weight decay and negative curvature",
    as_reported=(
        "For curvatures in [-m, L] and decoupled weight decay > m the stability statement of Theorem 4.1 extends, with "
        "the same condition alpha0 L < B(beta1)."
    ),
    statement=(
        r"\lambda > m, \ h \in [-m, L]: \quad \mathrm{constant\ gate:\ stable} \ \Longleftrightarrow\ "
        rf"\alpha_0 < {latex(DECAY['threshold'])}; \quad \mathrm{{any\ gates:\ stable\ if}}\ "
        rf"\alpha_0 < {latex(DECAY['gate_sequences'])}"
    ),
    source="VRAdam (arXiv:2505.13196), extension of Theorem 4.1",
    assumptions=(
        "VRMomentum, quadratic objective with curvatures in [-m, L], L attained",
        "decoupled weight decay > m",
        "threshold: gate constant in time, or the local statement at rest",
        "gate_sequences: any scalar gates in [1/(1+alpha1), 1], alpha1 finite; sufficient",
    ),
    plain=(
        "Weight decay pulls every coordinate towards zero, so it can hold a direction of negative curvature -m if "
        "it is stronger than m. But it acts on the position at once, while the gradient goes through the "
        "momentum, and so it counts kappa = (1+beta1)/(1-beta1) times as much towards the edge as curvature does: "
        "what must stay below B is alpha0 (L + kappa * decay), not alpha0 L. At beta1 = 0.9 kappa is 19. That is "
        "about gates that do not change. If the gate may change arbitrarily from step to step, alpha0 (kappa * L "
        "+ decay) < 2 is enough, and no quadratic Lyapunov function allows more if the gate may close almost "
        "completely."
    ),
    concludes="refuted",
    holds="constant gate: alpha0 (L + kappa decay) < B; any gates: alpha0 (decay + kappa L) < 2",
    prose=(
        "The three conditions are monotone in curvature and step size, so the largest curvature and the open gate "
        "decide; the smallest curvature decides p(1) > 0.",
        "A form that is positive definite for every gain of a closed interval falls by one factor at every step.",
        "A mixed term would change sign as the gain tends to 0, so a function that falls for every gain has none.",
    ),
    derive=derive_decay,
    formulas=DECAY,
    steps={
        "Jury's conditions for a quadratic": jury_conditions,
        "the three conditions with decay": decay_conditions,
        "the largest curvature and the open gate are worst": largest_curvature_and_open_gate_are_worst,
        "counterexample: alpha0 L = 37 < 38 and unstable": decay_counterexample,
        "gate sequences break the corrected threshold too": decay_word,
        "gate sequences: the recursion in x and h x - v": decay_sequences.coordinates,
        "gate sequences: one function for all gates": decay_sequences.one_function_for_all_gates,
        "gate sequences: negative curvature": decay_sequences.negative_curvature_is_easier,
        "gate sequences: no curvature": decay_sequences.flat_directions,
        "gate sequences: the circle criterion asks at z = 1": decay_sequences.least_real_part_is_at_one,
        "gate sequences: no quadratic function does better": decay_sequences.no_other_quadratic_function_does_better,
    },
)

CLAIMS = (S1, S2, S4)
