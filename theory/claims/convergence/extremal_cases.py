"""Every lemma of the rates at the case that attains it, or comes as near as we know: what its constants give away.

A lemma that is only seen to hold may be too large by any factor. Here each is evaluated, in floating point, where it is
tightest: the ratio of its two sides must reach ``required`` (.95 where the lemma is attained in the limit) and may not
exceed 1, so that a constant wrong by a factor 2, in either direction, is noticed. ``without`` drops the assumptions of
the lemma one at a time; the ratio then exceeds 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import sympy as sp

from theory.claims.convergence import smoothed_lemmas
from theory.claims.convergence.straight_slope import remembered
from theory.methods import rate_lemmas

Ratio = Callable[[], float]


@dataclass(frozen=True)
class Extremal:
    """A lemma at its extremal case.

    Parameters
    ----------
    lemma : str
        Its name among the steps.
    case : str
        Where it is evaluated.
    ratio : Ratio
        Left side over right side.
    required : float
        The least that ``ratio`` must be.
    without : mapping
        Assumption -> the ratio of a case that violates it, which exceeds 1.
    """

    lemma: str
    case: str
    ratio: Ratio
    required: float
    without: Mapping[str, Ratio] = field(default_factory=dict)

    def holds(self) -> bool:
        """Whether the lemma holds at its case and comes as near as required, and fails without each assumption."""
        return self.required <= self.ratio() <= 1 + 1e-9 and all(broken() > 1 for broken in self.without.values())


def number(expr: Any) -> float:
    """A formula without symbols, as a number."""
    return float(sp.N(expr))


# ---------------------------------------------------------------- descent


def descent(values: Any, weights: Any, known: float, eps: float, gate: Any = 1.0, floor: float = 1.0) -> float:
    """What one step loses over what the descent lemma allows at its best share, ``R`` being ``sqrt(E g^2)``.

    ``g`` takes ``values`` with ``weights``, ``known`` is what is known of ``s``; ``gate`` multiplies ``g`` and is at
    least ``floor``.
    """
    g, weights = np.asarray(values), np.asarray(weights)
    mean, square = weights @ g, weights @ g**2
    below, expected = np.sqrt(eps + known + g**2), math.sqrt(eps + known + square)
    lost = floor * mean**2 / expected - mean * (weights @ (gate * g / below))
    shares = np.linspace(0.001, 0.999, 999)
    spent = floor * (1 - rate_lemmas.kept(shares)) * mean**2 / expected
    paid = rate_lemmas.noise(shares) * math.sqrt(square) * (weights @ (g**2 / below**2))
    return float(lost / (spent + paid).min())


def rare_gradient(chance: float = 1e-8, eps: float = 1e-4) -> float:
    """A large gradient with a small chance, else a small one of the other sign: ``(1 + c)/(2 + c^2)``, best at
    ``c = sqrt(3) - 1``, as the chance vanishes: ``(1 + sqrt(3))/4 = .683``.

    The expected square is that of the large gradient, so nearly all of ``E g^2/sqrt(eps + st)`` is lost; the small
    gradient is divided by ``sqrt(eps)`` and takes ``c`` times as much again.
    """
    small = (math.sqrt(3) - 1) * math.sqrt(chance * eps)
    return descent([(1 + (1 - chance) * small) / chance, -small], [chance, 1 - chance], 0.0, eps)


def progress_kept(known: float = 1e8) -> float:
    """What the lemma promises at its best share over what a step makes: ``g = 1 +- 1``, nearly all of ``s`` known."""
    g, half = np.array([2.0, 0.0]), np.array([0.5, 0.5])
    below, expected = np.sqrt(known + g**2), math.sqrt(known + 2)
    shares = np.linspace(1e-4, 0.999, 9991)
    promised = rate_lemmas.kept(shares) / expected
    promised = promised - rate_lemmas.noise(shares) * math.sqrt(2) * (half @ (g**2 / below**2))
    return float(promised.max() / (half @ (g / below)))


def descent_of_a_gate_that_sees() -> float:
    """The coin ``g = .4 +- 1``, nearly all of ``s`` known, the gate of Algorithm 1: its mean step points uphill."""
    g = np.array([1.4, -0.6])
    return descent(g, [0.5, 0.5], 1e6, 1e-3, gate=1 / (1 + np.minimum(1.5 * g**2, 3.5)), floor=1 / 4.5)


# ---------------------------------------------------------------- sums over a run


def ratios(beta2: float, eps: float, steps: int) -> tuple[Any, Any]:
    """``U_n^2 = g_n^2/(eps + s_n)`` and ``eps + s_n`` of a constant gradient."""
    below = eps + remembered(beta2, 1.0, np.arange(1, steps + 1))
    return 1 / below, below


def log_sum(beta2: float, eps: float, steps: int, stated: float | None = None) -> float:
    """``sum U_n^2`` of a constant gradient over its bound with ``s_N`` in the logarithm; ``stated``: another decay."""
    squares, below = ratios(beta2, eps, steps)
    bound = rate_lemmas.log_sum(sp.Float(beta2 if stated is None else stated), sp.Float((below[-1] - eps) / eps), steps)
    return float(squares.sum()) / number(bound)


def velocity_sum(beta1: float, beta2: float, gate: float = 1.0, steps: int = 100_000) -> float:
    """``sum w_n^2 / sum U_n^2`` of a constant gradient over the constant of the lemma."""
    squares, below = ratios(beta2, 1.0, steps)
    moved = (gate * remembered(beta1, 1.0, np.arange(1, steps + 1))) ** 2 / below
    return float(moved.sum() / squares.sum()) / number(rate_lemmas.velocity_sum(sp.Float(beta1), sp.Float(beta2)))


def root_sum(ratio: float, power: float, bound: Callable[[Any], sp.Expr], terms: int = 200_000) -> float:
    """``sum_k ratio^k (k+1)^{1/2}``, or ``k^{3/2}``, over its bound."""
    k = np.arange(float(terms))
    weights = np.sqrt(k + 1) if power == 0.5 else k**power
    return float(np.sum(ratio**k * weights)) / number(bound(sp.Float(ratio)))


def polynomial_sum(ratio: float, power: int, bound: Callable[[Any], sp.Expr]) -> float:
    """``sum_k (k+1)^power ratio^k`` over its closed form."""
    k = np.arange(100_000.0)
    return float(np.sum((k + 1) ** power * ratio**k)) / number(bound(sp.Float(ratio)))


# ---------------------------------------------------------------- one step back


def tail(eps: float, k: int = 5, beta2: float = 0.9) -> float:
    """``beta2^k (eps + s_{n-k}) / (eps + s_n)``: a unit gradient, then none for ``k`` steps."""
    return beta2**k * (eps + 1) / (eps + beta2**k)


def displacement(sizes: Any, directions: Any) -> float:
    """``||sum_l alpha_l w_l||^2`` over ``alpha_n^2 k sum_l ||w_l||^2``, the last step size being ``alpha_n``."""
    sizes, directions = np.asarray(sizes), np.asarray(directions)
    return float(np.sum(sizes * directions) ** 2 / (sizes[-1] ** 2 * len(sizes) * np.sum(directions**2)))


def denominator(root_eps: float, over: float = 1.0, beta2: float = 0.9, n: int = 7) -> float:
    """``sqrt(eps + st) / (R Omega)`` for gradients of size ``over (R - sqrt(eps))``, ``R = 1``."""
    growth = sum(beta2**j for j in range(n))
    return math.sqrt(root_eps**2 + (over * (1 - root_eps)) ** 2 * growth) / math.sqrt(growth)


def gate_step(q: float, k: int = 0, decay: float = 0.999, size: float = 1.0) -> float:
    """``|gamma_{k+1} - gamma_0|`` over ``(k+1) q gamma_0``: the energy rises from 0, ``||V||^2 = size d R^2``."""
    strength = q / (1 - decay)
    energy = size * (1 - decay ** (k + 1))
    return (1 - 1 / (1 + strength * energy)) / ((k + 1) * q)


def look_ahead(q: float, root_eps: float) -> float:
    """``|Delta_0 A_0|`` over ``q R |U_n|``, all gradients ``R - sqrt(eps)``, ``R = 1``."""
    return gate_step(q) * (1 - root_eps)


def excess_rate(decay: float, n: int) -> float:
    """``(1-b) b^n/(1-b^n)`` over ``b^{n/2}/n``."""
    return (1 - decay) * decay**n / (1 - decay**n) / (decay ** (n / 2) / n)


def excess_total(decay: float, steps: int) -> float:
    """``sum_{j<=N} b^{j/2}/sqrt(j)`` over the smaller of ``2 sqrt(N)`` and ``sqrt(2 pi/(1-b))``."""
    j = np.arange(1.0, steps + 1)
    return float(np.sum(decay ** (j / 2) / np.sqrt(j))) / min(2 * steps**0.5, math.sqrt(2 * math.pi / (1 - decay)))


# ---------------------------------------------------------------- the list

PREDICTABLE: Final = (
    Extremal(
        "the adaptive step descends", "a rare large gradient against many small ones",
        rare_gradient, 0.68, {"the gate is known before the gradient": descent_of_a_gate_that_sees},
    ),
    Extremal("the adaptive step descends: what is kept", "nearly all of s known", progress_kept, 0.95),
    Extremal(
        "sum of squared ratios: the logarithm", "beta2 = 1, small gradients",
        lambda: log_sum(1.0, 1e4, 10**6), 0.95,
    ),
    Extremal(
        "sum of squared ratios: - N ln beta2", "a long run of equal gradients",
        lambda: log_sum(0.99, 1.0, 10**6), 0.95, {"beta2 is the decay of s": lambda: log_sum(0.99, 1.0, 10**6, 0.995)},
    ),
    Extremal(
        "sum of squared directions", "equal gradients, beta2 near 1",
        lambda: velocity_sum(0.5, 0.9999), 0.95,
        {"gates are at most 1": lambda: velocity_sum(0.5, 0.9999, gate=1.1)},
    ),
    Extremal(
        "sum with a root", "beta1 near 0", lambda: root_sum(1e-6, 0.5, rate_lemmas.root_sum), 0.95,
    ),
    Extremal(
        "sum with a root", "beta1 near beta2", lambda: root_sum(0.9995, 0.5, rate_lemmas.root_sum), 0.88,
    ),
    Extremal(
        "sum of the drift", "beta1 near 1", lambda: root_sum(0.9995, 1.5, rate_lemmas.drift_sum), 0.93,
    ),
    Extremal(
        "weights of tau", "any horizon beyond the velocity's memory",
        lambda: number(rate_lemmas.weight_total(sp.Rational(1, 2), 40)) / sum(1 - 0.5**i for i in range(1, 41)), 0.95,
    ),
    Extremal(
        "displacement in the drift", "equal steps", lambda: displacement(np.ones(9), np.ones(9)), 0.95,
        {"alpha_n does not fall": lambda: displacement([2.0, 1.0], [1.0, 1.0])},
    ),
    Extremal(
        "steps back", "no gradients later, eps small", lambda: tail(1e-9), 0.95,
    ),
    Extremal(
        "denominator", "every gradient as large as allowed, eps small", lambda: denominator(1e-4), 0.95,
        {"|g| <= R - sqrt(eps)": lambda: denominator(1e-4, over=1.01)},
    ),
)  # fmt: skip

SMOOTHED: Final = (
    Extremal(
        "the gate moves slowly", "the first step, the largest velocity, a weak gate", lambda: gate_step(1e-3), 0.95,
        {"||V||^2 <= d R^2": lambda: gate_step(1e-3, size=1.02)},
    ),
    Extremal(
        "the gate moves slowly: k steps", "ten first steps", lambda: gate_step(1e-4, k=9), 0.95,
        {"||V||^2 <= d R^2": lambda: gate_step(1e-4, k=9, size=1.02)},
    ),
    Extremal("price of looking ahead", "the first step, all gradients R", lambda: look_ahead(1e-3, 1e-4), 0.95),
    Extremal(
        "sum of the look-ahead (A)", "any ratio", lambda: polynomial_sum(0.9, 1, smoothed_lemmas.linear_sum), 0.95,
    ),
    Extremal(
        "sum of the look-ahead (B)", "any ratio", lambda: polynomial_sum(0.9, 2, smoothed_lemmas.square_sum), 0.95,
    ),
    Extremal("excess of the corrected energy", "gate_decay near 1", lambda: excess_rate(0.9999, 2), 0.95),
    Extremal("its total, a short memory", "gate_decay near 1", lambda: excess_total(0.9999, 10**6), 0.95),
    Extremal("its total, a short run", "gate_decay at 1 - 1e-12", lambda: excess_total(1 - 1e-12, 10**4), 0.95),
)  # fmt: skip


def attained(cases: tuple[Extremal, ...]) -> bool:
    """Whether all of them hold, come as near as required, and fail without each of their assumptions."""
    return all(case.holds() for case in cases)
