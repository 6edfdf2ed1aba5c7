"""The recursion of Algorithm 1 and of every variant, as SymPy expressions: where all derivations start.

    v_t     = beta1 v_{t-1} + (1-beta1) g_t                      velocity
    m_t     = beta2 m_{t-1} + (1-beta2) g_t^2                    second moment, elementwise
    eta_t   = alpha0 / (1 + min(beta3 ||v_t||^2, alpha1))        the gate: one scalar for all parameters
    x_t     = x_{t-1} (1 - eta_t weight_decay) - eta_t vhat_t / (sqrt(mhat_t) + eps)
    vhat_t  = v_t/(1-beta1^t),  mhat_t = m_t/(1-beta2^t)

A *gate* is a function that returns the kinetic energy ``K_t`` it sees. A *law* turns it into the closing ``w_t``, and
the step size is ``eta_t = A/(1 + w_t)``; in Algorithm 1 ``w_t = min(beta3 K_t, alpha1)`` and ``A = alpha0``. Vectors
are SymPy column matrices of shape (d, 1).
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

from theory.notation import alpha0, alpha1, beta1, beta2, beta3, eps, gate_decay, w0, weight_decay

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
    w0: sp.Expr = w0


ALGORITHM = Coefficients()


class State(NamedTuple):
    """The memory: ``velocity``, ``second_moment`` (d, 1), ``kinetic`` (what the law remembers), ``step``.

    ``kinetic`` is a column of two where a form remembers a number besides, (d, 1) for a gate per coordinate.
    """

    velocity: Vector
    second_moment: Vector
    kinetic: Any
    step: Any


def start(dimension: int) -> State:
    """The state before the first step: all zero."""
    return State(sp.zeros(dimension, 1), sp.zeros(dimension, 1), sp.Integer(0), sp.Integer(0))


# ---------------------------------------------------------------- the gate: which kinetic energy it sees


Pair: TypeAlias = Callable[[State, Vector, Vector], tuple[Vector, Vector]]  # of two vectors of a step
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
    return lambda before, v, gradient, c: v.dot(v) ** sp.Rational(k, 2)


def per_coordinate(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> Vector:
    """``K_t = v_t^2`` elementwise: a gate for each coordinate."""
    return v.applyfunc(lambda component: component**2)


def smoothed(before: State, v: Vector, gradient: Vector, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``u_t = gate_decay u_{t-1} + (1-gate_decay) ||v_t||^2``, kept uncorrected in the state: law and form in one."""
    return c.gate_decay * before.kinetic + c.new_gate * v.dot(v)


@dataclass(frozen=True)
class Signal:
    """A gate that sees more: ``K_t = sees(c_t, w_{t-1})``, ``c_t = c(before, v_t, g_t, P_t)`` a number.

    ``P_t`` is the diagonal of Adam's metric. With ``average`` not 0, ``sees`` is given an average of ``c_t``, from 0.
    ``between`` names the two vectors whose cosine ``c_t`` is, where it is one.
    """

    c: Callable[[State, Vector, Vector, Vector], sp.Expr]
    sees: Callable[[sp.Expr, sp.Expr], sp.Expr]
    average: Any = 0
    between: Pair | None = None


def cosine(one: Vector, other: Vector, P: Vector) -> sp.Expr:
    """``<one, other>/(|one| |other|)`` in the metric ``1/P``; 0 where either vector is 0, as before the first step."""
    inner, first, second = (
        sum(u[i] * v[i] / P[i] for i in range(len(P))) for u, v in ((one, other), (one, one), (other, other))
    )
    sizes = sp.sqrt(first) * sp.sqrt(second)
    return sp.Piecewise((sp.S.Zero, sp.Eq(sizes, 0)), (inner / sizes, True))


adam_metric = Signal(
    c=lambda before, v, gradient, P: sum(v[i] ** 2 / P[i] ** 2 for i in range(len(P))) / len(P),
    sees=lambda mean_square, w: mean_square,
)


def alignment(k: Any, target: Any = 0, average: Any = 0, between: Pair = lambda s, v, g: (s.velocity, g)) -> Signal:
    """``K_t = max((1 + w_{t-1}) exp(-k (c_t - target)) - 1, 0)``, ``c_t`` the cosine of ``v_{t-1}`` and ``g_t``."""
    return Signal(
        c=lambda before, v, gradient, P: cosine(*between(before, v, gradient), P),
        sees=lambda c, w: sp.Max((1 + w) * sp.exp(-k * (c - target)) - 1, 0),
        average=average,
        between=between,
    )


