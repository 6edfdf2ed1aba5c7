"""The recursion of Algorithm 1 and of every variant, as SymPy expressions: where all derivations start.

    v_t     = beta1 v_{t-1} + (1-beta1) g_t                      velocity
    m_t     = beta2 m_{t-1} + (1-beta2) g_t^2                    second moment, elementwise
    eta_t   = alpha0 / (1 + min(beta3 ||v_t||^2, alpha1))        the gate: one scalar for all parameters
    x_t     = x_{t-1} (1 - eta_t weight_decay) - eta_t vhat_t / (sqrt(mhat_t) + eps)
    vhat_t  = v_t/(1-beta1^t),  mhat_t = m_t/(1-beta2^t)

A *gate* is a function that returns the kinetic energy ``K_t`` it sees; the step size is then
``eta_t = alpha0/(1 + min(beta3 K_t, alpha1))``. Vectors are SymPy column matrices of shape (d, 1).
:func:`velocity` and :func:`momentum` are linear and accept scalars too, which is what the analysis of a
single curvature needs.

:class:`Coefficients` holds each number of the recursion in a field of its own. The defaults are the symbols
of :mod:`theory.notation`; replacing one gives a neighbouring algorithm, for which no claim need hold:

>>> from dataclasses import replace
>>> x, v = sp.symbols("x v")
>>> velocity(v, x, replace(ALGORITHM, beta1=beta1 + sp.Rational(1, 100)))
v*(beta1 + 1/100) + x*(1 - beta1)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import sympy as sp

from theory.notation import alpha0, alpha1, beta1, beta2, beta3, eps, gate_decay, weight_decay

Vector: TypeAlias = Any  # a SymPy column matrix, or a scalar expression where only linear operations are needed


@dataclass(frozen=True)
class Coefficients:
    """The numbers of Algorithm 1, one field each; ``new1``, ``new2``, ``new_gate`` weigh what comes in."""

    alpha0: sp.Expr = alpha0
    alpha1: sp.Expr = alpha1
    beta1: sp.Expr = beta1
    new1: sp.Expr = 1 - beta1
    beta2: sp.Expr = beta2
    new2: sp.Expr = 1 - beta2
    beta3: sp.Expr = beta3
    eps: sp.Expr = eps
    weight_decay: sp.Expr = weight_decay
    gate_decay: sp.Expr = gate_decay
    new_gate: sp.Expr = 1 - gate_decay


ALGORITHM = Coefficients()


class State(NamedTuple):
    """The memory: ``velocity``, ``second_moment`` (d, 1), ``kinetic`` (what the gate saw), ``step``."""

    velocity: Vector
    second_moment: Vector
    kinetic: Any
    step: Any


def start(dimension: int) -> State:
    """The state before the first step: all zero."""
    return State(sp.zeros(dimension, 1), sp.zeros(dimension, 1), sp.Integer(0), sp.Integer(0))


# ---------------------------------------------------------------- the gate: which kinetic energy it sees


Gate: TypeAlias = Callable[[State, Vector, Vector, Coefficients], Any]  # (state before, v_t, g_t, numbers) -> K_t


def published(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``K_t = ||v_t||^2``."""
    return v.dot(v)


