"""VRMomentum: VRAdam without its second moment, in the same protocol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vradam import gates, laws
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
from vradam.stepping import at_rest, moved, no_preconditioner
from vradam.validation import check_fields, matching, over_runs, restore


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class VRMomentum:
    r"""VRAdam without its second moment; most of the theory is about it.

    .. math::
        v_t &= \beta_1 v_{t-1} + (1-\beta_1) g_t \\
        \eta_t &= \alpha_0 / (1 + \min(\beta_3 \|v_t\|^2, \alpha_1)) \\
        \theta_t &= (1-\eta_t\lambda)\theta_{t-1} - \eta_t v_t

    The velocity is not bias-corrected. Hyper-parameters, gates and laws are those of
    :class:`~vradam.optimizer.VRAdam`; in a signal P_t = 1.
    Source: arXiv:2505.13196, the ablation without second moment.

    >>> x = np.array([3.0, 4.0])
    >>> optimizer = VRMomentum(alpha0=1.25, beta1=0.9)
    >>> x, state = optimizer.step(x, x, optimizer.init(x))       # v_1 = (0.3, 0.4), gate 1/1.25
    >>> x.round(12), float(optimizer.learning_rate(state).round(12))
    (array([2.7, 3.6]), 1.0)
    """

    alpha0: Rate = 1e-2
    alpha1: float | Array = 10.0
    beta1: float | Array = 0.9
    beta3: float | Array = 1.0
    weight_decay: float | Array = 0.0
    gate_decay: float | Array = 0.0
    gate: gates.GateForm = gates.published
    law: laws.Law = laws.published

    def __post_init__(self) -> None:
        check_fields(self, {"alpha0": "[0, inf)", "alpha1": "[0, inf]", "beta1": "[0, 1)", "beta3": "[0, inf)"})
        check_fields(self, {"weight_decay": "[0, inf)", "gate_decay": "[0, 1)"})
        check_gate(self)

    def init(self, x: ArrayLike) -> State:
        state = at_rest(x)
        return state._replace(kinetic=memory_at_start(self, state.velocity))

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        t = state.step + 1
        beta1 = over_runs("beta1", self.beta1, x)
        eta = over_runs("alpha0", top_rate(self, t), x)
        if self.gate.on_gradient:
            kinetic = gate_sees(self, state, state.velocity, grad)
            velocity = beta1 * state.velocity + (1 - beta1) * (gate_opening(self, kinetic, t, x.dtype) * grad)
        else:
            velocity = beta1 * state.velocity + (1 - beta1) * grad
            kinetic = gate_sees(self, state, velocity, grad)
            eta = eta * gate_opening(self, kinetic, t, x.dtype)
        return moved(x, eta, self.weight_decay, velocity), State(velocity, state.second_moment, kinetic, t)

    learning_rate = gated_learning_rate
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html
    preconditioner = no_preconditioner
