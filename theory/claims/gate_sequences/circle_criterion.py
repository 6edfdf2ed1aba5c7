"""The largest interval of gates that share one quadratic Lyapunov function: the discrete circle criterion, exactly.

One mode under gates in [a, b] is a Lur'e system: ``w'`` is the response of a linear filter to ``u = s w'``. One
quadratic form serves all gates exactly when ``Re (1 + b G)/(1 + a G) > 0`` on the unit circle. Sufficiency comes back
as an explicit form, Q_sigma near ``sigma = (a+b)/2``; necessity as two directions, and each form falls along one only.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from theory.methods.linearisation import below_one
from theory.methods.quadratic_family import HIGH, LOW, chord, form, height, matrix, root, s, w, x, zero
from theory.notation import EXAMPLE, a, alpha1, beta1, edge, kappa
from theory.recursion import ALGORITHM, Coefficients

b, z, frequency = sp.symbols("b z frequency", positive=True)


# ---------------------------------------------------------------- the limit, from the recursion


def circle_polynomial(c: Coefficients = ALGORITHM) -> sp.Poly:
    """``Re (1 + b G)(1 + a G)*`` on the unit circle, cleared of positive factors: a quadratic in ``frequency``.

    ``A(s) = A(0) - s e c'``, ``G(z) = c'(z - A(0))^-1 e`` is the response of ``w'`` to ``u``. The criterion asks for a
    positive real part on ``|z| = 1``. On the circle ``z = (1 + i v)/(1 - i v)``, ``frequency = v^2`` in [0, oo].
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
    touching = sp.factor(middle**2 - 4 * high * low)
    limit, end = sp.factor(_upper_root(touching)), sp.factor(end)
    scaled = touching.subs(a, b / (1 + alpha1))
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
    spread = spread.replace(lambda part: part.is_Pow and part.exp == sp.Rational(1, 2), lambda part: _root(part.base))
    pair = [(-middle + sign * spread) / (2 * lead) for sign in (1, -1)]
    return max(pair, key=lambda value: sp.N(value.subs(EXAMPLE)))


def _root(inside: sp.Expr) -> sp.Expr:
    return sp.sqrt(sp.expand(inside))


RHO = 1 + alpha1
LIMITS = {
    "cqlf_limit_zero": 2 / kappa(),
    "cqlf_limit": _until(
        sp.factor(
            a
            + 2 * (kappa() - a) / kappa() ** 2
            + 4 * sp.sqrt(a * beta1 * (1 - beta1)) * _root(2 * (1 + beta1) - (1 - beta1) * a) / (1 + beta1) ** 2
        ),
        a,
        8 * beta1 / (1 - beta1**2),
        sp.factor(edge()),
    ),
    "cqlf_in_scale": _beyond(
        2 * RHO * (1 - beta1) / ((1 + beta1) * (2 + alpha1) - 4 * sp.sqrt(beta1 * RHO)),
        alpha1,
        (1 - beta1) ** 2 / (4 * beta1),
        sp.factor(edge()),
    ),
    "alpha1_small": (1 - beta1) ** 2 / (4 * beta1),
}


# ---------------------------------------------------------------- why the limit is exact


def more_gates_cost_nothing() -> bool:
    """``z'A(s)'P A(s) z`` has ``2 P_11 w'^2 >= 0`` for its second derivative in s: ends of an interval decide."""
    p, q, r = sp.symbols("p q r")
    image = (matrix() * sp.Matrix([x, w])).T * sp.Matrix([[p, q], [q, r]]) * matrix() * sp.Matrix([x, w])
    after = (matrix() * sp.Matrix([x, w]))[1]
    return zero(sp.diff(image[0], s, 2) - 2 * p * after**2)


def formula_is_a_chord() -> bool:
    """The limit joins the ends of one chord of the ellipse: ``(l, r)`` satisfies the touching condition for all t.

    ``((a+b) kappa - 2)^2 = 4 (kappa^2-1) a b`` is what the circle criterion leaves; ``l = 0`` at ``t = s-``,
    ``r = B`` at ``t = s+``, so that the chords between cover every a below the corner.
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


def gates_below_the_limit_exist() -> bool:
    """(2) With ``a = b/(1+alpha1)``, ``b = cqlf_in_scale`` is the limit of its own a; for small alpha1 the edge."""
    inner, limit = LIMITS["cqlf_in_scale"].args[0][0], LIMITS["cqlf_limit"].args[0][0]
    touching = ((a + b) * kappa() - 2) ** 2 - 4 * (kappa() ** 2 - 1) * a * b
    at_edge = limit.subs(a, edge() / RHO).subs(alpha1, LIMITS["alpha1_small"]) - edge()
    point = {beta1: sp.Rational(9, 10)}
    return zero(sp.simplify(touching.subs({a: b / RHO}).subs(b, inner))) and zero(sp.simplify(at_edge.subs(point)))
