"""The final theorems where they are nearly attained: a straight slope, no noise, the gate at its floor.

``F'`` is a constant ``G`` as far as the run gets, so ``L = 0`` there, ``R = G + sqrt(eps)``, and ``D`` is the descent
that the run makes. The left-hand side of every theorem is ``G^2``; its ratio to the bound is what the whole proof
keeps, and a bound that is too small by more than this ratio is found out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.claims.convergence.shares import best

#: Long enough for every ratio to exceed one half, so that half of a bound is too little.
STEPS: Final = 3_000_000


def remembered(decay: float, power: float, n: NDArray[np.int64]) -> NDArray[np.float64]:
    """``a_n = decay a_(n-1) + power^n`` from ``a_0 = 0``, summed."""
    if decay == power:
        return np.asarray(n * power**n, dtype=float)
    here, there = (np.exp(n * np.log(base)) if base else 0.0 for base in (decay, power))
    return np.asarray(power * (here - there) / (decay - power), dtype=float)


def ratio(bound: sp.Expr, beta1: float = 0.0, smoothed: bool = False, steps: int = STEPS, alpha1: float = 3.0) -> float:
    """``G^2`` over the bound at its best shares: ``G = 1``, ``alpha0 = 1/sqrt(N)``, ``1 - beta2 = 24/N``.

    The gate is ``1/(1+alpha1)``, or smoothed with ``1 - gate_decay = 100/N`` and strong enough to close in the first
    hundredth of the run.
    """
    beta2, decay, beta3, eps = 1 - 24 / steps, 1 - 100 / steps, 2 * alpha1, 1e-6
    n = np.arange(1, steps + 1)
    velocity, squares = (1 - beta1) * remembered(beta1, 1.0, n), remembered(beta2, 1.0, n)
    seen = {1.0: 1.0, beta1: -2.0, beta1**2: 1.0} if beta1 else {1.0: 1.0}  # velocity^2 = (1 - beta1^n)^2 in powers
    energy = (1 - decay) * sum(weight * remembered(decay, power, n) for power, weight in seen.items())
    gate = 1 / (1 + (np.minimum(beta3 * energy, alpha1) if smoothed else alpha1))
    values = {
        "N": steps, "d": 1, "alpha0": steps**-0.5, "alpha1": alpha1, "beta1": beta1, "beta2": beta2, "beta3": beta3,
        "gate_decay": decay, "eps": eps, "L": 0.0, "R": 1 + eps**0.5,
        "D": float(np.sum(steps**-0.5 * np.sqrt(squares) * gate * velocity / np.sqrt(eps + squares))),
    }  # fmt: skip
    return float(1 / best(bound, **values))


def nearly_attained(bound: sp.Expr, required: float, beta1: float = 0.0, smoothed: bool = False) -> bool:
    """Whether the bound holds on the slope, and is no further away than ``required`` says."""
    return required <= ratio(bound, beta1, smoothed) <= 1
