"""S3a and S5: VRMomentum on a quadratic when the gates come in any order.

Theorem 4.1 claims one quadratic Lyapunov function for every sequence of scalar gates up to the edge ``alpha0 L < B``.
One mode under gates ``s_t`` in [a, b] is a Lur'e system: ``w'`` is the response of a linear filter to ``u = s w'``, and
the discrete circle criterion says exactly when one quadratic form serves all gates. It stops far below the edge, and
not for want of a better proof: short gate words below the edge have a spectral radius above 1. What is true of the
theorem are the cases (1) to (4) among the steps of S3a, and gates that rise slowly: S7.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from theory.claim import Certificate, Claim
from theory.notation import EXAMPLE, a, alpha1, beta1, edge, kappa, latex, s1, s2
from theory.quadratic_family import (
    HIGH,
    LOW,
    after_step,
    chord,
    chords,
    conservation,
    energy,
    fall,
    family_is_definite_between_the_ends,
    form,
    height,
    matrix,
    odds,
    root,
    s,
    sharp_rate,
    two_steps_see_everything,
    w,
    what_the_energy_loses,
    x,
    zero,
)
from theory.recursion import ALGORITHM, Coefficients, momentum
from theory.stability import below_one, jury_conditions, without_decay

b, z, frequency = sp.symbols("b z frequency", positive=True)


# ---------------------------------------------------------------- S3a: the circle criterion, from the recursion


def circle_polynomial(c: Coefficients = ALGORITHM) -> sp.Poly:
    """``Re (1 + b G)(1 + a G)*`` on the unit circle, cleared of positive factors: a quadratic in ``frequency``.

    ``A(s) = A(0) - s e c'``, ``G(z) = c'(z - A(0))^-1 e`` is the response of ``w'`` to ``u``, and the criterion asks for
    a positive real part on ``|z| = 1``. On the circle ``z = (1 + i v)/(1 - i v)``, ``frequency = v^2`` in [0, oo].
    """
    v = sp.Symbol("v", real=True)
    still, gain = matrix(c).subs(s, 0), -matrix(c).diff(s)
    resolvent = z * sp.eye(2) - still
    response, denominator = (gain[0, :] * resolvent.adjugate())[0], resolvent.det()
    clear = (1 - sp.I * v) ** 2
    on_circle = {z: (1 + sp.I * v) / (1 - sp.I * v)}
    top, bottom = (sp.expand(sp.cancel(part.subs(on_circle) * clear)) for part in (response, denominator))
    product = sp.expand((bottom + b * top) * sp.conjugate(bottom + a * top))
    real = sp.re(product).expand().subs(v, sp.sqrt(frequency))
    return sp.Poly(sp.expand(real), frequency)


def derive_limits(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """The largest b for which the polynomial stays positive.

    Its ends are ``p(0) ~ a b`` and ``p(oo) ~ (B-a)(B-b)``; in between it touches zero where its discriminant vanishes.
    The touching frequency reaches infinity, and b the edge, at ``a = corner``.
    """
    high, middle, low = circle_polynomial(c).all_coeffs()
    (end,) = sp.solve(high.subs(a, 0), b)
    (corner,) = sp.solve(middle.subs(b, end), a)
    touching = sp.cancel((middle**2 - 4 * high * low) / (1 - beta1) ** 2)
    limit = _upper_root(touching)
    scaled = sp.expand(touching.subs(a, b / (1 + alpha1)) * (1 + alpha1) ** 2)
    (flat,) = sp.solve(sp.cancel(middle.subs(a, b / (1 + alpha1))).subs(b, end), alpha1)
    return {
        "cqlf_limit_zero": limit.subs(a, 0),
        "cqlf_limit": _until(limit, a, corner, end),
        "cqlf_in_scale": _beyond(_upper_root(scaled), alpha1, flat, end),
        "alpha1_small": flat,
    }


def _until(value: sp.Expr, variable: sp.Symbol, limit: sp.Expr, otherwise: sp.Expr) -> sp.Expr:
    """``value`` while ``variable < limit``, then ``otherwise``; no division, so that beta1 = 0 is allowed."""
    top, bottom = sp.fraction(sp.factor(limit))
    sign = sp.sign(bottom.subs(EXAMPLE))
    return sp.Piecewise((value, variable * sp.expand(sign * bottom) < sp.expand(sign * top)), (otherwise, True))


def _beyond(value: sp.Expr, variable: sp.Symbol, limit: sp.Expr, otherwise: sp.Expr) -> sp.Expr:
    """``value`` once ``variable > limit``, ``otherwise`` up to there."""
    pieces = _until(otherwise, variable, limit, value)
    return sp.Piecewise((value, sp.Not(pieces.args[0][1])), (otherwise, True))


def _upper_root(quadratic: sp.Expr) -> sp.Expr:
    """The larger of the two values of b, told apart at a point inside every domain."""
    lead, middle, last = sp.Poly(quadratic, b).all_coeffs()
    inside = sp.factor((middle**2 - 4 * lead * last).subs(beta1, 1 - below_one))
    spread = sp.sqrt(inside).subs(below_one, 1 - beta1)
    pair = [(-middle + sign * spread) / (2 * lead) for sign in (1, -1)]
    return max(pair, key=lambda value: sp.N(value.subs(EXAMPLE)))


RHO = 1 + alpha1
LIMITS = {
    "cqlf_limit_zero": 2 / kappa(),
    "cqlf_limit": _until(
        a
        + 2 * (kappa() - a) / kappa() ** 2
        + 4 * sp.sqrt(beta1 * a * (2 * (1 - beta1**2) - (1 - beta1) ** 2 * a)) / (1 + beta1) ** 2,
        a,
        8 * beta1 / (1 - beta1**2),
        edge(),
    ),
    "cqlf_in_scale": _beyond(
        2 * RHO * (1 - beta1) / ((1 + beta1) * (2 + alpha1) - 4 * sp.sqrt(beta1 * RHO)),
        alpha1,
        (1 - beta1) ** 2 / (4 * beta1),
        edge(),
    ),
    "alpha1_small": (1 - beta1) ** 2 / (4 * beta1),
}


# ---------------------------------------------------------------- S3a: why the limit is exact


def more_gates_cost_nothing() -> bool:
    """``z'A(s)'P A(s) z`` has ``2 P_11 w'^2 >= 0`` for its second derivative in s: ends of an interval decide."""
    p, q, r = sp.symbols("p q r", real=True)
    image = (matrix() * sp.Matrix([x, w])).T * sp.Matrix([[p, q], [q, r]]) * matrix() * sp.Matrix([x, w])
    after = (matrix() * sp.Matrix([x, w]))[1]
    return zero(sp.diff(image[0], s, 2) - 2 * p * after**2)


