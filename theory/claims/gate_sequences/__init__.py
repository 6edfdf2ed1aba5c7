"""S3a and S5: VRMomentum on a quadratic when the gates come in any order.

Theorem 4.1 claims one quadratic Lyapunov function for every sequence of scalar gates up to the edge ``alpha0 L < B``.
The circle criterion gives the exact limit of any such function (:mod:`theory.claims.gate_sequences.circle_criterion`):
far below the edge. And not for want of a better proof: short gate words below the edge have a spectral radius above 1.
What is true of the theorem are the cases (1) to (4) among the steps of S3a, and gates that rise slowly: S7.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache

import sympy as sp

from theory.certificates.statement import Statement
from theory.claim import Certificate, Cited, Claim
from theory.claims.gate_sequences.circle_criterion import (
    LIMITS,
    derive_limits,
    formula_is_a_chord,
    gates_below_the_limit_exist,
    more_gates_cost_nothing,
    no_other_form_does_better,
)
from theory.methods.linearisation import jury_conditions, without_decay
from theory.methods.quadratic_family import (
    after_step,
    chords,
    conservation,
    energy,
    fall,
    family_is_definite_between_the_ends,
    family_is_monotone,
    matrix,
    odds,
    own_gate_contracts_by_beta1,
    s,
    sharp_rate,
    two_steps_see_everything,
    w,
    what_the_energy_loses,
    x,
    zero,
)
from theory.notation import alpha1, beta1, edge, kappa, latex, s1, s2
from theory.recursion import ALGORITHM, Coefficients, momentum

# ---------------------------------------------------------------- S3a: what is true of Theorem 4.1


def gradient_and_its_lag() -> bool:
    """(1) ``V = ||grad F||^2 + beta1 ||grad F - v||^2`` falls for all gates below ``2/kappa``, whatever the curvatures.

    In one mode ``V = h^2 (x^2 + beta1 (x-w)^2)``, and with ``y = x - w``, ``p = x - beta1 y``

        (V - V')/h^2 = beta1 (1-beta1^2) y^2 + 2 beta1 (1+beta1) s p y + (2 s - (1+beta1) s^2) p^2,

    whose determinant is ``beta1 (1+beta1) s (2 (1-beta1) - (1+beta1) s)``: positive exactly for ``0 < s < 2/kappa``.
    """
    h, eta = sp.symbols("h eta")
    moved, after = momentum(x, h * w, h * x, eta, without_decay(ALGORITHM))
    value = (h * x) ** 2 + beta1 * (h * x - h * w) ** 2
    later = (h * moved) ** 2 + beta1 * (h * moved - after) ** 2
    y, step = x - w, eta * h
    p = x - beta1 * y
    corner, mixed, last = beta1 * (1 - beta1**2), beta1 * (1 + beta1) * step, 2 * step - (1 + beta1) * step**2
    claimed = corner * y**2 + 2 * mixed * p * y + last * p**2
    determinant = beta1 * (1 + beta1) * step * (2 * (1 - beta1) - (1 + beta1) * step)
    return zero((value - later) / h**2 - claimed) and zero(corner * last - mixed**2 - determinant)


def falling_gates() -> bool:
    """(3), (4) Gates that never rise: ``V(z, O_t)`` loses at least ``(1-beta1^2) O_t (x' + kappa w')^2`` a step.

    V does not grow when O falls. Two consecutive losses bound ``|z|^2``: exponential stability for all ``S < B``.
    """
    now, drop = sp.symbols("now drop", nonnegative=True)
    surplus = fall(now + drop, now) - (1 - beta1**2) * (now + drop) * after_step(x + kappa() * w) ** 2
    return zero(surplus - beta1**2 * drop * after_step(x + kappa() * w) ** 2)


def rising_gates() -> bool:
    """(4) Gates that never fall: ``V(z, O_t)/O_t`` loses ``(1-beta1^2)(x' + kappa w')^2`` a step; rises only help."""
    later = sp.Symbol("later")
    falls = sp.diff(energy(later) / later, later) + x**2 / later**2
    loss = (energy(odds()) - after_step(energy(odds()))) / odds() - (1 - beta1**2) * after_step(x + kappa() * w) ** 2
    return zero(falls) and zero(loss)


# ---------------------------------------------------------------- S5: two gates in turn


def derive_two_gates(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """Jury's condition ``p(-1) > 0`` for the product of two steps, ``p(z) = z^2 - trace z + determinant``.

    ``two_gate_limit`` is the unstable ``s1`` as ``s2`` tends to 0; ``two_gate_alpha1`` the clip at which the pair
    ``B, B/(1+alpha1)`` becomes unstable.
    """
    product = matrix(c, s2) * matrix(c, s1)
    word = sp.expand(-1 - product.det() - product.trace())
    (single,) = sp.solve((-1 - matrix(c).det() - matrix(c).trace()), s)  # the edge of one gate
    (limit,) = sp.solve(word.subs(s2, 0), s1)
    (clip,) = sp.solve(sp.numer(sp.together(word.subs({s1: single, s2: single / (1 + alpha1)}))), alpha1)
    return {"two_gate_word": word, "two_gate_limit": limit, "two_gate_alpha1": clip}


TWO_GATES = {
    "two_gate_word": (1 - beta1**2) * (s1 + s2) - (1 - beta1) ** 2 * s1 * s2 - 2 * (1 + beta1**2),
    "two_gate_limit": 2 * (1 + beta1**2) / (1 - beta1**2),
    "two_gate_alpha1": (1 + beta1**2) / (2 * beta1),
}


def only_one_condition_can_fail() -> bool:
    """``p(1) = ((1-beta1)^2/2)(s1 (B - s2) + s2 (B - s1)) > 0`` and ``p(0) = beta1^2 < 1``, below the edge."""
    product = matrix(gate=s2) * matrix(gate=s1)
    one = 1 + product.det() - product.trace()
    claimed = (1 - beta1) ** 2 / 2 * (s1 * (edge() - s2) + s2 * (edge() - s1))
    return zero(one - claimed) and zero(product.det() - beta1**2)


HESSIAN = sp.Matrix([[1, sp.Rational(1, 4)], [sp.Rational(1, 4), 1]])  # curvatures 3/4 and 5/4
ONE = sp.Integer(1)
HALF = {beta1: sp.Rational(1, 2)}  # the edge is 6


def coupled_step(first: sp.Expr, second: sp.Expr) -> sp.Matrix:
    """One step on ``HESSIAN`` with the gates ``eta = (first, second)``, in ``(x, v)``, read off the recursion."""
    position, velocity = sp.Matrix(sp.symbols("x:2")), sp.Matrix(sp.symbols("v:2"))
    _, after = momentum(position, velocity, HESSIAN * position, sp.Integer(0), without_decay(ALGORITHM))
    moved = position - sp.diag(first, second) * after
    return sp.Matrix([*moved, *after]).jacobian([*position, *velocity]).subs(HALF)


def is_schur(square: sp.Matrix, radius: sp.Expr = ONE) -> bool:
    """All eigenvalues inside ``|z| < radius``, by the Schur-Cohn reduction in rationals."""
    coefficients = square.charpoly().all_coeffs()
    row = [value / radius**power for power, value in enumerate(coefficients)]
    while len(row) > 1:
        if not abs(row[-1]) < abs(row[0]):
            return False
        row = [row[0] * p - row[-1] * q for p, q in zip(row, reversed(row), strict=True)][:-1]
    return True


@cache
def swapped_gates() -> tuple[sp.Matrix, sp.Matrix]:
    """Gates that are swapped between the coordinates, in turn."""
    return coupled_step(4, 1), coupled_step(1, 4)


@cache
def common_gates() -> tuple[sp.Matrix, sp.Matrix]:
    """The same two values as one gate for both, in turn."""
    return coupled_step(4, 4), coupled_step(1, 1)


def gates_of_one_coordinate_each() -> bool:
    """beta1 = 1/2: the gates (4, 1) and (1, 4) are Schur each; in turn their spectral radius is at least 5/4."""
    first, second = swapped_gates()
    return is_schur(first) and is_schur(second) and not is_schur(second * first, sp.Rational(5, 4))


def one_gate_for_all_is_worse() -> bool:
    """The same values as global gates, 4 and 1 in turn, each Schur: beyond 3/2, where the former pair stays inside.

    It is the curvature 5/4 that grows: there ``two_gate_word = 5/8``.
    """
    first, second = common_gates()
    radius = sp.Rational(3, 2)
    beyond = not is_schur(second * first, radius)
    inside = is_schur(swapped_gates()[1] * swapped_gates()[0], radius)
    mode = TWO_GATES["two_gate_word"].subs({**HALF, s1: 5, s2: sp.Rational(5, 4)})
    return is_schur(first) and is_schur(second) and beyond and inside and zero(mode - sp.Rational(5, 8))


def without_momentum_all_gates_are_safe() -> bool:
    """beta1 = 0: ``F(x) - F(x') = y'(2 G - G H G) y/2``, ``y = H x``: positive for all diagonal ``G < 2/L``."""
    h = sp.Matrix(2, 2, sp.symbols("h0 h1 h1 h2"))
    gates = sp.diag(*sp.symbols("g:2"))
    position = sp.Matrix(sp.symbols("x:2"))
    gradient = h * position
    moved = position - gates * gradient
    loss = (position.T * h * position - moved.T * h * moved)[0]
    return zero(loss - (gradient.T * (2 * gates - gates * h * gates) * gradient)[0])


def _every_sequence(kind: str, name: str, beta1: str, S: str, alpha1: int = 10) -> Certificate:
    """Needed: something falls under every gate sequence in ``[S/(1+alpha1), S]``."""
    high = Fraction(S)
    return Certificate(name, Statement(kind, {"beta1": Fraction(beta1), "low": high / (1 + alpha1), "high": high}))


def _word(name: str, beta1: str, S: str, length: int, growth: str, alpha1: int = 10) -> Certificate:
    """Needed: ``length`` gates from ``S/(1+alpha1)`` to ``S`` that grow by more than ``growth`` a step, repeated."""
    high = Fraction(S)
    numbers = {"length": Fraction(length), "growth": Fraction(growth)}
    facts = {"beta1": Fraction(beta1), "low": high / (1 + alpha1), "high": high, **numbers}
    return Certificate(name, Statement("gate_word", facts))


S3a = Claim(
    id="S3a",
    title="Gates in any order: one Lyapunov function up to the edge",
    as_reported=(
        "Theorem 4.1: on a quadratic, if alpha0 L < B(beta1) (or eta_min L < B(beta1) while the clip acts), there is "
        "P > 0 with V(z) = z'Pz and V(z_t) <= (1-e) V(z_{t-1}) for every curvature and any sequence of scalar gates; "
        "the origin is globally uniformly exponentially stable."
    ),
    statement=(
        r"\mathrm{one\ } z^\top P z \mathrm{\ for\ all\ gates} \ \Longleftrightarrow\ \alpha_0 h_i < "
        rf"{latex(LIMITS['cqlf_in_scale'].args[0][0])} \ \mathrm{{if}}\ "
        rf"\alpha_1 > {latex(LIMITS['alpha1_small'])}; \quad "
        rf"\mathrm{{all\ gates\ in\ }} (0, b]: \ b \leq {latex(LIMITS['cqlf_limit_zero'])}"
    ),
    source="VRAdam (arXiv:2505.13196), Theorem 4.1; circle criterion; Shorten and Narendra (IEEE TAC 2003) for pairs",
    assumptions=(
        "VRMomentum without weight decay on a quadratic with curvatures h_i in (0, L], 0 < beta1 < 1 (at beta1 = 0 the "
        "theorem is true: the limit is the edge)",
        "scalar gates: eta_t in [alpha0/(1+alpha1), alpha0] in any order, alpha1 finite; one form per mode",
        "cqlf_limit: the largest b given a, where [a, b] is the interval of eta_t h",
    ),
    plain=(
        "With a constant gate momentum is stable up to the edge B. If an adversary may choose the gate anew at every "
        "step, it is not: at beta1 = 0.9 with alpha1 = 10, alternating 8 open steps with 14 or 15 closed ones makes "
        "almost every start diverge from 1.45 % of the edge on. A single quadratic function that falls under all "
        "gates exists exactly up to 0.57 % of it, and a polygonal one up to within a hair of where the first bad "
        "words begin. True are: any gates below 2/kappa, where V = ||grad F||^2 + beta1 ||grad F - v||^2 falls "
        "whatever the curvatures; any gates up to the limit given here; constant gates, gates that only fall and "
        "gates that only rise, all the way to the edge. The true gate of the algorithm is no adversary, but does not "
        "save the theorem either: S3b."
    ),
    concludes="refuted",
    holds="any gates: alpha0 L < 2/kappa (0.105 at beta1 = 0.9, where B = 38); constant or monotone gates: up to B",
    prose=(
        "A form that falls at both ends of an interval of gates falls in between, its image being convex in the gate.",
        "Two losses in a row bound the squared state from below, uniformly on closed intervals of gates below B: "
        "exponential stability of constant and monotone gates.",
        "Two changes of opposite sign are not both negative: no quadratic form serves more gates than the limit.",
        "In an eigenbasis of the Hessian the modes are independent, and their functions add up.",
    ),
    derive=derive_limits,
    formulas=LIMITS,
    steps={
        "the family of quadratic forms, and where it is positive": family_is_definite_between_the_ends,
        "it is a sum of two squares, monotone in sigma": family_is_monotone,
        "each gate shrinks its own form by beta1": own_gate_contracts_by_beta1,
        "a form of the family falls inside an ellipse": sharp_rate,
        "its chords are intervals of gates, rationally": chords,
        "the ends of an interval decide": more_gates_cost_nothing,
        "the limit is a chord": formula_is_a_chord,
        "no other quadratic form does better": no_other_form_does_better,
        "in scale, a = b/(1+alpha1)": gates_below_the_limit_exist,
        "(1) below 2/kappa: the gradient and its lag": gradient_and_its_lag,
        "(3) constant gates: Jury's conditions": jury_conditions,
        "(3, 4) an energy that moves with the gate": conservation,
        "(3, 4) what it loses in a step": what_the_energy_loses,
        "(3, 4) two losses bound the state": two_steps_see_everything,
        "(4) gates that never rise": falling_gates,
        "(4) gates that never fall": rising_gates,
    },
    certificates=(
        _every_sequence("lyapunov", "gates_quadratic_90", "9/10", "43/200"),  # the limit is .2154
        _every_sequence("lyapunov", "gates_quadratic_50", "1/2", "127/100"),  # the limit is 1.2762
        _every_sequence("lyapunov", "gates_quadratic_99", "99/100", "1/50"),  # the limit is .0206
        _every_sequence("polygon", "gates_polygon_90", "9/10", "549/1000"),
        _every_sequence("polygon", "gates_polygon_50", "1/2", "243/100"),
        _word("gates_word_90_at_0145", "9/10", "551/1000", 45, "1"),
        _word("gates_word_90_at_05", "9/10", "19/10", 11, "261/250"),
        _word("gates_word_90_at_25", "9/10", "19/2", 9, "11873/10000"),
        _word("gates_word_90_at_50", "9/10", "19", 3, "1773/1250"),
        _word("gates_word_90_at_99", "9/10", "188/5", 2, "21257/10000"),
        _word("gates_word_50", "1/2", "61/25", 4, "5007/5000"),
        _word("gates_word_99", "99/100", "10", 15, "10623/10000"),
    ),
)

S5 = Claim(
    id="S5",
    title="Gates per coordinate against one gate for all",
    as_reported=(
        "Gates per coordinate can destabilise although each of them is Schur stable; a single global gate cannot, "
        "which is why the gate is a scalar."
    ),
    statement=(
        r"s_1, s_2 \mathrm{\ in\ turn\ unstable} \ \Longleftrightarrow\ "
        rf"{latex(TWO_GATES['two_gate_word'])} > 0; \quad s_2 \to 0: \ s_1 > {latex(TWO_GATES['two_gate_limit'])}"
    ),
    source="VRAdam (arXiv:2505.13196), discussion of Theorem 4.1",
    assumptions=(
        "VRMomentum without weight decay on a quadratic, 0 <= beta1 < 1",
        "two_gate_word: 0 < s1, s2 < B (step size times curvature), alternating; the other formulas: beta1 > 0",
    ),
    plain=(
        "Both halves of the claim can be decided with two gates that alternate. Per-coordinate gates 4 and 1 that are "
        "swapped at every step do destabilise a quadratic in two variables (beta1 = 1/2) although each setting alone "
        "is stable. But using the same two values as one global gate is worse: the curvature 5/4 then grows faster. A "
        "global gate is safe in this sense only without momentum, and there per-coordinate gates are safe as well, "
        "because the objective itself falls. At beta1 = 0.9 two alternating gates are unstable from about half of the "
        "edge on."
    ),
    concludes="refuted",
    holds="beta1 > 0: a single gate destabilises too, and grows faster; beta1 = 0: neither kind does",
    cited=(
        Cited(
            "all roots lie inside a circle exactly when each reduced polynomial's first coefficient outweighs its last",
            "Schur-Cohn criterion",
        ),
    ),
    prose=("2 G - G H G is positive for diagonal G < 2/L because G H G <= L G^2.",),
    derive=derive_two_gates,
    formulas=TWO_GATES,
    steps={
        "Jury's conditions for a quadratic": jury_conditions,
        "below the edge only p(-1) > 0 can fail": only_one_condition_can_fail,
        "per-coordinate gates: two Schur matrices, unstable in turn": gates_of_one_coordinate_each,
        "the same values as global gates: worse": one_gate_for_all_is_worse,
        "beta1 = 0: every gate is safe, per coordinate too": without_momentum_all_gates_are_safe,
    },
    certificates=(
        _word("gates_two_50", "1/2", "5", 2, "6577/5000", alpha1=3),  # the curvature 5/4 under the gates 4 and 1
    ),
)

CLAIMS = (S3a, S5)
