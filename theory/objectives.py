"""The objectives as the literature writes them: SymPy formulas of a point, from which derivatives are taken.

Each function takes the coordinates ``x`` (a sequence of d expressions) and the constants of the objective, and returns
``F(x)``; :func:`derivatives` differentiates it. They share no code with the instrument, whose gradients are written by
hand: comparing the two away from a minimum finds a wrong factor in either.

>>> a, b = sp.symbols("a b", real=True)
>>> derivatives(himmelblau((a, b)), (a, b)).gradient[0].subs({a: 3, b: 2})
0
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import sympy as sp

Point: TypeAlias = Sequence[sp.Expr]

q = sp.Rational
NINE_TENTHS = q(9, 10)


class Derivatives(NamedTuple):
    """``value`` F(x), its ``gradient`` (d,) and its ``hessian``, d rows of d."""

    value: sp.Expr
    gradient: list[sp.Expr]
    hessian: list[list[sp.Expr]]


def derivatives(F: sp.Expr, x: Point) -> Derivatives:
    """F with its first and second partial derivatives in the symbols ``x``."""
    gradient = [sp.diff(F, t) for t in x]
    return Derivatives(F, gradient, [[sp.diff(g, t) for t in x] for g in gradient])


# ---------------------------------------------------------------- quadratics


def quadratic(x: Point, spectrum: Sequence[Any]) -> sp.Expr:
    """``sum_i h_i x_i^2 / 2``."""
    return sum((h * t**2 for h, t in zip(spectrum, x, strict=True)), sp.Integer(0)) / 2


def rotated_quadratic(x: Point, spectrum: Sequence[Any], rotation: sp.Matrix) -> sp.Expr:
    """``x' Q diag(h) Q' x / 2``; the columns of the rotation Q are the eigenvectors."""
    column = sp.Matrix(x)
    return (column.T * rotation * sp.diag(*spectrum) * rotation.T * column)[0] / 2


# ---------------------------------------------------------------- bounded gradients


def pseudo_huber(x: Point, scale: Any = 1, curvature: Any = 1) -> sp.Expr:
    """``curvature scale^2 sum_i [sqrt(1 + (x_i/scale)^2) - 1]``."""
    return curvature * scale**2 * sum(sp.sqrt(1 + (t / scale) ** 2) - 1 for t in x)


def log_cosh(x: Point, scale: Any = 1, curvature: Any = 1) -> sp.Expr:
    """``curvature scale^2 sum_i log cosh(x_i/scale)``."""
    return curvature * scale**2 * sum(sp.log(sp.cosh(t / scale)) for t in x)


def rational(x: Point, scale: Any = 1, curvature: Any = 2) -> sp.Expr:
    """``(curvature scale^2/2) sum_i u_i^2/(1 + u_i^2)``, u = x/scale."""
    return sp.sympify(curvature) * scale**2 / 2 * sum((t / scale) ** 2 / (1 + (t / scale) ** 2) for t in x)


def pseudo_huber_sine(
    x: Point, scale: Any = 1, curvature: Any = 1, amplitude: Any = NINE_TENTHS, frequency: Any = 4
) -> sp.Expr:
    """Pseudo-Huber plus ``(amplitude/frequency) sum_i [1 - cos(frequency x_i)]``."""
    ripple = sum(1 - sp.cos(frequency * t) for t in x)
    return pseudo_huber(x, scale, curvature) + sp.sympify(amplitude) / frequency * ripple


def logistic_regression(x: Point, features: sp.Matrix, labels: Sequence[int], l2: Any = 0) -> sp.Expr:
    """The mean of ``log(1 + exp(-y_i a_i.x))`` over the rows a_i, y_i = +-1 for the labels 1 and 0, plus l2 |x|^2/2."""
    column = sp.Matrix(x)
    margins = [(2 * int(label) - 1) * (features.row(i) * column)[0] for i, label in enumerate(labels)]
    return sum(sp.log(1 + sp.exp(-m)) for m in margins) / len(margins) + sp.sympify(l2) / 2 * column.dot(column)


# ---------------------------------------------------------------- test functions of the textbooks


def rosenbrock(x: Point) -> sp.Expr:
    """``sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2``."""
    return sum(
        (100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1)),
        sp.Integer(0),
    )


def beale(x: Point) -> sp.Expr:
    """``sum_k (c_k - x + x y^k)^2``, c = (3/2, 9/4, 21/8), k = 1, 2, 3."""
    a, b = x
    return (q(3, 2) - a + a * b) ** 2 + (q(9, 4) - a + a * b**2) ** 2 + (q(21, 8) - a + a * b**3) ** 2


def himmelblau(x: Point) -> sp.Expr:
    """``(x^2 + y - 11)^2 + (x + y^2 - 7)^2``."""
    a, b = x
    return (a**2 + b - 11) ** 2 + (a + b**2 - 7) ** 2


def rastrigin(x: Point) -> sp.Expr:
    """``sum_i 10 + x_i^2 - 10 cos(2 pi x_i)``."""
    return 10 * len(x) + sum(t**2 - 10 * sp.cos(2 * sp.pi * t) for t in x)


def ackley(x: Point) -> sp.Expr:
    """``20 + e - 20 exp(-sqrt(mean x_i^2)/5) - exp(mean cos 2 pi x_i)``."""
    n = len(x)
    bowl = -20 * sp.exp(-sp.sqrt(sum(t**2 for t in x) / n) / 5)
    return bowl - sp.exp(sum(sp.cos(2 * sp.pi * t) for t in x) / n) + 20 + sp.E


def styblinski_tang(x: Point) -> sp.Expr:
    """``sum_i (x_i^4 - 16 x_i^2 + 5 x_i)/2``."""
    return sum((t**4 - 16 * t**2 + 5 * t for t in x), sp.Integer(0)) / 2


# ---------------------------------------------------------------- models of the edge of stability


def four_scalar_product(x: Point) -> sp.Expr:
    """``(x y z w - 1)^2 / 2``."""
    return (x[0] * x[1] * x[2] * x[3] - 1) ** 2 / 2


def progressive_sharpening(x: Point, final: Any = 100, flat: Any = 1) -> sp.Expr:
    """``y^2 x^2/2 + flat (y - sqrt(final))^2/2``."""
    a, b = x
    return b**2 * a**2 / 2 + sp.sympify(flat) * (b - sp.sqrt(final)) ** 2 / 2


def matrix_factorisation(x: Point, target: sp.Matrix, rank: int) -> sp.Expr:
    """``|U V' - M|^2 / 2``; x holds the rows of U, then those of V."""
    split = target.rows * rank
    U, V = sp.Matrix(target.rows, rank, x[:split]), sp.Matrix(target.cols, rank, x[split:])
    return sum((entry**2 for entry in U * V.T - target), sp.Integer(0)) / 2