def formula_is_a_chord() -> bool:
    """The limit joins the ends of one chord of the ellipse: ``(l, r)`` satisfies the touching condition for all t.

    ``((a+b) kappa - 2)^2 = 4 (kappa^2-1) a b`` is what the circle criterion leaves; ``l = 0`` at ``t = s-`` and ``r = B``
    at ``t = s+``, so that the chords between cover every a below the corner.
    """
    t = sp.Symbol("t", positive=True)
    left, right = chord(t)
    k = kappa().subs(beta1, root**2)
    touching = ((left + right) * k - 2) ** 2 - 4 * (k**2 - 1) * left * right
    ends = zero(left.subs(t, LOW)) and zero(right.subs(t, HIGH) - 2 * k)
    corner = 8 * root**2 / (1 - root**4)
    return zero(touching) and ends and zero(left.subs(t, HIGH) - corner)


def no_other_form_does_better() -> bool:
    """At the limit, every quadratic form that falls at one end of the chord fails to fall at the other.

    ``M = Q_sigma - A'Q_sigma A`` is singular at both ends; ``Z = adj(M)`` is ``y y'`` for the vector y that M annuls.
    With ``D = A Z A' - Z``, a form P changes by ``tr(P D)`` along y. The two D are negative multiples of each other,

        (t + s-)(s+ - t) D_a + (t + s+)(t - s-) D_b = 0,     s- < t < s+,

    so the two changes have opposite signs, or both vanish. Whoever wants more gates wants these two as well.
    """
    t, u = sp.symbols("t u", positive=True)  # u = s-, root = (1-u)/(1+u)
    field = sp.QQ.frac_field(t, u)
    numbers = {root: (1 - u) / (1 + u), beta1: ((1 - u) / (1 + u)) ** 2}

    def exact(entries: sp.Matrix) -> DomainMatrix:
        return DomainMatrix.from_Matrix(entries.subs(numbers)).convert_to(field)

    quadratic, changes = exact(form(height(t).subs(numbers))), []
    for end in chord(t):
        step = exact(matrix(gate=end.subs(numbers)))
        loss = quadratic - step.transpose() * quadratic * step
        if loss.charpoly()[2] != field.zero:  # the determinant
            return False
        kernel = DomainMatrix(
            [[loss[1, 1].element, -loss[0, 1].element], [-loss[0, 1].element, loss[0, 0].element]], (2, 2), field
        )
        changes.append(step * kernel * step.transpose() - kernel)
    weights = [field.from_sympy(weight) for weight in ((t + u) * (1 / u - t), (t + 1 / u) * (t - u))]
    return (changes[0] * weights[0] + changes[1] * weights[1]).is_zero_matrix


