"""What the steps of several optimizers share: a start at rest, averages, the direction of Adam, the move.

Squares beyond the largest float count as the largest float before they are averaged, so that the second moment and its
correction stay finite. A coordinate whose gradient is g at every step then moves eta max(1, |g|/sqrt(M)) a step, M the
largest float: eta while g^2 is a float, farther beyond, never nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.gated import Array, State, rate_at
from vradam.validation import over_runs, real_array


def at_rest(x: ArrayLike) -> State:
    """The state before the first step from ``x`` (..., d): everything zero."""
    x = real_array("x", x)
    if x.ndim == 0:
        raise ValueError("x must have shape (..., d), got a scalar")
    zeros = np.zeros(x.shape, x.dtype)
    return State(zeros, zeros, np.zeros(x.shape[:-1]), 0)


def ungated_learning_rate(optimizer: Any, state: State) -> Array:
    """alpha0 at the step that produced ``state``, shape (...)."""
    eta = np.asarray(rate_at(optimizer.alpha0, max(state.step, 1)), dtype=np.float64)
    return np.broadcast_to(eta, np.broadcast_shapes(eta.shape, state.kinetic.shape))


def rate(optimizer: Any, state: State, x: Array) -> Array:
    """alpha0 of the step after ``state``, as it broadcasts against ``x`` (..., d)."""
    return over_runs("alpha0", rate_at(optimizer.alpha0, state.step + 1), x)


def moved(x: Array, eta: Array, weight_decay: float | Array, direction: Array) -> Array:
    """``(1 - eta weight_decay) x - eta direction``."""
    return (1 - eta * over_runs("weight_decay", weight_decay, x)) * x - eta * direction


def squares(grad: Array) -> Array:
    """g^2, the largest float where it is larger; NaN stays NaN."""
    return np.minimum(grad * grad, np.finfo(grad.dtype).max)


def average_of_squares(beta2: Array, old: Array, grad: Array) -> Array:
    """``beta2 * old + (1 - beta2) * g^2``, at most the largest float; beta2 as :func:`over_runs` gives it."""
    return np.minimum(beta2 * old + (1 - beta2) * squares(grad), np.finfo(grad.dtype).max)


def corrected_root(second_moment: Array, beta2: Array, t: int) -> Array:
    """sqrt(m_t/(1 - beta2^t)); rounding does not take the quotient beyond the largest float."""
    with np.errstate(over="ignore"):
        return np.sqrt(np.minimum(second_moment / (1 - beta2**t), np.finfo(second_moment.dtype).max))


def adam_direction(adam: Any, grad: Array, state: State) -> tuple[Array, State]:
    """The bias-corrected velocity over the bias-corrected root mean square + eps, and the new state."""
    t = state.step + 1
    beta1, beta2 = over_runs("beta1", adam.beta1, grad), over_runs("beta2", adam.beta2, grad)
    velocity = beta1 * state.velocity + (1 - beta1) * grad
    second_moment = average_of_squares(beta2, state.second_moment, grad)
    scale = corrected_root(second_moment, beta2, t) + over_runs("eps", adam.eps, grad)
    return velocity / scale / (1 - beta1**t), State(velocity, second_moment, state.kinetic, t)


def adam_preconditioner(optimizer: Any, state: State) -> Array:
    """(1 - beta1^t) (sqrt(m_t/(1 - beta2^t)) + eps), (..., d) in float64; NaN at t = 0."""
    m, t = np.asarray(state.second_moment, dtype=np.float64), state.step
    if t == 0:
        return np.full(m.shape, np.nan)
    beta1, beta2 = over_runs("beta1", optimizer.beta1, m), over_runs("beta2", optimizer.beta2, m)
    return (1 - beta1**t) * (corrected_root(m, beta2, t) + over_runs("eps", optimizer.eps, m))


def no_preconditioner(optimizer: Any, state: State) -> Array:
    """One at every coordinate, (..., d); NaN at t = 0."""
    return np.full(state.velocity.shape, 1.0 if state.step else np.nan)


def rectification(beta2: Array, t: int) -> tuple[NDArray[np.bool_], Array]:
    """Whether rho_t > 4, and then r_t, otherwise 1.

    rho_t is a difference of two numbers near 2/q, q = 1 - beta2. While t q is small it is written as 2t - 1 - 2 U/S
    instead, with U = sum_{k>=2} binom(t, k) (-q)^(k-2) and S = t - q U = (1 - beta2^t)/q, where nothing cancels.
    """
    q = 1 - beta2
    limit = 2 / q - 1
    term = np.full(np.shape(q), t * (t - 1) / 2)
    total, early = term, np.minimum(q, 0.1 / t)
    for k in range(3, 16):
        term = -term * early * (t - k + 1) / k
        total = total + term
    direct = limit - 2 * t * beta2**t / (1 - beta2**t)
    rho = np.where(t * q < 0.1, 2 * t - 1 - 2 * total / (t - early * total), direct)
    rectified = rho > 4
    rho, limit = np.where(rectified, rho, 5.0), np.where(rectified, limit, 5.0)
    return rectified, np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
