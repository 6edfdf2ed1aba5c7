"""The lemmas behind C2: what it costs that the gate sees the gradient it scales, if it moves slowly.

Continues :mod:`theory.methods.rate_lemmas`, with ``A_k = G_{n-k} g_{n-k}/sqrt(eps + s_n)`` and
``Delta_k = gamma_n - gamma_{n-k-1}``. The gate ``gamma_{n-k-1}`` is known before ``g_{n-k}`` is drawn; everything
here bounds ``Delta_k A_k``.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory.claim import vanishes
from theory.methods import rate_lemmas
from theory.methods.rate_lemmas import below_one, is_nonnegative, series
from theory.notation import alpha1, gate_decay, theta
from theory.recursion import ALGORITHM, Coefficients, State, smoothed


def smoothed_energy(c: Coefficients) -> tuple[sp.Symbol, sp.Expr, sp.Symbol]:
    """``u_{n-1}``, ``u_n`` and ``|V_n|``."""
    before, speed = sp.symbols("before speed", nonnegative=True)
    zero = sp.zeros(1, 1)
    after = smoothed(State(zero, zero, before, 0), sp.Matrix([speed]), zero, c)
    return before, sp.expand(after), speed


def linear_sum(ratio: sp.Expr) -> sp.Expr:
    """``sum_k (k+1) ratio^k``."""
    return 1 / (1 - ratio) ** 2


def square_sum(ratio: sp.Expr) -> sp.Expr:
    """``sum_k (k+1)^2 ratio^k``."""
    return (1 + ratio) / (1 - ratio) ** 3


def best_share(a: Any, b: Any) -> Any:
    """The ``theta`` that minimises form (B), with ``a = sqrt(base + y)`` and ``b = sqrt(y)``."""
    return b / (a + b)


def prove_gate_moves_slowly() -> bool:
    """``|gamma_n - gamma_{n-k-1}| <= (k+1) q gamma_{n-k-1}``, with ``gamma_0 = 1``.

    1. ``u_n - u_{n-1} = (1-gate_decay)(||V_n||^2 - u_{n-1})`` and both energies lie in ``[0, d R^2]``: the weights
    of
       ``V_n`` add up to at most 1.
    2. ``min(., alpha1)`` does not increase distances: the proofs 'clipping, ...' of
       :mod:`theory.claims.convergence.smoothed_proof`.
    3. ``1/(1+x) - 1/(1+y) = (y-x)/((1+x)(1+y))``: a difference of gates is the product of the gates times the
       difference of the energies; ``gamma_n <= 1`` and ``k+1`` steps give the lemma.
    """
    before, after, speed = smoothed_energy(ALGORITHM)
    x, y, ratio, k = sp.symbols("x y ratio k", nonnegative=True)
    weights = (1 - ratio) * series(ratio**k, k, ratio)
    gates = 1 / (1 + x) - 1 / (1 + y) - (y - x) / ((1 + x) * (1 + y))
    return (
        vanishes(after - before - (1 - gate_decay) * (speed**2 - before)) and vanishes(weights - 1) and vanishes(gates)
    )


def prove_split() -> bool:
    """``E[gamma_n A_k] >= E[gamma_{n-k-1} A_k] - E|Delta_k A_k|`` with ``A_k = G_{n-k} g_{n-k}/sqrt(eps + s_n)``.

    ``gamma_{n-k-1}`` is known before the gradients ``g_{n-k}, ..., g_n`` are drawn, so the descent lemma of C1a
    applies with that factor (at least ``1/(1+alpha1)`` in front of what is kept, at most 1 in front of what is
    lost); in the drift, ``gamma_n <= 1``, and ``alpha_n`` alone must be nondecreasing. Everything else of Theorem 4
    is untouched.
    """
    kept, lost, share = sp.symbols("kept lost share", nonnegative=True)
    # gamma (kept - lost) >= kept/(1+alpha1) - lost, for gamma between 1/(1+alpha1) and 1
    inside, free = below_one("free")
    gamma = 1 / (1 + alpha1) + share * alpha1 / (1 + alpha1)
    slack = (gamma * (kept - lost) - (kept / (1 + alpha1) - lost)).subs(share, inside)
    return is_nonnegative(slack, kept, lost, free, alpha1)


def prove_look_ahead() -> bool:
    """Form (A): ``|Delta_k A_k| <= (k+1) q R beta2^{-k/2} |U_{n-k}|``.

    For ``gamma_{n-k-1} <= 1``, ``|G| <= R`` and ``eps + s_n >= beta2^k (eps + s_{n-k})``. Summed over ``n``, each
    ``||U_j||_1`` gets ``sum_k (k+1) rho^k = (1-rho)^{-2}``; Cauchy-Schwarz over the ``N d`` numbers ``|U_{j,i}|``
    gives ``sum_j ||U_j||_1 <= sqrt(N d sum_j ||U_j||^2)``.
    """
    k, ratio = sp.symbols("k ratio", nonnegative=True)
    return vanishes(series((k + 1) * ratio**k, k, ratio) - linear_sum(ratio)) and rate_lemmas.prove_cauchy_schwarz()


def prove_look_ahead_young() -> bool:
    """Form (B): Young's inequality gives up a share ``theta`` of the progress and leaves a term in ``q^2``.

    With ``lam = theta/sqrt(eps + st)`` on ``x = |G|`` and ``y = (k+1) q |g|/sqrt(eps + s_n)``,

        |Delta_k A_k| <= gamma_{n-k-1} (theta G^2/(2 sqrt(eps+st)) + (k+1)^2 q^2 sqrt(eps+st) g^2/(2 theta (eps+s_n))).

    The first term is the share ``theta`` of what the descent lemma keeps; in the second ``gamma <= 1``,
    ``sqrt(eps+st) <= R/sqrt(1-beta2)`` and ``g^2/(eps+s_n) <= beta2^{-k} U_{n-k}^2``, and
    ``sum_k (k+1)^2 r^k = (1+r)/(1-r)^3``. The best ``theta`` turns ``(base + y/theta)/(1-theta)`` into
    ``(sqrt(base + y) + sqrt(y))^2``.
    """
    k, ratio, x, y, root = sp.symbols("k ratio x y root", positive=True)
    lam = theta / root
    young = lam * x**2 / 2 + y**2 / (2 * lam) - theta * x**2 / (2 * root) - y**2 * root / (2 * theta)
    a, b = sp.symbols("a b", positive=True)  # a = sqrt(base + y), b = sqrt(y)
    value = (a**2 - b**2 + b**2 / theta) / (1 - theta)
    best = best_share(a, b)
    return (
        vanishes(young)
        and vanishes(series((k + 1) ** 2 * ratio**k, k, ratio) - square_sum(ratio))
        and vanishes(value.subs(theta, best) - (a + b) ** 2)
        and vanishes(value - (a + b) ** 2 - (theta * (a + b) - b) ** 2 / (theta * (1 - theta)))
    )


def prove_first_steps() -> bool:
    """Form (C): the corrected energy moves at the rate ``(1-b)/(1-b^n)`` instead of ``1-b``, ``b = gate_decay``.

    ``u_n/(1-b^n)`` is the average of ``u_{n-1}/(1-b^{n-1})`` and ``||V_n||^2`` with that weight on the latter.

    1. The excess ``(1-b) b^n/(1-b^n)`` is at most ``b^{n/2}/n``: in ``1-b^n = (1-b)(1 + b + ... + b^{n-1})`` the terms
       pair up to ``b^j + b^{n-1-j} >= 2 b^{(n-1)/2} >= 2 b^{n/2}``. For ``n = 1`` the gate moves by at most
       ``1 - 1/(1+alpha1)``.
    2. So ``|Delta_k| <= (k+1) q gamma_{n-k-1} + sum_{j=n-k}^n e_j``, ``e_1 = alpha1/(1+alpha1)``,
       ``e_j = beta3 d R^2 b^{j/2}/j``.
    3. ``alpha_n <= alpha0 (1-beta1) sqrt n``, ``|A_k| <= R beta2^{-k/2}`` and ``sqrt(j+i) <= sqrt(j) sqrt(i+1)``. In
       exchanged order ``sqrt(j) e_j`` gets ``sum_i sqrt(i+1) sum_{k>=i} rho^k``, at most
       ``(1-rho)^{-1} (1-rho)^{-3/2}`` by Cauchy-Schwarz.
    4. ``sum_j b^{j/2}/sqrt j`` is at most ``sum_{j<=N} 1/sqrt j <= 2 sqrt N``, as
       ``1/sqrt j <= 2 (sqrt j - sqrt(j-1))``, and at most ``int_0^oo b^{x/2} x^{-1/2} dx = sqrt(2 pi/(-ln b))``, which
       is at most ``sqrt(2 pi/(1-b))``, as ``-ln b >= 1-b``.
    """
    b, x, y = sp.symbols("b x y", positive=True)
    n, k, ratio = sp.symbols("n k ratio", nonnegative=True)
    corrected = b * (1 - b ** (n - 1)) / (1 - b**n) + (1 - b) / (1 - b**n)  # weights of the old and the new energy
    excess = (1 - b) / (1 - b**n) - (1 - b) - (1 - b) * b**n / (1 - b**n)
    pair = x**2 + y**2 - 2 * x * y - (x - y) ** 2
    i, j = sp.symbols("i j", nonnegative=True)
    spread = ((1 + j) * (i + 1) - ((1 + j) + i)).expand()  # with 1 + j >= 1 in place of j
    ones, linear = series(ratio**k, k, ratio), series((k + 1) * ratio**k, k, ratio)
    rate = sp.Symbol("rate", positive=True)
    root, smaller = sp.symbols("root smaller", positive=True)  # sqrt j, and sqrt j - sqrt(j-1) in terms of both
    step = 2 * (root - smaller) - 2 * (root**2 - smaller**2) / (root + smaller)
    integral = sp.integrate(sp.exp(-rate * x / 2) / sp.sqrt(x), (x, 0, sp.oo))
    return (
        vanishes(corrected - 1)
        and vanishes(excess)
        and vanishes(pair)
        and is_nonnegative(spread, i, j)
        and vanishes(ones * linear - (1 - ratio) ** -3)
        and vanishes(1 - 1 / (1 + alpha1) - alpha1 / (1 + alpha1))
        and vanishes(step)
        and is_nonnegative(2 / (root + root) - 1 / root, root)  # root + smaller <= 2 root
        and vanishes(integral - sp.sqrt(2 * sp.pi / rate))
        and rate_lemmas.prove_log_sum()  # contains -ln(1-u) >= u
    )
