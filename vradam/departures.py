"""Two departures from the box of Algorithm 1, for the theory: the gate inside the momentum, and the proofs' form.

``inside``: gamma_t, known from v_{t-1}, multiplies the gradient that enters the velocity, and the step is alpha0's.

The proofs' form (Defossez et al., arXiv:2003.02395): neither the velocity nor the average u_t of a law is
bias-corrected, s_t = beta2 s_{t-1} + g_t^2 is a plain sum, and the step is eta_t Omega_t v_t / sqrt(eps + s_t) with
Omega_t^2 = (1-beta2^t)/(1-beta2); beta2 = 1 is Adagrad, Omega_t = 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vradam.gated import Array, State, gate_opening, gate_sees, rate_at, top_rate
from vradam.stepping import corrected_root, squares
from vradam.validation import over_runs


def step(optimizer: Any, x: Array, grad: Array, state: State) -> tuple[Array, State]:
    """One step of a VRAdam with ``inside``, in the proofs' form, or both; arguments as checked by ``VRAdam.step``."""
    t = state.step + 1
    beta1, beta2 = over_runs("beta1", optimizer.beta1, x), over_runs("beta2", optimizer.beta2, x)
    eps, inside = over_runs("eps", optimizer.eps, x), optimizer.gate.on_gradient
    with np.errstate(over="ignore", invalid="ignore"):
        entering = grad
        if inside:
            kinetic = gate_sees(optimizer, state, state.velocity, grad)
            entering = gate_opening(optimizer, kinetic, t, x.dtype) * grad
        velocity = beta1 * state.velocity + (1 - beta1) * entering
        square = squares(grad) if optimizer.proof_form else (1 - beta2) * squares(grad)
        second_moment = np.minimum(beta2 * state.second_moment + square, np.finfo(x.dtype).max)
        if optimizer.proof_form:
            omega = np.where(beta2 < 1, np.sqrt((1 - beta2**t) / np.where(beta2 < 1, 1 - beta2, 1)), 1).astype(x.dtype)
            root = np.sqrt(eps + second_moment)
            direction, preconditioner = omega * velocity / root, root / omega
        else:
            preconditioner = corrected_root(second_moment, beta2, t) + eps
            direction = velocity / preconditioner / (1 - beta1**t)
        if inside:
            eta = over_runs("alpha0", rate_at(optimizer.alpha0, t), x)
        else:
            kinetic = gate_sees(optimizer, state, velocity, grad, preconditioner)
            eta = over_runs("alpha0", top_rate(optimizer, t), x) * gate_opening(optimizer, kinetic, t, x.dtype)
        x = (1 - eta * over_runs("weight_decay", optimizer.weight_decay, x)) * x - eta * direction
    return x, State(velocity, second_moment, kinetic, t)