def autocorrelation(k: Any, target: Any = 0, average: Any = 0) -> Signal:
    """The same with the cosine of ``v_{t-1}`` and ``v_t``."""
    return alignment(k, target, average, lambda before, v, gradient: (before.velocity, v))


#: The twins of ``vradam.gates.FORMS``, by name.
FORMS: dict[str, Gate | Signal] = {
    "published": published,
    "predictable": predictable,
    "inside": inside,
    "gradient_norm": gradient_norm,
    "power(3)": power(3),
    "per_coordinate": per_coordinate,
    "adam_metric": adam_metric,
    "alignment(0.3)": alignment(sp.Rational(3, 10)),
    "alignment(0.3, average 0.9)": alignment(sp.Rational(3, 10), average=sp.Rational(9, 10)),
    "autocorrelation(0.3, target 0.5)": autocorrelation(sp.Rational(3, 10), sp.Rational(1, 2)),
}


# ---------------------------------------------------------------- the law: how what was seen becomes the opening


class Law(NamedTuple):
    """``memory_t = remember(memory_{t-1}, K_t)``, ``w_t = closing(memory_t, t)``, ``A = alpha0 ceiling``."""

    start: Callable[[Coefficients], sp.Expr]
    remember: Callable[[Any, Any, Coefficients], Any]
    closing: Callable[[Any, Any, Coefficients, bool], Any]
    ceiling: Callable[[Coefficients], sp.Expr]


#: ``w_t = min(beta3 K_t, alpha1)``
as_seen = Law(
    start=lambda c: sp.Integer(0),
    remember=lambda memory, seen, c: seen,
    closing=lambda memory, step, c, corrected: sp.Min(c.beta3 * memory, c.alpha1),
    ceiling=lambda c: sp.Integer(1),
)
#: ``w_t = min(beta3 u_t/(1 - g^t), alpha1)``, ``u_t = g u_{t-1} + (1-g) K_t``
averaged = Law(
    start=lambda c: sp.Integer(0),
    remember=lambda memory, seen, c: c.gate_decay * memory + c.new_gate * seen,
    closing=lambda memory, step, c, corrected: sp.Min(
        c.beta3 * memory / (1 - c.gate_decay**step if corrected else 1), c.alpha1
    ),
    ceiling=lambda c: sp.Integer(1),
)
#: ``w_t = max(min(beta3 K_t, alpha1), g w_{t-1})``, ``A = alpha0 (1 + w0)``
held = Law(
    start=lambda c: c.w0,
    remember=lambda memory, seen, c: sp.Max(sp.Min(c.beta3 * seen, c.alpha1), c.gate_decay * memory),
    closing=lambda memory, step, c, corrected: memory,
    ceiling=lambda c: 1 + c.w0,
)
#: The twins of ``vradam.gates.LAWS``, by the name before the bracket.
LAWS: dict[str, Law] = {"published": as_seen, "averaged": averaged, "held": held}


def gate_remembers(
    gate: Gate | Signal,
    law: Law,
    before: State,
    v: Vector,
    gradient: Vector,
    P: Vector,
    c: Coefficients,
    corrected: bool,
) -> Any:
    """``State.kinetic`` after the step: what the law, and the form, remember."""
    memory = before.kinetic
    if not isinstance(gate, Signal):
        seen = gate(before, v, gradient, c)
        if isinstance(seen, sp.MatrixBase):
            return sp.Matrix([law.remember(old, new, c) for old, new in zip(memory, seen, strict=True)])
        return law.remember(memory, seen, c)
    own = memory[1] if gate.average != 0 else None
    memory = memory if own is None else memory[0]
    w = law.closing(memory, sp.Max(before.step, 1), c, corrected)
    value = gate.c(before, v, gradient, P)
    if own is None:
        return law.remember(memory, gate.sees(value, w), c)
    own = gate.average * own + (1 - gate.average) * value
    return sp.Matrix([law.remember(memory, gate.sees(own, w), c), own])


def gamma(kinetic: sp.Expr, c: Coefficients = ALGORITHM) -> sp.Expr:
    """The gate itself, ``gamma = 1/(1 + min(beta3 K, alpha1))`` in ``[1/(1+alpha1), 1]``.

    >>> gamma(sp.Integer(0))
    1
    """
    return 1 / (1 + sp.Min(c.beta3 * kinetic, c.alpha1))


