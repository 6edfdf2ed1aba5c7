"""VRAdam, as Algorithm 1 of the paper writes it, in NumPy.

Source: Vaidhyanathan, Schorling, Ares, Osborne, "A Physics-Inspired Optimizer: Velocity Regularized Adam",
arXiv:2505.13196, Algorithm 1. This is an independent implementation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.gates import GateForm, opening, published
from vradam.validation import hyper_parameter, matching, over_runs, real_array

Array = NDArray[np.floating]
Rate = float | Array | Callable[[int], float | Array]


class State(NamedTuple):
    """What an optimizer remembers between two steps; the leading axes are independent runs."""

    velocity: Array  #: v_t (..., d), the raw exponential average of the gradients
    second_moment: Array  #: m_t (..., d), the raw exponential average of their squares
    kinetic: Array  #: what the gate saw (...), float64; with ``gate_decay`` the uncorrected average u_t
    step: int  #: t


@dataclass(frozen=True, kw_only=True, eq=False)
class VRAdam:
    r"""Velocity-Regularized Adam: Adam whose one learning rate shrinks with the squared norm of the velocity.

    .. math::
        v_t &= \beta_1 v_{t-1} + (1-\beta_1) g_t \\
        m_t &= \beta_2 m_{t-1} + (1-\beta_2) g_t^2 \\
        \eta_t &= \alpha_0 / (1 + \min(\beta_3 \|v_t\|^2, \alpha_1)) \\
        \theta_t &= (1-\eta_t\lambda)\theta_{t-1}
            - \eta_t \frac{v_t/(1-\beta_1^t)}{\sqrt{m_t/(1-\beta_2^t)} + \varepsilon}

    The norm runs over all d coordinates of a run, and the velocity in it is not bias-corrected.

    Parameters
    ----------
    alpha0 : learning rate, [0, inf), or a callable of the step t = 1, 2, ... (a schedule)
    alpha1 : clip of the gate, [0, inf]; 0 closes the gate's influence: AdamW
    beta1 : decay of the velocity, [0, 1)
    beta2 : decay of the second moment, [0, 1); [0, 1] with ``proof_form``
    beta3 : strength of the gate, [0, inf); 0 is AdamW
    eps : (0, inf)
    weight_decay : decoupled weight decay lambda, [0, inf)
    gate_decay : decay beta_g of the smoothed kinetic energy, [0, 1); 0 is the published gate. Otherwise the gate sees
        u_t/(1-beta_g^t), u_t = beta_g u_{t-1} + (1-beta_g) ||v_t||^2 (introduced here; not in the paper).
    gate : a departure from the published gate, one of :mod:`vradam.gates`
    proof_form : the form in which rates are proved (Defossez et al., arXiv:2003.02395): neither the velocity nor u_t
        is bias-corrected, s_t = beta2 s_{t-1} + g_t^2 is a plain sum, and the step is
        eta_t Omega_t v_t / sqrt(eps + s_t) with Omega_t^2 = (1-beta2^t)/(1-beta2); beta2 = 1 is Adagrad, Omega_t = 1.

    Hyper-parameters are scalars or arrays over the runs, so that a sweep is one batched call.

    Where |g| exceeds the root of the largest float (1.3e154; 1.8e19 in float32), g^2 counts as the largest float: the
    second moment is capped there, so that such a coordinate moves, in proportion to its velocity, farther than alpha0.

    Raises
    ------
    ValueError, TypeError : if a hyper-parameter lies outside its domain or is no real number, or if ``gate_decay`` is
        combined with another gate than the published one.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = VRAdam(alpha0=0.1)
    >>> x = np.array([3.0, 4.0])
    >>> state = optimizer.init(x)
    >>> x, state = optimizer.step(x, grad=x, state=state)      # F(x) = |x|^2 / 2; v_1 = 0.1 * (3, 4)
    >>> float(np.round(optimizer.learning_rate(state), 6))       # 0.1 / (1 + 0.25)
    0.08
    """

    alpha0: Rate = 1e-3
    alpha1: float | Array = 10.0
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    beta3: float | Array = 1.0
    eps: float | Array = 1e-8
    weight_decay: float | Array = 0.0
    gate_decay: float | Array = 0.0
    gate: GateForm = published
    proof_form: bool = False

    def __post_init__(self) -> None:
        domains = {
            "alpha0": "[0, inf)",
            "alpha1": "[0, inf]",
            "beta1": "[0, 1)",
            "beta2": "[0, 1]" if self.proof_form else "[0, 1)",
            "beta3": "[0, inf)",
            "eps": "(0, inf)",
            "weight_decay": "[0, inf)",
            "gate_decay": "[0, 1)",
        }
        for name, domain in domains.items():
            value = getattr(self, name)
            if not callable(value):
                object.__setattr__(self, name, hyper_parameter(name, value, domain))
        if not isinstance(self.gate, GateForm):
            raise TypeError(f"gate must be one of vradam.gates, got {self.gate!r}")
        if np.any(np.asarray(self.gate_decay) > 0) and self.gate != published:
            raise ValueError(
                f"gate_decay must be 0 with the gate {self.gate.name!r}: it smooths the published gate only"
            )

    def init(self, x: ArrayLike) -> State:
        """The state before the first step from ``x`` (..., d): everything zero."""
        x = real_array("x", x)
        if x.ndim == 0:
            raise ValueError("x must have shape (..., d), got a scalar")
        zeros = np.zeros(x.shape, x.dtype)
        return State(zeros, zeros, np.zeros(x.shape if self.gate.per_coordinate else x.shape[:-1]), 0)

    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        """One step from ``x`` (..., d) along the (stochastic) gradient ``grad`` (..., d); nothing is mutated.

        Raises
        ------
        TypeError, ValueError : if ``x`` and ``grad`` are no real arrays of one shape, or a hyper-parameter does not
            broadcast to the runs.
        """
        x, grad = matching(x, grad)
        t = state.step + 1
        beta1, beta2 = over_runs("beta1", self.beta1, x), over_runs("beta2", self.beta2, x)
        eta = over_runs("alpha0", rate_at(self.alpha0, t), x)
        with np.errstate(over="ignore", invalid="ignore"):
            entering = grad
            if self.gate.on_gradient:
                entering = gate_opening(self, kinetic_seen(self, state, state.velocity, grad), t, x.dtype) * grad
            velocity = beta1 * state.velocity + (1 - beta1) * entering
            square = grad * grad if self.proof_form else (1 - beta2) * (grad * grad)
            second_moment = np.minimum(beta2 * state.second_moment + square, np.finfo(x.dtype).max)
            kinetic = kinetic_seen(self, state, velocity, grad)
            if not self.gate.on_gradient:
                eta = eta * gate_opening(self, kinetic, t, x.dtype)
            eps = over_runs("eps", self.eps, x)
            if self.proof_form:
                omega = np.where(beta2 < 1, np.sqrt((1 - beta2**t) / np.where(beta2 < 1, 1 - beta2, 1)), 1)
                direction = omega.astype(x.dtype) * velocity / np.sqrt(eps + second_moment)
            else:
                direction = velocity / (1 - beta1**t) / (np.sqrt(second_moment / (1 - beta2**t)) + eps)
            x = (1 - eta * over_runs("weight_decay", self.weight_decay, x)) * x - eta * direction
        return x, State(velocity, second_moment, kinetic, t)

    def learning_rate(self, state: State) -> Array:
        """eta_t of the step that produced ``state``, shape (...); alpha0 before the first step.

        With the gate ``inside`` it is alpha0 gamma_t, the rate at which the gradient enters the velocity; with
        ``per_coordinate`` the mean over the coordinates.
        """
        return gated_learning_rate(self, state)


class Gated(Protocol):
    """An optimizer with a gate: VRAdam and VRMomentum."""

    @property
    def alpha0(self) -> Rate: ...
    @property
    def alpha1(self) -> float | Array: ...
    @property
    def beta3(self) -> float | Array: ...
    @property
    def gate_decay(self) -> float | Array: ...
    @property
    def gate(self) -> GateForm: ...


def rate_at(alpha0: Rate, t: int) -> float | Array:
    """alpha0 at step t: a schedule is called, a number or an array over the runs is itself."""
    return alpha0(t) if callable(alpha0) else alpha0


def kinetic_seen(gated: Gated, state: State, velocity: Array, grad: Array) -> Array:
    """What the gate sees after ``state``, given the new velocity v_t and g_t; smoothed where ``gate_decay`` > 0."""
    energy = gated.gate.kinetic(velocity, state.velocity, grad)
    if gated.gate != published:
        return energy
    column, previous = np.asarray(energy)[..., None], np.asarray(state.kinetic)[..., None]
    gate_decay = over_runs("gate_decay", gated.gate_decay, column)
    return (gate_decay * previous + (1 - gate_decay) * column)[..., 0]


def gate_opening(gated: Gated, kinetic: Array, t: int, dtype: np.dtype | type = np.float64) -> Array:
    """gamma_t as a column that broadcasts against (..., d): shape (..., 1), or (..., d) per coordinate."""
    column = np.asarray(kinetic if gated.gate.per_coordinate else np.asarray(kinetic)[..., None])
    beta3 = over_runs("beta3", gated.beta3, column)
    alpha1 = over_runs("alpha1", gated.alpha1, column)
    gate_decay = over_runs("gate_decay", gated.gate_decay, column)
    correction = 1.0 if getattr(gated, "proof_form", False) else 1 - gate_decay**t
    with np.errstate(over="ignore"):
        seen = column / correction
    return opening(seen, beta3, alpha1).astype(dtype)


def gated_learning_rate(gated: Gated, state: State) -> Array:
    """eta_t = alpha0 gamma_t of the step that produced ``state``, shape (...); the mean of a gate per coordinate."""
    t = max(state.step, 1)
    return np.asarray(rate_at(gated.alpha0, t) * gate_opening(gated, state.kinetic, t).mean(axis=-1))
