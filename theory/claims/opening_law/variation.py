"""The lemmas behind C3: what it costs that a gate sees the gradient it scales, in terms of how much it moves in all.

Continues :mod:`theory.methods.rate_lemmas`, with ``A_k = G_{n-k} g_{n-k}/sqrt(eps + s_n)`` for one coordinate,
``Delta_k = gamma_n - gamma_{n-k-1}``, ``rho = beta1/sqrt(beta2)`` and ``TV = sum_n |gamma_n - gamma_{n-1}|``. Each
lemma comes with the case that attains it; the tests ask for that ratio.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import sympy as sp

from theory.claim import BoundCheck, vanishes
from theory.methods.rate_lemmas import inside_unit, series
from theory.recursion import ALGORITHM, Coefficients, held

w, root = sp.symbols("w root", positive=True)  # root = sqrt(g)


def rise(g: sp.Expr) -> sp.Expr:
    """The most that gamma = 1/(1+w) can rise in a step: ``(1 - sqrt g)/(1 + sqrt g)``."""
    return (1 - sp.sqrt(g)) / (1 + sp.sqrt(g))


def steepest_rise(c: Coefficients = ALGORITHM) -> sp.Expr:
    """The largest rise of gamma in a step, over all closings, from the law with the signal 0.

    Written with ``1 - g`` in the numerator, so that it is continuous at g = 1.
    """
    after = held.remember(w, sp.Integer(0), replace(c, gate_decay=root**2))
    gain = 1 / (1 + after) - 1 / (1 + w)
    (best,) = [value for value in sp.solve(sp.numer(sp.together(sp.diff(gain, w))), w) if value.is_positive]
    numerator, denominator = sp.fraction(sp.factor(gain.subs(w, best)))
    numerator, denominator = sp.expand(-numerator * (1 + root)), -denominator * (1 + root)
    return (numerator / denominator).subs(root, sp.sqrt(c.gate_decay))


def tail(rho: sp.Expr) -> sp.Expr:
    """``sum_j rho^j/sqrt(1 - rho^2)``: what L3 leaves of each unit of variation."""
    return 1 / ((1 - rho) * sp.sqrt(1 - rho**2))


def prove_rise() -> bool:
    """L1: ``1/(1+g w) - 1/(1+w) <= (1-sqrt g)/(1+sqrt g)``, attained at ``w = 1/sqrt g``.

    The difference is ``(1-r)/(1+r) (1 - r w)^2/((1+w)(1+r^2 w))``, ``r = sqrt g``.
    """
    g = root**2
    gain = (1 - g) * w / ((1 + w) * (1 + g * w))
    slack = (1 - root) / (1 + root) * (1 - root * w) ** 2 / ((1 + w) * (1 + g * w))
    return vanishes(1 / (1 + g * w) - 1 / (1 + w) - gain) and vanishes(rise(g) - gain - slack)


def prove_variation() -> bool:
    """L2: ``TV <= 2 N rise + alpha1/(1+alpha1)``.

    With R the sum of the rises and F that of the falls, ``TV = R + F`` and ``R - F = gamma_N - gamma_0``, so that
    ``TV = 2 R + gamma_0 - gamma_N``; a rise happens in at most N steps, and gamma lies in ``[1/(1+alpha1), 1]``.
    Attained up to lower order by close, reopen, close.
    """
    rises, falls, first, alpha1 = sp.symbols("rises falls first alpha1")
    last = first + rises - falls
    return vanishes(rises + falls - (2 * rises + first - last)) and vanishes(
        1 - 1 / (1 + alpha1) - alpha1 / (1 + alpha1)
    )


def prove_tail() -> bool:
    """L3: ``sum_{k>=j} beta1^k |g_{n-k}|/sqrt(eps + s_n) <= rho^j/sqrt(1 - rho^2)``.

    Cauchy-Schwarz with ``beta1^k = (beta1/sqrt beta2)^k (sqrt beta2)^k``: the first factors squared add up to
    ``rho^(2j)/(1-rho^2)``, the second with ``g_{n-k}^2`` to at most ``s_n <= eps + s_n``. Attained by
    ``g_{n-k} = (beta1/beta2)^k`` from ``k = j`` on, as eps -> 0.
    """
    k, ratio, b1, b2 = sp.symbols("k ratio b1 b2", positive=True)
    squares = series(ratio**k, k, ratio)  # ratio = rho^2
    split = (b1 / sp.sqrt(b2)) ** 2 * b2 - b1**2
    return vanishes(squares - 1 / (1 - ratio)) and vanishes(split)


def prove_price() -> bool:
    """L4: ``sum_n sum_k beta1^k |Delta_k A_k| <= Gi TV/((1-rho) sqrt(1-rho^2))`` for one coordinate, ``Gi >= |G|``.

    ``|Delta_k| <= sum_{j<=k} |gamma_{n-j} - gamma_{n-j-1}|``; with the sums over j and k exchanged, L3 gives each step
    of the gate the weight ``rho^j/sqrt(1-rho^2)``, j steps later, and these add up to L4. Attained by one closing after
    a geometric run of gradients. The exchange is counted at a horizon of 7: the pairs (k, j) with j <= k.
    """
    j, rho = sp.Symbol("j", nonnegative=True), sp.Symbol("rho", nonnegative=True)
    exchanged = {(k, i) for i in range(7) for k in range(i, 7)} == {(k, i) for k in range(7) for i in range(k + 1)}
    return exchanged and vanishes(series(rho**j, j, rho) / sp.sqrt(1 - rho**2) - tail(rho))


def prove_price_by_squares() -> bool:
    """L5: the same is at most ``Gi sqrt(a TV sum_n U_n^2) (1-rho)^(-3/2)``, ``a = alpha1/(1+alpha1)``.

    ``|Delta_k| <= a`` and ``sum_n |Delta_k| <= (k+1) TV`` give ``sum_n Delta_k^2 <= a (k+1) TV``; ``|A_k| <=
    Gi beta2^(-k/2) |U_{n-k}|``; Cauchy-Schwarz over n leaves ``sum_k rho^k sqrt(k+1)``, whose square is at most
    ``(sum rho^k)(sum (k+1) rho^k) = (1-rho)^-3``. Over the coordinates ``sum_i sqrt(sum_n U_{n,i}^2) <=
    sqrt(d sum_n ||U_n||^2)``, and over chance Jensen's inequality for the root.
    """
    k, ratio = sp.symbols("k ratio")
    ones, linear = series(ratio**k, k, ratio), series((k + 1) * ratio**k, k, ratio)
    return vanishes(ones * linear - (1 - ratio) ** -3)


def prove_split() -> bool:
    """``E[gamma_n A_k] >= E[gamma_{n-k-1} A_k] - E|Delta_k A_k|``.

    The gate of k+1 steps ago knows none of the gradients, so the descent lemma of Theorem 4 applies with that factor;
    its share of the progress is at least ``floor = 1/(1+alpha1)`` and what it loses at most 1 times what it lost. For
    gamma between the two, ``gamma (kept - lost) - (floor kept - lost) = (gamma - floor) kept + (1-gamma) lost``.
    """
    kept, lost, gamma, floor = sp.symbols("kept lost gamma floor")
    return vanishes(gamma * (kept - lost) - (floor * kept - lost) - (gamma - floor) * kept - (1 - gamma) * lost)


def prove_fixed_decay_keeps_a_bias() -> bool:
    """For a fixed g < 1 no bound can vanish: a signal that closes on upward noise moves the point of rest.

    beta1 = 0, noise +1 or -1 with probability 1/2, ``w = alpha1`` after +1, ``g w`` after -1. In the stationary state
    ``w = alpha1 g^k`` with probability ``2^-(k+1)`` (k steps since the last +1), and gamma depends on the noise
    alone. The mean of ``gamma (G + noise)`` vanishes only at ``G* = -E[gamma noise]/E gamma``, and ``-E[gamma noise] =
    sum_{k>=1} 2^-(k+1) (1/(1+alpha1 g^k) - 1/(1+alpha1)) > 0``: every term is positive.
    """
    alpha1, k = sp.symbols("alpha1 k")
    g = inside_unit("p")
    later = 1 / (1 + alpha1 * g**k) - 1 / (1 + alpha1)
    positive = alpha1 * (1 - g**k) / ((1 + alpha1) * (1 + alpha1 * g**k))
    down = sp.summation(sp.Rational(1, 2) ** (k + 1), (k, 1, sp.oo))
    return vanishes(later - positive) and down == sp.Rational(1, 2)


def prove_order_of_the_bias() -> bool:
    """As g -> 1 that signal leaves ``G*^2 ~ (a (1-g))^2``, ``a = alpha1/(1+alpha1)``.

    To first order in ``1-g``: ``1/(1+alpha1 g^k) - 1/(1+alpha1)`` is ``k (1-g) alpha1/(1+alpha1)^2``, ``sum_{k>=1} k
    2^-(k+1) = 1``, and ``E gamma`` tends to ``1/(1+alpha1)``. At ``1-g = N^-p`` it is above the rate for p < 1/4 only.
    """
    alpha1, k, g = sp.symbols("alpha1 k g", positive=True)
    slope = sp.diff(1 / (1 + alpha1 * g**k), g).subs(g, 1)
    mean = sp.summation(k * sp.Rational(1, 2) ** (k + 1), (k, 1, sp.oo))
    floor = 1 / (1 + alpha1)
    return bool(mean == 1) and vanishes(-slope / k / floor - alpha1 / (1 + alpha1))


# ---------------------------------------------------------------- where the lemmas are attained


def ratio_of_the_rise(g: float) -> float:
    """L1 at ``w = 1/sqrt g``: exactly attained."""
    closing = g**-0.5
    return (1 / (1 + g * closing) - 1 / (1 + closing)) / ((1 - g**0.5) / (1 + g**0.5))


def ratio_of_the_variation(steps: int, alpha1: float) -> float:
    """L2 for a gate that closes, reopens as fast as the law with ``1 - g = 1/N`` allows, and closes: TV over its bound.

    >>> [round(ratio_of_the_variation(steps, 19.0), 3) for steps in (10, 100, 1000)]
    [0.925, 0.986, 0.992]
    """
    g = 1 - 1 / steps
    starts = [alpha1 * g ** (steps * i / 100) for i in range(601)]  # where the run of N steps begins to reopen

    def variation(first: float) -> float:
        closings = [0.0, *(first * g**k for k in range(steps - 1)), alpha1]
        gammas = [1 / (1 + closing) for closing in closings]
        return sum(abs(after - before) for before, after in pairwise(gammas))

    best = max(variation(first) for first in starts)
    root = g**0.5
    return best / (2 * steps * (1 - root) / (1 + root) + alpha1 / (1 + alpha1))


def ratio_of_the_price(beta1: float, beta2: float) -> float:
    """L4 (and with it L3) for one closing after a geometric run ``g_{m-k} = (beta1/beta2)^k``; eps = 0, one coordinate.

    >>> [round(ratio_of_the_price(beta1, beta2), 9) for beta1, beta2 in ((0.9, 0.99), (0.5, 0.9))]
    [1.0, 1.0]
    """
    run = [(beta1 / beta2) ** k for k in range(400)]  # g_{m-k}; nothing after step m
    squares = sum(beta2**k * g * g for k, g in enumerate(run))  # s_m
    left = sum(beta1**k * g for k, g in enumerate(run))
    paid = sum(beta1**j * left / (beta2**j * squares) ** 0.5 for j in range(400))  # sum over the steps m + j
    rho = beta1 / beta2**0.5
    return paid * (1 - rho) * (1 - rho * rho) ** 0.5


def every_lemma_at_its_extremal_case() -> BoundCheck:
    """L1 to L4 hold and are attained: half of any of them would be too little."""
    prices = (ratio_of_the_price(0.9, 0.99), ratio_of_the_price(0.5, 0.9))
    ratios = (ratio_of_the_rise(0.9), ratio_of_the_variation(100, 19.0), *prices)
    return BoundCheck(max(ratios) <= 1 + 1e-12, 1 / min(ratios))


def bias_of_a_fixed_decay(g: float, alpha1: float) -> float:
    """``G*^2`` of :func:`prove_fixed_decay_keeps_a_bias`.

    >>> [round(bias_of_a_fixed_decay(g, 19.0), 6) for g in (0.9, 0.99)]
    [0.010833, 9.2e-05]
    >>> round(bias_of_a_fixed_decay(0.9999, 19.0) / (0.95 * 1e-4) ** 2, 3)
    1.0
    """
    up, *terms = (0.5**k / (1 + alpha1 * g**k) for k in range(200))  # each with twice its weight
    down = sum(terms)
    return ((down - up) / (down + up)) ** 2