def predictable(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``K_t = ||v_{t-1}||^2``: known before ``g_t`` is drawn."""
    return before.velocity.dot(before.velocity)


def inside(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``K_t = ||v_{t-1}||^2``; the gate multiplies the gradient that enters the velocity, not the step."""
    return before.velocity.dot(before.velocity)


def gradient_norm(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``K_t = ||g_t||^2``."""
    return gradient.dot(gradient)


def power(k: int) -> Gate:
    """``K_t = ||v_t||^k``."""

    def kinetic(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> sp.Expr:
        return v.dot(v) ** sp.Rational(k, 2)

    return kinetic


def per_coordinate(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> Vector:
    """``K_t = v_t^2`` elementwise: a gate for each coordinate."""
    return v.applyfunc(lambda component: component**2)


def smoothed(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``u_t = gate_decay u_{t-1} + (1-gate_decay) ||v_t||^2``, kept uncorrected in the state."""
    return c.gate_decay * before.kinetic + c.new_gate * v.dot(v)


def gamma(kinetic: sp.Expr, c: Coefficients = ALGORITHM) -> sp.Expr:
    """The gate itself, ``gamma = 1/(1 + min(beta3 K, alpha1))`` in ``[1/(1+alpha1), 1]``.

    >>> gamma(sp.Integer(0))
    1
    """
    return 1 / (1 + sp.Min(c.beta3 * kinetic, c.alpha1))


def gamma_of(gate: Gate, kinetic: Any, step: Any, c: Coefficients = ALGORITHM, corrected: bool = True) -> Any:
    """``gamma_t`` of a gate: bias-corrected for :func:`smoothed`, elementwise for :func:`per_coordinate`."""
    if gate is smoothed and corrected:
        kinetic = kinetic / (1 - c.gate_decay**step)
    if isinstance(kinetic, sp.MatrixBase):
        return kinetic.applyfunc(lambda component: gamma(component, c))
    return gamma(kinetic, c)


# ---------------------------------------------------------------- the averages and the step


def velocity(v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> Vector:
    """``v_t = beta1 v_{t-1} + (1-beta1) g_t``, linear, for vectors and scalars."""
    return c.beta1 * v + c.new1 * gradient


def second_moment(m: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> Vector:
    """``m_t = beta2 m_{t-1} + (1-beta2) g_t^2``, elementwise."""
    return c.beta2 * m + c.new2 * gradient.applyfunc(lambda component: component**2)


def momentum(
    x: Vector, v: Vector, gradient: Vector, eta: sp.Expr, c: Coefficients = ALGORITHM
) -> tuple[Vector, Vector]:
    """One step of VRMomentum whose gate happens to give the step size ``eta``, for vectors and scalars.

    >>> x, v, h, eta = sp.symbols("x v h eta")
    >>> momentum(x, v, h * x, eta, Coefficients(weight_decay=sp.Integer(0)))[1]
    beta1*v + h*x*(1 - beta1)
    """
    v = velocity(v, gradient, c)
    return x * (1 - eta * c.weight_decay) - eta * v, v


def adam_direction(v: Vector, m: Vector, correction1: sp.Expr, correction2: sp.Expr, c: Coefficients) -> Vector:
    """``vhat/(sqrt(mhat) + eps)``, ``vhat = v/correction1``, ``mhat = m/correction2``, elementwise."""
    return sp.Matrix([v[i] / correction1 / (sp.sqrt(m[i] / correction2) + c.eps) for i in range(len(v))])


def _gated_velocity(
    gradient: Vector, before: State, gate: Gate, c: Coefficients, corrected: bool = True
) -> tuple[Vector, Any, Any]:
    """``v_t``, ``K_t`` and ``eta_t/alpha0``, which is 1 where the gate already acted on the gradient."""
    step = before.step + 1
    if gate is inside:
        kinetic = inside(before, before.velocity, gradient, c)
        return (
            velocity(before.velocity, gamma_of(gate, kinetic, step, c) * gradient, c),
            kinetic,
            sp.Integer(1),
        )
    v = velocity(before.velocity, gradient, c)
    kinetic = gate(before, v, gradient, c)
    return v, kinetic, gamma_of(gate, kinetic, step, c, corrected)


def _move(x: Vector, eta: Any, direction: Vector, c: Coefficients) -> Vector:
    """``x (1 - eta weight_decay) - eta direction`` for a scalar or an elementwise ``eta``."""
    etas = eta if isinstance(eta, sp.MatrixBase) else sp.ones(len(x), 1) * eta
    return sp.Matrix([x[i] * (1 - etas[i] * c.weight_decay) - etas[i] * direction[i] for i in range(len(x))])


# ---------------------------------------------------------------- the algorithms


def vradam(
    x: Vector, gradient: Vector, before: State, gate: Gate = published, c: Coefficients = ALGORITHM
) -> tuple[Vector, State]:
    """One step of VRAdam (Algorithm 1) with the given gate."""
    step = before.step + 1
    v, kinetic, factor = _gated_velocity(gradient, before, gate, c)
    m = second_moment(before.second_moment, gradient, c)
    direction = adam_direction(v, m, 1 - c.beta1**step, 1 - c.beta2**step, c)
    return _move(x, c.alpha0 * factor, direction, c), State(v, m, kinetic, step)


def vrmomentum(
    x: Vector, gradient: Vector, before: State, gate: Gate = published, c: Coefficients = ALGORITHM
) -> tuple[Vector, State]:
    """One step of VRMomentum: no second moment, ``x_t = x_{t-1}(1 - eta_t weight_decay) - eta_t v_t``."""
    v, kinetic, factor = _gated_velocity(gradient, before, gate, c)
    state = State(v, before.second_moment, kinetic, before.step + 1)
    return _move(x, c.alpha0 * factor, v, c), state


def proof_form(
    x: Vector, gradient: Vector, before: State, gate: Gate = published, c: Coefficients = ALGORITHM
) -> tuple[Vector, State]:
    """One step in the form in which rates are proved: ``eps`` inside the root, the second moment a plain sum.

    ``s_t = beta2 s_{t-1} + g_t^2``, ``Omega_t = sqrt((1-beta2^t)/(1-beta2))`` and
    ``x_t = x_{t-1}(1 - eta_t weight_decay) - eta_t Omega_t v_t / sqrt(eps + s_t)``; neither ``v_t`` nor a smoothed
    ``u_t`` is corrected.
    """
    step = before.step + 1
    v, kinetic, factor = _gated_velocity(gradient, before, gate, c, corrected=False)
    s = c.beta2 * before.second_moment + gradient.applyfunc(lambda component: component**2)
    omega = sp.sqrt((1 - c.beta2**step) / c.new2)
    direction = sp.Matrix([omega * v[i] / sp.sqrt(c.eps + s[i]) for i in range(len(v))])
    return _move(x, c.alpha0 * factor, direction, c), State(v, s, kinetic, step)


def adamw(
    x: Vector, gradient: Vector, before: State, eta: sp.Expr, c: Coefficients = ALGORITHM
) -> tuple[Vector, State]:
    """One step of AdamW at learning rate ``eta``, written out on its own as a witness for the reductions."""
    step = before.step + 1
    first, second = [], []
    moved = []
    for i in range(len(x)):
        mean = c.beta1 * before.velocity[i] + c.new1 * gradient[i]
        square = c.beta2 * before.second_moment[i] + c.new2 * gradient[i] ** 2
        shrunk = x[i] - eta * c.weight_decay * x[i]
        moved.append(shrunk - eta * (mean / (1 - c.beta1**step)) / (sp.sqrt(square / (1 - c.beta2**step)) + c.eps))
        first.append(mean)
        second.append(square)
    return sp.Matrix(moved), State(sp.Matrix(first), sp.Matrix(second), before.kinetic, step)
