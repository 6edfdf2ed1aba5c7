"""One curvature under any gates: the family A(s), its quadratic forms, and the identity that governs slow gates.

With ``w = v/h`` and ``s = eta h`` the mode of curvature ``h`` is ``z' = A(s) z``, ``z = (x, w)``:

    w' = beta1 w + (1-beta1) x,      x' = x - s w',      kappa = (1+beta1)/(1-beta1),  B = 2 kappa.

**Constant quadratic forms.** With ``s-+ = kappa -+ sqrt(kappa^2-1)`` (so ``s- s+ = 1``, ``s- + s+ = B``) let

    Q_sigma(x, w) = (1-beta1) x (x - w) + sigma w w'.

``Q_s(A(s) z) = beta1 Q_s(z)``; Q_sigma is a sum of two squares, positive definite exactly for ``s- < sigma < s+``; and
``Q_sigma(A(s) z) <= r^2 Q_sigma(z)``, sharp, with ``r = 1`` exactly on the ellipse ``(kappa^2-1)(s-sigma)^2 =
(sigma-s-)(s+-sigma)``: inside it, Q_sigma falls. A horizontal chord of the ellipse, ``sigma`` fixed, is an interval of
gates that share Q_sigma.

**A form that moves with the gate.** Let ``O(s) = s/(B-s)``, the odds of ``s`` against the edge. For every z and s < B

    x'^2 + O(s) (x' + kappa w')^2 = x^2 + beta1^2 O(s) (x + kappa w)^2.

So ``V(z, O) = x^2 + beta1^2 O (x + kappa w)^2`` is conserved exactly when the odds rise by the factor ``1/beta1^2``
from one step to the next, and falls when they rise by less.
"""

from __future__ import annotations

import sympy as sp

from theory.identity import is_zero
from theory.methods.linearisation import without_decay
from theory.notation import beta1, edge, kappa
from theory.recursion import ALGORITHM, Coefficients, momentum

x, w = sp.symbols("x w", real=True)
s, sigma, curvature = sp.symbols("s sigma curvature", positive=True)
root = sp.Symbol("root", positive=True)  # sqrt(beta1) < 1: makes s- and s+ rational
LOW, HIGH = (1 - root) / (1 + root), (1 + root) / (1 - root)  # s-, s+


def mode(c: Coefficients = ALGORITHM, gate: sp.Expr = s) -> tuple[sp.Expr, sp.Expr]:
    """``(x', w')`` of one curvature at ``eta * curvature = gate``, read off the recursion.

    >>> mode()[1]
    beta1*w + x*(1 - beta1)
    """
    moved, after = momentum(x, curvature * w, curvature * x, gate / curvature, without_decay(c))
    after = sp.expand(after / curvature)
    return x - gate * sp.factor(sp.cancel((x - moved) / gate)), sp.collect(after, x)


def matrix(c: Coefficients = ALGORITHM, gate: sp.Expr = s) -> sp.Matrix:
    """``A(gate)`` in ``(x, w)``."""
    return sp.Matrix(mode(c, gate)).jacobian([x, w])


def form(weight: sp.Expr = sigma) -> sp.Matrix:
    """The matrix of ``Q_weight``."""
    after = beta1 * w + (1 - beta1) * x
    return sp.hessian((1 - beta1) * x * (x - w) + weight * w * after, (x, w)) / 2


def odds(gate: sp.Expr = s) -> sp.Expr:
    """``O(s) = s/(B - s)``: 0 at rest, infinite at the edge."""
    return gate / (edge() - gate)


def energy(weight: sp.Expr) -> sp.Expr:
    """``V(z, O) = x^2 + beta1^2 O (x + kappa w)^2`` at the odds ``O = weight``."""
    return x**2 + beta1**2 * weight * (x + kappa() * w) ** 2


def after_step(expression: sp.Expr) -> sp.Expr:
    """``expression`` in ``(x, w)``, evaluated at ``A(s) (x, w)``."""
    moved, after = mode()
    return expression.subs({x: moved, w: after}, simultaneous=True)


def zero(expression: sp.Expr) -> bool:
    """True exactly when a rational expression is identically zero."""
    return is_zero(expression)


# ---------------------------------------------------------------- constant forms


def family_is_definite_between_the_ends() -> bool:
    """``det Q_sigma = ((1-beta1)^2/4)(sigma - s-)(s+ - sigma)``, ``s- s+ = 1``, ``s- + s+ = B``; the corner is > 0."""
    determinant = form().det() - (1 - beta1) ** 2 / 4 * (2 * kappa() * sigma - sigma**2 - 1)
    product = LOW * HIGH - 1
    total = LOW + HIGH - edge().subs(beta1, root**2)
    return zero(determinant) and zero(product) and zero(total) and form()[0, 0] == 1 - beta1


def own_gate_contracts_by_beta1() -> bool:
    """``Q_s(A(s) z) = beta1 Q_s(z)``."""
    return all(zero(entry) for entry in matrix().T * form(s) * matrix() - beta1 * form(s))


