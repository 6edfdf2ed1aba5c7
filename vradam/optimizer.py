"""VRAdam, as Algorithm 1 of the paper writes it, in NumPy.

Source: Vaidhyanathan, Schorling, Ares, Osborne, "A Physics-Inspired Optimizer: Velocity Regularized Adam",
arXiv:2505.13196, Algorithm 1. This is an independent implementation.

Other gates and opening laws: :mod:`vradam.gates`, :mod:`vradam.laws`. Departures for the theory:
:mod:`vradam.departures`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vradam import departures, gates, laws
from vradam.display import short_html, short_repr
from vradam.gated import (
    Array,
    Rate,
    State,
    check_gate,
    gate_opening,
    gate_sees,
    gated_learning_rate,
    memory_at_start,
    top_rate,
)
from vradam.spelling import spelt
from vradam.stepping import average_of_squares, corrected_root
from vradam.validation import check_fields, matching, over_runs, real_array, restore


@spelt
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
    alpha0 : float, array over the runs, or callable
        Learning rate in [0, inf); a callable of the step t = 1, 2, ... is a schedule.
    alpha1 : float or array over the runs
        Clip of the gate, [0, inf]; 0 closes the gate's influence: AdamW.
    beta1 : float or array over the runs
        Decay of the velocity, [0, 1).
    beta2 : float or array over the runs
        Decay of the second moment, [0, 1); [0, 1] with ``proof_form``.
    beta3 : float or array over the runs
        Strength of the gate, [0, inf); 0 is AdamW.
    eps : float or array over the runs
        (0, inf).
    weight_decay : float or array over the runs
        Decoupled weight decay lambda, [0, inf).
    gate_decay : float or array over the runs
        [0, 1); ``gate_decay=g`` is a spelling of ``law=averaged(g)``, 0 of the published law.
    gate : GateForm
        What the gate sees and acts on, one of :mod:`vradam.gates`.
    law : Law
        How what the gate sees becomes its opening, one of :mod:`vradam.laws`. The gate ``inside`` takes the published
        law only.
    proof_form : bool
        The form in which rates are proved; see :mod:`vradam.departures`.

    Raises
    ------
    ValueError, TypeError
        If a hyper-parameter lies outside its domain or is no real number; if ``law`` and ``gate_decay`` are both given;
        if the law does not go with the gate.

    Notes
    -----
    Hyper-parameters are scalars or arrays over the runs, so that a sweep is one batched call. Where |g| exceeds the
    root of M, the largest float (1.3e154; 1.8e19 in float32), g^2 counts as M before it is averaged: a coordinate whose
    gradient is g at every step moves eta_t max(1, |g|/sqrt(M)) (while alpha0 |g| <= M), farther than eta_t. A gradient
    that is infinite or NaN makes the coordinates that it touches infinite or NaN; to the gate its square is the largest
    float. ``simulate`` ends such a run, :class:`~vradam.inplace.InPlace` does as here.

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
    gate: gates.GateForm = gates.published
    law: laws.Law = laws.published
    proof_form: bool = False

    def init(self, x: ArrayLike) -> State:
        """The state before the first step from ``x`` (..., d): everything zero (``kinetic`` w0 where a law has it)."""
        x = real_array("x", x)
        if x.ndim == 0:
            raise ValueError("x must have shape (..., d), got a scalar")
        zeros = np.zeros(x.shape, x.dtype)
        return State(zeros, zeros, memory_at_start(self, x), 0)

    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        """One step from ``x`` (..., d) along the (stochastic) gradient ``grad`` (..., d); nothing is mutated.

        Raises
        ------
        TypeError, ValueError
            If ``x`` and ``grad`` are no real arrays of one shape, or a hyper-parameter does not broadcast to the runs.
        """
        x, grad = matching(x, grad)
        if self.proof_form or self.gate.on_gradient:
            return departures.step(self, x, grad, state)
        t = state.step + 1
        alpha0 = over_runs("alpha0", top_rate(self, t), x)
        beta1, beta2 = over_runs("beta1", self.beta1, x), over_runs("beta2", self.beta2, x)
        eps, weight_decay = over_runs("eps", self.eps, x), over_runs("weight_decay", self.weight_decay, x)
        with np.errstate(over="ignore", invalid="ignore"):
            velocity = beta1 * state.velocity + (1 - beta1) * grad
            second_moment = average_of_squares(beta2, state.second_moment, grad)  # beta2 m_{t-1} + (1 - beta2) g_t^2
            preconditioner = corrected_root(second_moment, beta2, t) + eps  # sqrt(m_t / (1 - beta2^t)) + eps
            kinetic = gate_sees(self, state, velocity, grad, preconditioner)  # ||velocity||^2
            eta = alpha0 * gate_opening(self, kinetic, t, x.dtype)  # alpha0 / (1 + min(beta3 * kinetic, alpha1))
            x = (1 - eta * weight_decay) * x - eta * (velocity / preconditioner / (1 - beta1**t))
        return x, State(velocity, second_moment, kinetic, t)

    def learning_rate(self, state: State) -> Array:
        """eta_t of the step that produced ``state``, shape (...); alpha0 before the first step.

        With the gate ``inside`` it is alpha0 gamma_t, the rate at which the gradient enters the velocity; with
        ``per_coordinate`` the mean over the coordinates.
        """
        return gated_learning_rate(self, state)

    def preconditioner(self, state: State) -> Array:
        """The diagonal of P_t, (..., d) in float64; see :mod:`vradam.sharpness`. NaN before the first step."""
        m, t = np.asarray(state.second_moment, dtype=np.float64), state.step
        if t == 0:
            return np.full(m.shape, np.nan)
        beta2, eps = over_runs("beta2", self.beta2, m), over_runs("eps", self.eps, m)
        if self.proof_form:
            terms = np.where(beta2 < 1, (1 - beta2**t) / np.where(beta2 < 1, 1 - beta2, 1), 1)
            return np.sqrt((eps + m) / terms)
        return (1 - over_runs("beta1", self.beta1, m) ** t) * (corrected_root(m, beta2, t) + eps)

    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html

    def __post_init__(self) -> None:
        if not isinstance(self.proof_form, bool):
            raise TypeError(f"proof_form must be True or False, got {self.proof_form!r}")
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
        check_fields(self, domains)
        check_gate(self)
