"""The noise at which the gate of Algorithm 1 settles highest above a bound that a predictable gate keeps.

One dimension, a fair coin as noise: ``g = F' +- 1``. ``F`` is the pseudo-Huber function of curvature ``L`` whose
gradient stays below ``over |G*|``, where ``G*`` is the gradient at which the published gate settles, and the run starts
there, so that the left-hand side of the theorems is ``G*^2`` at every horizon. :func:`search` looks for the numbers
that make ``G*^2`` largest in units of the bound. The noise is symmetric, and its mean is the true gradient: only the
gate makes the difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import sympy as sp

from theory.claims.bias.stationary import plateau_gradient
from theory.claims.convergence.shares import best


@dataclass(frozen=True)
class Setting:
    """A problem and the hyper-parameters of its runs, ``alpha0 = 1/sqrt(N)`` and ``beta2 = 1 - kappa/N``.

    Parameters
    ----------
    beta1 : float
        Decay of the velocity, in [0, 1).
    alpha1, beta3 : float
        Clip and strength of the gate, > 0.
    L : float
        Curvature of the objective at its minimiser, its smoothness, > 0.
    over : float
        ``sup |F'|`` in units of ``|G*|``, > 1.
    eps : float
        Inside the root of the denominator, > 0.
    kappa : float
        ``N`` times ``1 - beta2``, > 0: how many times the second moment forgets within the run.
    """

    beta1: float
    alpha1: float
    beta3: float
    L: float = 1.0
    over: float = 1.03
    eps: float = 1e-3
    kappa: float = 24.0

    @cached_property
    def plateau(self) -> float:
        """``G*``, the gradient at which the gate of Algorithm 1 settles; 0 if it settles at the minimiser."""
        return plateau_gradient(0.5, 1.0, self.beta1, self.beta3, self.alpha1)

    @property
    def grad_bound(self) -> float:
        """``sup |F'|``."""
        return self.over * self.plateau

    @property
    def start(self) -> float:
        """``x_0``, where ``F'(x_0) = G*``: ``F' = L x/sqrt(1 + (x/scale)^2)`` with ``scale = sup|F'|/L``."""
        return self.plateau / self.L / math.sqrt(1 - self.over**-2)

    @property
    def R(self) -> float:
        """Bound on the stochastic gradients, plus ``sqrt(eps)``."""
        return self.grad_bound + 1 + math.sqrt(self.eps)

    @property
    def D(self) -> float:
        """``F(x_0) - F* = (sup|F'|^2/L) (sqrt(1 + (x_0/scale)^2) - 1)``."""
        return self.grad_bound**2 / self.L * (1 / math.sqrt(1 - self.over**-2) - 1)

    def values(self, steps: int) -> dict[str, float]:
        """The arguments of a bound at the horizon ``steps``; ``gate_decay = 1 - 1/N``."""
        return {
            "N": steps, "d": 1, "alpha0": steps**-0.5, "beta2": 1 - self.kappa / steps, "gate_decay": 1 - 1 / steps,
            "alpha1": self.alpha1, "beta1": self.beta1, "beta3": self.beta3, "eps": self.eps,
            "L": self.L, "R": self.R, "D": self.D, "grad_bound": self.grad_bound,
        }  # fmt: skip

    def excess(self, bound: sp.Expr, steps: int) -> float:
        """``G*^2`` in units of the bound at its best shares; 0 where the gate settles at the minimiser.

        >>> from theory.claims.convergence.shares import theorem2_shares
        >>> round(Setting(beta1=0.0, alpha1=3.5, beta3=1.5).excess(theorem2_shares, 3_000_000), 2)
        1.2
        """
        return self.plateau**2 / float(best(bound, **self.values(steps))) if self.plateau else 0.0


def search(bound: sp.Expr, steps: int, start: Setting) -> Setting:
    """The setting of the largest :meth:`Setting.excess` that the simplex method finds from ``start``; beta1 stays.

    The logarithms of ``alpha1, beta3, L, over - 1, eps`` and ``kappa`` are varied.
    """
    from scipy.optimize import minimize

    def setting(z: np.ndarray) -> Setting:
        alpha1, beta3, L, beyond, eps, kappa = np.exp(z).tolist()
        return replace(start, alpha1=alpha1, beta3=beta3, L=L, over=1 + beyond, eps=eps, kappa=kappa)

    first = np.log([start.alpha1, start.beta3, start.L, start.over - 1, start.eps, start.kappa])
    found = minimize(
        lambda z: -setting(z).excess(bound, steps), first, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-4}
    )
    return setting(found.x)