def family_is_monotone() -> bool:
    """``(s+ - s-) Q_sigma = (s+ - sigma) (1-beta1) p^2 + (sigma - s-) (1-beta1) q^2``, squares of two linear forms.

    ``p = x - (1-s-) w/2``, ``q = x + (s+ - 1) w/2``. So ``Q_sigma/(s+ - sigma)`` never falls as sigma rises, and
    ``Q_sigma/(sigma - s-)`` never rises.
    """
    p, q = x - (1 - LOW) * w / 2, x + (HIGH - 1) * w / 2
    squares = (1 - root**2) * ((HIGH - sigma) * p**2 + (sigma - LOW) * q**2)
    z = sp.Matrix([x, w])
    return zero((HIGH - LOW) * (z.T * form().subs(beta1, root**2) * z)[0] - squares)


def sharp_rate() -> bool:
    """The eigenvalues ``r^2, beta1^2/r^2`` of ``A' Q_sigma A`` relative to ``Q_sigma``.

    Their product is ``beta1^2`` and their sum ``2 beta1 + 4 beta1 (s-sigma)^2/((sigma-s-)(s+-sigma))``; both are
    below 1 exactly when the sum is below ``1 + beta1^2``, which is the inside of the ellipse.
    """
    relative = form().inv() * matrix().T * form() * matrix()
    gap = 2 * kappa() * sigma - sigma**2 - 1
    trace = relative.trace() - 2 * beta1 - 4 * beta1 * (s - sigma) ** 2 / gap
    ellipse = (1 + beta1**2 - relative.trace()) * gap / (4 * beta1) - (gap / (kappa() ** 2 - 1) - (s - sigma) ** 2)
    return zero(relative.det() - beta1**2) and zero(trace) and zero(ellipse * beta1)


def chord(t: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The ends of the chord at ``sigma``, rationally, with ``t = sqrt((sigma - s-)/(s+ - sigma))``."""
    return (t - LOW) ** 2 / (LOW * (1 + t**2)), (t + LOW) ** 2 / (LOW * (1 + t**2))


def height(t: sp.Expr) -> sp.Expr:
    """``sigma`` at ``t``: the middle of its chord."""
    return (LOW**2 + t**2) / (LOW * (1 + t**2))


def chords() -> bool:
    """Both ends lie on the ellipse, sigma is their mean, and t runs over (0, oo) as sigma runs over (s-, s+).

    For ``s- < t < s+`` both ends move up with t: ``dl/dt = 2 (t-s-)(1 + t s-)/..``, ``dr/dt = 2 (t+s-)(1 - t s-)/..``.
    """
    t = sp.Symbol("t", positive=True)
    k = kappa().subs(beta1, root**2)
    level = height(t)
    on = all(zero((k**2 - 1) * (end - level) ** 2 - (2 * k * level - level**2 - 1)) for end in chord(t))
    inverse = zero((level - LOW) / (HIGH - level) - t**2)
    scale = LOW * (1 + t**2) ** 2 / 2
    left, right = (sp.diff(end, t) * scale for end in chord(t))
    rising = zero(left - (t - LOW) * (1 + t * LOW)) and zero(right - (t + LOW) * (1 - t * LOW))
    return on and inverse and rising and zero(sum(chord(t)) - 2 * level)


# ---------------------------------------------------------------- the moving form


def conservation() -> bool:
    """``x'^2 + O (x' + kappa w')^2 = x^2 + beta1^2 O (x + kappa w)^2`` with ``O = s/(B-s)``."""
    weight = odds()
    return zero(after_step(energy(weight / beta1**2)) - energy(weight))


def fall(now: sp.Expr, later: sp.Expr) -> sp.Expr:
    """``V(z, now) - V(z', later) = (now - beta1^2 later)(x' + kappa w')^2`` when ``now = O(s)``."""
    return (now - beta1**2 * later) * after_step(x + kappa() * w) ** 2


def what_the_energy_loses() -> bool:
    """``V(z, O) - V(z', O') = (O - beta1^2 O')(x' + kappa w')^2`` for every later odds ``O'``."""
    later = sp.Symbol("later", positive=True)
    return zero(energy(odds()) - after_step(energy(later)) - fall(odds(), later))


def two_steps_see_everything() -> bool:
    """The two losses of consecutive steps vanish together only at z = 0.

    With ``l = (1, kappa)``, the rows ``l A(s)`` and ``l A(s') A(s)`` have the determinant
    ``-beta1 (B - s')``, negative for every ``s' < B``: their squares together bound ``|z|^2`` from below, uniformly on
    compact sets of gates. (Needs beta1 > 0; at beta1 = 0, w does not enter.)
    """
    later = sp.Symbol("later", positive=True)
    row = sp.Matrix([[1, kappa()]])
    rows = sp.Matrix.vstack(row * matrix(), row * matrix(gate=later) * matrix())
    return zero(rows.det() + beta1 * (edge() - later))
