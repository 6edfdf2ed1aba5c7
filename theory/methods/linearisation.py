"""The linear step of one curvature: its matrix, its characteristic polynomial, and where that leaves the unit disc."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from theory import recursion
from theory.claim import vanishes
from theory.recursion import ALGORITHM, Coefficients, gamma, momentum

x, velocity, eta, curvature, z = sp.symbols("x velocity eta curvature z", real=True)
below_one = sp.Symbol("below_one", positive=True)  # 1 - beta1, positive because beta1 lies in [0, 1)
NO_DECAY = sp.Integer(0)


def without_decay(c: Coefficients) -> Coefficients:
    """The same recursion without weight decay."""
    return replace(c, weight_decay=NO_DECAY)


def transition(c: Coefficients = ALGORITHM, step_size: sp.Expr = eta, hessian: sp.Expr = curvature) -> sp.Matrix:
    """The matrix of one step on ``F = hessian x^2/2`` in ``(x, v)``, read off the recursion."""
    return sp.Matrix(momentum(x, velocity, hessian * x, step_size, c)).jacobian([x, velocity])


def characteristic(matrix: sp.Matrix) -> sp.Expr:
    """``p(z) = det(z I - A)``."""
    return (z * sp.eye(matrix.rows) - matrix).det(method="berkowitz").expand()


def at(polynomial: sp.Expr, point: int) -> sp.Expr:
    """``p`` at 1, -1 or 0, the three values that Jury's conditions use."""
    return sp.factor(polynomial.subs(z, point))


def derive_edge(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """Where ``p(-1)`` vanishes, in units of ``eta * curvature``."""
    s = sp.Symbol("s")
    polynomial = characteristic(transition(without_decay(c), eta, s / eta))
    (threshold,) = sp.solve(at(polynomial, -1), s)
    return {"threshold": threshold}


def jacobian(c: Coefficients = ALGORITHM, hessian: sp.Expr = curvature) -> sp.Matrix:
    """The Jacobian of the true map, gate included, where the clip does not act (``beta3 v^2 < alpha1``)."""
    unclipped = replace(without_decay(c), alpha1=sp.oo)
    after = recursion.velocity(velocity, hessian * x, unclipped)
    step_size = c.alpha0 * gamma(after**2, unclipped)
    return sp.Matrix(momentum(x, velocity, hessian * x, step_size, unclipped)).jacobian([x, velocity])


def jury_conditions() -> bool:
    """``(1-w)^2 p((1+w)/(1-w)) = p(1) + 2(1 - p(0)) w + p(-1) w^2`` for every monic real quadratic ``p``.

    ``z = (1+w)/(1-w)`` maps the left half-plane onto the unit disc, and a real quadratic has both roots in the left
    half-plane exactly when its coefficients have one sign.
    """
    linear, constant, w = sp.symbols("linear constant w")
    p = z**2 + linear * z + constant
    mapped = (1 - w) ** 2 * p.subs(z, (1 + w) / (1 - w))
    return vanishes(mapped - (p.subs(z, 1) + 2 * (1 - constant) * w + p.subs(z, -1) * w**2))