# ---------------------------------------------------------------- S3a: what is true of Theorem 4.1


def gradient_and_its_lag() -> bool:
    """(1) ``V = ||grad F||^2 + beta1 ||grad F - v||^2`` falls for all gates below ``2/kappa``, whatever the curvatures.

    In one mode ``V = h^2 (x^2 + beta1 (x-w)^2)``, and with ``y = x - w``, ``p = x - beta1 y``

        (V - V')/h^2 = beta1 (1-beta1^2) y^2 + 2 beta1 (1+beta1) s p y + (2 s - (1+beta1) s^2) p^2,

    whose determinant is ``beta1 (1+beta1) s (2 (1-beta1) - (1+beta1) s)``: positive exactly for ``0 < s < 2/kappa``.
    """
    h, eta = sp.symbols("h eta", positive=True)
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
    """(4) Gates that never fall: ``V(z, O_t)/O_t`` loses ``(1-beta1^2)(x' + kappa w')^2`` a step, and more as O rises."""
    later = sp.Symbol("later", positive=True)
    falls = sp.diff(energy(later) / later, later) + x**2 / later**2
    loss = (energy(odds()) - after_step(energy(odds()))) / odds() - (1 - beta1**2) * after_step(x + kappa() * w) ** 2
    return zero(falls) and zero(loss)


def gates_below_the_limit_exist() -> bool:
    """(2) With ``a = b/(1+alpha1)``, ``b = cqlf_in_scale`` is the limit of its own a; for small alpha1 the edge."""
    inner, limit = LIMITS["cqlf_in_scale"].args[0][0], LIMITS["cqlf_limit"].args[0][0]
    touching = ((a + b) * kappa() - 2) ** 2 - 4 * (kappa() ** 2 - 1) * a * b
    own = sp.simplify(touching.subs({a: b / RHO}).subs(b, inner)) == 0
    at_edge = sp.simplify(limit.subs(a, edge() / RHO).subs(alpha1, LIMITS["alpha1_small"]) - edge())
    point = {beta1: sp.Rational(9, 10)}
    return own and sp.simplify(at_edge.subs(point)) == 0


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


def gates_of_one_coordinate_each() -> bool:
    """beta1 = 1/2: the gates (4, 1) and (1, 4) are Schur each; in turn their spectral radius is at least 5/4."""
    first, second = coupled_step(4, 1), coupled_step(1, 4)
    return is_schur(first) and is_schur(second) and not is_schur(second * first, sp.Rational(5, 4))


def one_gate_for_all_is_worse() -> bool:
    """The same values as global gates, 4 and 1 in turn, each Schur: beyond 3/2, where the former pair stays inside."""
    first, second = coupled_step(4, 4), coupled_step(1, 1)
    radius = sp.Rational(3, 2)
    beyond = not is_schur(second * first, radius)
    inside = is_schur(coupled_step(1, 4) * coupled_step(4, 1), radius)
    mode = TWO_GATES["two_gate_word"].subs({**HALF, s1: 5, s2: sp.Rational(5, 4)})
    return is_schur(first) and is_schur(second) and beyond and inside and bool(mode > 0)


def without_momentum_all_gates_are_safe() -> bool:
    """beta1 = 0: ``F(x) - F(x') = y'(2 G - G H G) y/2``, ``y = H x``: positive for all diagonal ``G < 2/L``."""
    h = sp.Matrix(2, 2, sp.symbols("h0 h1 h1 h2"))
    gates = sp.diag(*sp.symbols("g:2"))
    position = sp.Matrix(sp.symbols("x:2"))
    gradient = h * position
    moved = position - gates * gradient
    loss = (position.T * h * position - moved.T * h * moved)[0]
    return zero(loss - (gradient.T * (2 * gates - gates * h * gates) * gradient)[0])
