"""The recursions of the optimizers that VRAdam is compared with, in SymPy: one step each, in the order of the papers.

Each takes the point, the gradient and the state before, like :func:`theory.recursion.vradam`, and returns the point and
the state after; what an optimizer does not need stays as it was. The learning rate is ``alpha0``; AdamW itself is in
:mod:`theory.recursion`, where the reductions of VRAdam are derived from it.

>>> x, g = sp.Matrix([sp.Symbol("x")]), sp.Matrix([sp.Symbol("g")])
>>> gradient_descent(x, g, recursion.start(1))[0][0]
-alpha0*g + x*(-alpha0*weight_decay + 1)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import sympy as sp

from theory import recursion
from theory.recursion import ALGORITHM, Coefficients, State, Vector

Step: TypeAlias = Callable[[Vector, Vector, State, Coefficients], tuple[Vector, State]]


def moved(x: Vector, direction: Vector, c: Coefficients) -> Vector:
    """``(1 - alpha0 weight_decay) x - alpha0 direction``."""
    return (1 - c.alpha0 * c.weight_decay) * x - c.alpha0 * direction


def gradient_descent(x: Vector, gradient: Vector, before: State, c: Coefficients = ALGORITHM) -> tuple[Vector, State]:
    """``x_t = (1 - alpha0 weight_decay) x_{t-1} - alpha0 g_t``."""
    return moved(x, gradient, c), before._replace(step=before.step + 1)


def heavy_ball(x: Vector, gradient: Vector, before: State, c: Coefficients = ALGORITHM) -> tuple[Vector, State]:
    """Polyak: the velocity is a sum, ``v_t = beta1 v_{t-1} + g_t``, and the step ``-alpha0 v_t``."""
    v = c.beta1 * before.velocity + gradient
    return moved(x, v, c), before._replace(velocity=v, step=before.step + 1)


def nesterov(x: Vector, gradient: Vector, before: State, c: Coefficients = ALGORITHM) -> tuple[Vector, State]:
    """``v_t = beta1 v_{t-1} + g_t``, the step ``-alpha0 (g_t + beta1 v_t)``."""
    v = c.beta1 * before.velocity + gradient
    return moved(x, gradient + c.beta1 * v, c), before._replace(velocity=v, step=before.step + 1)


def rmsprop(x: Vector, gradient: Vector, before: State, c: Coefficients = ALGORITHM) -> tuple[Vector, State]:
    """``m_t = beta2 m_{t-1} + (1-beta2) g_t^2``, the step ``-alpha0 g_t/(sqrt(m_t) + eps)``: nothing is corrected."""
    m = recursion.second_moment(before.second_moment, gradient, c)
    direction = sp.Matrix([gradient[i] / (sp.sqrt(m[i]) + c.eps) for i in range(len(x))])
    return moved(x, direction, c), before._replace(second_moment=m, step=before.step + 1)


def adamw(x: Vector, gradient: Vector, before: State, c: Coefficients = ALGORITHM) -> tuple[Vector, State]:
    """AdamW at the learning rate ``alpha0``; Adam where ``weight_decay`` is 0."""
    return recursion.adamw(x, gradient, before, c.alpha0, c)


def radam(x: Vector, gradient: Vector, before: State, c: Coefficients = ALGORITHM) -> tuple[Vector, State]:
    """Rectified Adam: ``-alpha0 vhat_t`` until ``rho_t > 4``, then ``-alpha0 r_t vhat_t/(sqrt(mhat_t) + eps)``."""
    step = before.step + 1
    v = recursion.velocity(before.velocity, gradient, c)
    m = recursion.second_moment(before.second_moment, gradient, c)
    rho, r = rectification(step, c)
    vhat = v / (1 - c.beta1**step)
    root = [sp.sqrt(m[i] / (1 - c.beta2**step)) + c.eps for i in range(len(x))]
    direction = sp.Matrix([sp.Piecewise((r * vhat[i] / root[i], rho > 4), (vhat[i], True)) for i in range(len(x))])
    return moved(x, direction, c), State(v, m, before.kinetic, step)


def learning_rate(name: str, step: Any, c: Coefficients = ALGORITHM) -> sp.Expr:
    """eta_t of an optimizer of :data:`BASELINES`: ``alpha0``, times ``r_t`` where RAdam is rectified."""
    if name != "radam":
        return c.alpha0
    rho, r = rectification(step, c)
    return sp.Piecewise((c.alpha0 * r, rho > 4), (c.alpha0, True))


def rectification(step: Any, c: Coefficients = ALGORITHM) -> tuple[sp.Expr, sp.Expr]:
    """``rho_t = rho_oo - 2 t beta2^t/(1-beta2^t)``, ``rho_oo = 2/(1-beta2) - 1``, and r_t of Liu et al."""
    limit = 2 / c.new2 - 1
    rho = limit - 2 * step * c.beta2**step / (1 - c.beta2**step)
    return rho, sp.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))


def lion(x: Vector, gradient: Vector, before: State, c: Coefficients = ALGORITHM) -> tuple[Vector, State]:
    """The step ``-alpha0 sign(beta1 v_{t-1} + (1-beta1) g_t)``; then ``v_t = beta2 v_{t-1} + (1-beta2) g_t``."""
    direction = recursion.velocity(before.velocity, gradient, c).applyfunc(sp.sign)
    v = c.beta2 * before.velocity + c.new2 * gradient
    return moved(x, direction, c), before._replace(velocity=v, step=before.step + 1)


#: name -> step, in the order in which they are offered.
BASELINES: Final[Mapping[str, Step]] = {
    "adamw": adamw,
    "radam": radam,
    "rmsprop": rmsprop,
    "lion": lion,
    "gradient_descent": gradient_descent,
    "heavy_ball": heavy_ball,
    "nesterov": nesterov,
}