def gamma_of(gate: Gate | Signal, kinetic: Any, step: Any, c: Coefficients, corrected: bool, law: Law = as_seen) -> Any:
    """``gamma_t = 1/(1 + w_t)``, elementwise for :func:`per_coordinate`; :func:`smoothed` brings its law with it."""
    law = averaged if gate is smoothed else law
    if gate is per_coordinate:
        return kinetic.applyfunc(lambda component: 1 / (1 + law.closing(component, step, c, corrected)))
    memory = kinetic[0] if isinstance(kinetic, sp.MatrixBase) else kinetic
    return 1 / (1 + law.closing(memory, step, c, corrected))


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
    gradient: Vector,
    before: State,
    gate: Gate | Signal,
    c: Coefficients,
    P: Vector,
    corrected: bool,
    law: Law,
) -> tuple[Vector, Any, Any]:
    """``v_t``, ``State.kinetic`` and ``eta_t/alpha0``, which is 1 where the gate already acted on the gradient."""
    step = before.step + 1
    if gate is inside:
        kinetic = inside(before, before.velocity, gradient, c)
        return (
            velocity(before.velocity, gamma_of(gate, kinetic, step, c, corrected) * gradient, c),
            kinetic,
            sp.Integer(1),
        )
    v = velocity(before.velocity, gradient, c)
    kinetic = gate_remembers(gate, law, before, v, gradient, P, c, corrected)
    return v, kinetic, law.ceiling(c) * gamma_of(gate, kinetic, step, c, corrected, law)


def _move(x: Vector, eta: Any, direction: Vector, c: Coefficients) -> Vector:
    """``x (1 - eta weight_decay) - eta direction`` for a scalar or an elementwise ``eta``."""
    etas = eta if isinstance(eta, sp.MatrixBase) else sp.ones(len(x), 1) * eta
    return sp.Matrix([x[i] * (1 - etas[i] * c.weight_decay) - etas[i] * direction[i] for i in range(len(x))])


# ---------------------------------------------------------------- the algorithms


def vradam(
    x: Vector,
    gradient: Vector,
    before: State,
    gate: Gate | Signal = published,
    c: Coefficients = ALGORITHM,
    law: Law = as_seen,
) -> tuple[Vector, State]:
    """One step of VRAdam (Algorithm 1) with the given gate and law."""
    step = before.step + 1
    m = second_moment(before.second_moment, gradient, c)
    P = m.applyfunc(lambda component: sp.sqrt(component / (1 - c.beta2**step)) + c.eps)
    v, kinetic, factor = _gated_velocity(gradient, before, gate, c, P, True, law)
    direction = adam_direction(v, m, 1 - c.beta1**step, 1 - c.beta2**step, c)
    return _move(x, c.alpha0 * factor, direction, c), State(v, m, kinetic, step)


def vrmomentum(
    x: Vector,
    gradient: Vector,
    before: State,
    gate: Gate | Signal = published,
    c: Coefficients = ALGORITHM,
    law: Law = as_seen,
) -> tuple[Vector, State]:
    """One step of VRMomentum: no second moment, ``x_t = x_{t-1}(1 - eta_t weight_decay) - eta_t v_t``."""
    v, kinetic, factor = _gated_velocity(gradient, before, gate, c, sp.ones(len(x), 1), True, law)
    state = State(v, before.second_moment, kinetic, before.step + 1)
    return _move(x, c.alpha0 * factor, v, c), state


def proof_form(
    x: Vector,
    gradient: Vector,
    before: State,
    gate: Gate | Signal = published,
    c: Coefficients = ALGORITHM,
    law: Law = as_seen,
) -> tuple[Vector, State]:
    """One step in the form in which rates are proved: ``eps`` inside the root, the second moment a plain sum.

    ``s_t = beta2 s_{t-1} + g_t^2``, ``Omega_t = sqrt((1-beta2^t)/(1-beta2))`` and
    ``x_t = x_{t-1}(1 - eta_t weight_decay) - eta_t Omega_t v_t / sqrt(eps + s_t)``; neither ``v_t`` nor a smoothed
    ``u_t`` is corrected.
    """
    step = before.step + 1
    s = c.beta2 * before.second_moment + gradient.applyfunc(lambda component: component**2)
    omega = sp.sqrt((1 - c.beta2**step) / c.new2)
    P = s.applyfunc(lambda component: sp.sqrt(c.eps + component) / omega)
    v, kinetic, factor = _gated_velocity(gradient, before, gate, c, P, False, law)
    direction = sp.Matrix([omega * v[i] / sp.sqrt(c.eps + s[i]) for i in range(len(v))])
    return _move(x, c.alpha0 * factor, direction, c), State(v, s, kinetic, step)


def adamw(
    x: Vector, gradient: Vector, before: State, eta: sp.Expr, c: Coefficients = ALGORITHM
) -> tuple[Vector, State]:
    """One step of AdamW at learning rate ``eta``, written out on its own, for the reductions."""
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
